package kex

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// composite returns a product of the primes of groups, so that it has no small factors.
func composite(a, b group) []byte { return new(big.Int).Mul(mustModulus(a), mustModulus(b)).Bytes() }

// DH-04: what a server makes of a request.
func TestDH04Requests(t *testing.T) {
	const huge = math.MaxUint32
	for _, tt := range []struct {
		min, n, max uint32
		want        int // bits, 0 is refused
	}{
		{2048, 2048, 8192, 2048}, {2048, 3072, 8192, 3072}, {2048, 2049, 8192, 3072}, {2048, 7680, 8192, 8192},
		{1024, 1024, 8192, 2048}, {1024, 2048, 4096, 2048}, {0, 0, 8192, 2048}, {0, 0, huge, 2048},
		{2048, 8192, huge, 8192}, {2048, huge, huge, 8192}, {3000, 5000, 5500, 4096}, {2048, 2048, 2048, 2048},
		{8192, 8192, 8192, 8192}, {8192, huge, huge, 8192}, {1024, 1025, 2048, 2048},
		{2049, 2048, 8192, 0}, {4096, 2048, 8192, 0}, // min > n
		{2048, 4096, 3072, 0}, {2048, 8193, 8192, 0}, // n > max
		{1024, 1024, 1024, 0}, {512, 512, 512, 0}, {1024, 1536, 2047, 0}, {0, 0, 0, 0}, // max below 2048
		{huge, huge, huge, 0}, {8193, 8193, huge, 0},
		{2049, 2500, 3071, 0}, // a hole between two groups
	} {
		r := GroupRequest{Min: tt.min, Preferred: tt.n, Max: tt.max}
		g, err := r.Choose(nil, RFC3526())
		if tt.want == 0 {
			wantFailed(t, err, nil)
		} else if err != nil || g.Bits() != tt.want {
			t.Errorf("%+v: %v bits, %v, want %d", r, g.p, err, tt.want)
		}
	}
	for n, want := range map[uint32]int{0: 2048, 512: 2048, 1024: 2048, 2048: 2048, 3000: 3072, 8192: 8192, huge: 8192} {
		g, err := GroupRequest{Preferred: n, Old: true}.Choose(nil, RFC3526())
		if err != nil || g.Bits() != want {
			t.Errorf("old request for %d: %v", n, err)
		}
	}
	_, err := DefaultGroupRequest().Choose(nil, nil)
	wantFailed(t, err, errNoGroup)
}

// DH-04 for any numbers: a group within both ranges, and no better one left out.
func TestDH04AnyRequest(t *testing.T) {
	groups := RFC3526()
	rapid.Check(t, func(t *rapid.T) {
		r := GroupRequest{rapid.Uint32().Draw(t, "min"), rapid.Uint32().Draw(t, "n"), rapid.Uint32().Draw(t, "max"), false}
		if rapid.Bool().Draw(t, "near") {
			r.Min, r.Preferred, r.Max = r.Min%10000, r.Preferred%10000, r.Max%10000
		}
		inRange := func(n int) bool { return n >= int(r.Min) && n <= int(r.Max) }
		g, err := r.Choose(nil, groups)
		if err != nil {
			if r.Min <= r.Preferred && r.Preferred <= r.Max && slices.ContainsFunc(groups, func(g Group) bool { return inRange(g.Bits()) }) {
				t.Fatalf("%+v: %v", r, err)
			}
			return
		}
		if !inRange(g.Bits()) {
			t.Fatalf("%+v: %d bits", r, g.Bits())
		}
		for _, other := range groups {
			if inRange(other.Bits()) && closer(other.Bits(), g.Bits(), int(r.Preferred)) {
				t.Fatalf("%+v: %d bits, but there is one of %d", r, g.Bits(), other.Bits())
			}
		}
	})
}

// Of several groups of one size each is used, and a broken source of entropy is noticed.
func TestChooseDraws(t *testing.T) {
	groups := readModuli(t)
	seen := map[string]bool{}
	for range 64 {
		g, err := DefaultGroupRequest().Choose(nil, groups)
		if err != nil || g.Bits() != 3072 {
			t.Fatal(err)
		}
		seen[string(g.P())] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d of 2 groups were used", len(seen))
	}
	_, err := DefaultGroupRequest().Choose(&brokenReader{n: 3}, groups)
	wantFailed(t, err, errNoEntropy)
}

// DH-06: groups that a client must not use.
func TestDH06Groups(t *testing.T) {
	p := mustModulus(group14)
	two := []byte{2}
	good := DefaultGroupRequest()
	only3072 := GroupRequest{Min: 3072, Preferred: 3072, Max: 3072}
	million := slices.Concat([]byte{0x80}, make([]byte, 125_000))
	million[len(million)-1] = 1
	for _, tt := range []struct {
		name  string
		r     GroupRequest
		p, g  []byte
		cause error
	}{
		{"1024 bits", good, mustModulus(group1).Bytes(), two, errGroupSize},
		{"1024 bits, asked for", GroupRequest{Min: 1024, Preferred: 1024, Max: 8192}, mustModulus(group1).Bytes(), two, errGroupSize},
		{"below min", only3072, p.Bytes(), two, errGroupSize},
		{"above max", only3072, mustModulus(group16).Bytes(), two, errGroupSize},
		{"8193 bits", good, slices.Concat([]byte{1}, mustModulus(group18).Bytes()), two, errGroupSize},
		{"8200 bits", good, slices.Concat([]byte{0xff}, mustModulus(group18).Bytes()), two, errGroupSize},
		{"a million bits", good, million, two, errGroupSize},
		{"p = 0", good, nil, two, nil},
		{"p = 1", good, []byte{1}, two, errGroupSize},
		{"even", good, plus(p, -1).Bytes(), two, errGroupModulus},
		{"a small factor", good, plus(p, 2).Bytes(), two, errGroupModulus},
		{"composite", good, composite(group1, group1), two, errGroupModulus},
		{"composite of 3072 bits", good, composite(group1, group14), two, errGroupModulus},
		{"g = 0", good, p.Bytes(), nil, errGroupGenerator},
		{"g = 1", good, p.Bytes(), []byte{1}, errGroupGenerator},
		{"g = p-1", good, p.Bytes(), plus(p, -1).Bytes(), errGroupGenerator},
		{"g = p", good, p.Bytes(), p.Bytes(), errGroupGenerator},
		{"g > p", good, p.Bytes(), slices.Concat([]byte{1}, p.Bytes()), errGroupGenerator},
		{"g of a million bits", good, p.Bytes(), million, errGroupGenerator},
		{"request upside down", GroupRequest{Min: 4096, Preferred: 3072, Max: 2048}, p.Bytes(), two, errRequestBounds},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := tt.r.Accept(tt.p, tt.g, false)
			wantFailed(t, err, tt.cause)
			if g.p != nil {
				t.Error("a group was returned")
			}
		})
	}
	for _, g := range RFC3526() {
		if _, err := good.Accept(g.P(), g.G(), true); err != nil {
			t.Errorf("%d bits: %v", g.Bits(), err)
		}
	}
}

// DH-06: what only a proof finds: a prime that is not a safe one.
func TestDH06Proof(t *testing.T) {
	p := new(big.Int).Lsh(one, 2047)
	p.Add(p, big.NewInt(1919)) // the first prime of 2048 bits
	r := DefaultGroupRequest()
	if _, err := r.Accept(p.Bytes(), []byte{2}, false); err != nil {
		t.Errorf("without a proof: %v", err)
	}
	_, err := r.Accept(p.Bytes(), []byte{2}, true)
	wantFailed(t, err, errGroupSafe)
	g := readModuli(t)[0]
	if _, err := r.Accept(g.P(), g.G(), true); err != nil {
		t.Errorf("a group of the file: %v", err)
	}
}

// What the exchange hash covers: the request in its form, the group, and both of them before e and f.
func TestGroupExchangeHash(t *testing.T) {
	m := methods(t, "diffie-hellman-group-exchange-sha256")[0]
	g, other := group14.open(), readModuli(t)[0]
	base := GroupRequest{Min: 2048, Preferred: 3072, Max: 8192}
	seen := map[string]bool{}
	for _, row := range []Method{
		m, m.Over(base, g), m.Over(base, other), m.Over(GroupRequest{Min: 2049, Preferred: 3072, Max: 8192}, g),
		m.Over(GroupRequest{Min: 2048, Preferred: 3073, Max: 8192}, g), m.Over(GroupRequest{Min: 2048, Preferred: 3072, Max: 8191}, g),
		m.Over(GroupRequest{Preferred: 3072, Old: true}, g), m.Over(base, makeGroup(g.p, big.NewInt(5))),
	} {
		h := row.ExchangeHash(HashInput{HostKey: []byte("key"), ClientPublic: []byte{2}, ServerPublic: []byte{3}, Secret: []byte{4}})
		if seen[string(h)] {
			t.Error("two exchanges with one hash")
		}
		seen[string(h)] = true
	}
	if m.Offer != nil || !m.GroupExchange {
		t.Error("Over changed the row it was called on")
	}
}

func readModuli(t testing.TB) []Group {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "vectors", "moduli_openssh.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	groups, err := ParseModuli(f)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func TestParseModuli(t *testing.T) {
	var sizes []int
	for _, g := range readModuli(t) {
		sizes = append(sizes, g.Bits())
		if g.Bits() > 4096 {
			continue // takes long
		}
		if err := g.plausible(); err != nil {
			t.Error(err)
		}
	}
	if want := []int{2048, 2048, 3072, 3072, 4096, 4096, 6144, 6144, 7680, 7680, 8192, 8192}; !slices.Equal(sizes, want) {
		t.Errorf("sizes %d, want %d", sizes, want)
	}
	line := func(kind, tests, size int, g, p string) string {
		return fmt.Sprintf("20200101000000 %d %d 100 %d %s %s", kind, tests, size, g, p)
	}
	p := fmt.Sprintf("%X", mustModulus(group14))
	for _, tt := range []struct {
		name, text string
		groups     int // -1 is an error
	}{
		{"one", line(2, 6, 2047, "2", p) + "\n", 1},
		{"without a newline, lower case", line(2, 6, 2047, "05", strings.ToLower(p)), 1},
		{"comments and blanks", "# Time Type\n\n   \n" + line(2, 6, 2047, "2", p) + "\r\n#\n", 1},
		{"nothing", "", 0},
		{"type of Schnorr's groups", line(4, 6, 2047, "2", p), 0},
		{"never tested", line(2, 0, 2047, "2", p), 0},
		{"known to be composite", line(2, 3, 2047, "2", p), 0},
		{"1024 bits", line(2, 6, 1023, "2", fmt.Sprintf("%X", mustModulus(group1))), 0},
		{"wrong size", line(2, 6, 3071, "2", p), -1},
		{"even", line(2, 6, 2047, "2", p[:len(p)-1]+"E"), -1},
		{"generator 1", line(2, 6, 2047, "1", p), -1},
		{"not hexadecimal", line(2, 6, 2047, "2", "XYZ"), -1},
		{"generator not hexadecimal", line(2, 6, 2047, "-2", p), -1},
		{"negative number", line(-2, 6, 2047, "2", p), -1},
		{"huge number", strings.Replace(line(2, 6, 2047, "2", p), " 2047 ", " 99999999999 ", 1), -1},
		{"too few fields", "20200101000000 2 6 100 2047 2\n", -1},
		{"too many fields", line(2, 6, 2047, "2", p) + " x", -1},
		{"endless line", strings.Repeat("2", 1<<20), -1},
	} {
		groups, err := ParseModuli(strings.NewReader(tt.text))
		if (err != nil) != (tt.groups < 0) || err == nil && len(groups) != tt.groups || err != nil && groups != nil {
			t.Errorf("%s: %d groups, %v", tt.name, len(groups), err)
		}
	}
	if _, err := ParseModuli(strings.NewReader("# a\nb")); err == nil || !strings.Contains(err.Error(), "line 2") || !errors.Is(err, errModuliLine) {
		t.Errorf("%v does not name line 2", err)
	}
}

func FuzzParseModuli(f *testing.F) {
	f.Add([]byte("# comment\n20200101000000 2 6 100 2047 2 " + group14.prime + "\n"))
	f.Add([]byte("20200101000000 2 6 100 1023 2 " + group1.prime))
	f.Add([]byte("20200101000000 2 6 100 2047 2 00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		groups, err := ParseModuli(bytes.NewReader(text))
		if err != nil && groups != nil {
			t.Fatal("groups came with an error")
		}
		for _, g := range groups {
			if again, err := NewGroup(g.P(), g.G()); err != nil || again.Bits() != g.Bits() {
				t.Fatalf("%d bits: %v", g.Bits(), err)
			}
		}
	})
}

// FuzzAccept hands a client any group, for any request.
func FuzzAccept(f *testing.F) {
	for _, p := range [][]byte{nil, {0}, {7}, mustModulus(group1).Bytes(), mustModulus(group14).Bytes(), composite(group1, group1)} {
		f.Add(uint32(2048), uint32(3072), uint32(8192), p, []byte{2})
	}
	f.Fuzz(func(t *testing.T, low, n, high uint32, p, g []byte) {
		r := GroupRequest{Min: low, Preferred: n, Max: high}
		group, err := r.Accept(p, g, false)
		if err != nil {
			wantFailed(t, err, nil)
			return
		}
		if b := uint32(group.Bits()); b < max(low, MinGroupBits) || b > min(high, MaxGroupBits) || group.p.Bit(0) == 0 {
			t.Fatalf("a group of %d bits", b)
		}
		if !inside(group.g, group.last) {
			t.Fatal("a generator out of range")
		}
	})
}
