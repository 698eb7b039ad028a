package cipher

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	//lint:ignore SA1019 a second implementation
	"golang.org/x/crypto/blowfish"
	//lint:ignore SA1019 a second implementation
	"golang.org/x/crypto/cast5"
	//lint:ignore SA1019 a cipher of the table
	"golang.org/x/crypto/twofish"
)

// constructor is what Cipher.Encrypt and Cipher.Decrypt are.
type constructor func(key, iv []byte) (Transform, error)

// checkCBC runs a group both ways, in one call and a block at a time: the chain goes on.
func checkCBC(t *testing.T, encrypt, decrypt constructor, block int, g map[string][]byte) {
	t.Helper()
	for _, step := range []int{len(g["plain"]), block} {
		for _, way := range []struct {
			build    constructor
			from, to []byte
		}{{encrypt, g["plain"], g["sealed"]}, {decrypt, g["sealed"], g["plain"]}} {
			crypt, err := way.build(g["key"], g["iv"])
			if err != nil {
				t.Fatal(err)
			}
			got := bytes.Clone(way.from)
			for off := 0; off < len(got); off += step {
				crypt(got[off:off+step], got[off:off+step])
			}
			if !bytes.Equal(got, way.to) {
				t.Errorf("key %x in steps of %d: %x, want %x", g["key"], step, got, way.to)
			}
		}
	}
}

func TestVectorsCBC(t *testing.T) {
	for i, g := range vectors(t, "aes_cbc_sp800_38a.txt", 3) {
		c := row(t, [...]string{"aes128-cbc", "aes192-cbc", "aes256-cbc"}[i])
		checkCBC(t, c.Encrypt, c.Decrypt, aes.BlockSize, g)
	}
	for _, g := range vectors(t, "tdes_cbc_cavp.txt", 6) {
		c := row(t, "3des-cbc")
		checkCBC(t, c.Encrypt, c.Decrypt, des.BlockSize, g)
	}
}

// checkECB runs a group without an IV through a block cipher, both ways.
func checkECB(t *testing.T, block cipher.Block, err error, g map[string][]byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, block.BlockSize())
	if block.Encrypt(got, g["plain"]); !bytes.Equal(got, g["sealed"]) {
		t.Errorf("key %x: %x, want %x", g["key"], got, g["sealed"])
	}
	if block.Decrypt(got, g["sealed"]); !bytes.Equal(got, g["plain"]) {
		t.Errorf("key %x: %x, want %x", g["key"], got, g["plain"])
	}
}

// oneBlock is a block64 as a cipher.Block.
type oneBlock struct{ block64 }

func (oneBlock) BlockSize() int { return block64Size }

func (b oneBlock) Encrypt(dst, src []byte) {
	x := binary.BigEndian.Uint64(src)
	lanes := [lanes64]uint64{3: x}
	b.encryptLanes(&lanes)
	l, r := b.encrypt(uint32(x>>32), uint32(x))
	if x = uint64(l)<<32 | uint64(r); lanes[3] != x {
		panic("one block and several are not the same cipher")
	}
	binary.BigEndian.PutUint64(dst, x)
}

func (b oneBlock) Decrypt(dst, src []byte) {
	lanes := [lanes64]uint64{binary.BigEndian.Uint64(src)}
	b.decryptLanes(&lanes)
	binary.BigEndian.PutUint64(dst, lanes[0])
}

// TestVectorsBlowfish: the sets have keys of 64 bits, but for the chaining set, whose key has the size of blowfish-cbc.
func TestVectorsBlowfish(t *testing.T) {
	groups := vectors(t, "blowfish_schneier.txt", 35)
	for _, g := range groups[:34] {
		block, err := newBlowfish(g["key"])
		checkECB(t, oneBlock{block}, err, g)
	}
	c := row(t, "blowfish-cbc")
	checkCBC(t, c.Encrypt, c.Decrypt, blowfish.BlockSize, groups[34])
}

func TestVectorsCAST128(t *testing.T) {
	groups := vectors(t, "cast128_rfc2144.txt", 2)
	block, err := newCAST128(groups[0]["key"])
	checkECB(t, oneBlock{block}, err, groups[0])
}

// TestVectorsTwofish follows the 49 sets of ecb_tbl.txt, where each takes its key and text from those before it.
func TestVectorsTwofish(t *testing.T) {
	for _, g := range vectors(t, "twofish_ecb.txt", 3) {
		block, err := twofish.NewCipher(g["key"])
		checkECB(t, block, err, g)
		key, plain := make([]byte, len(g["key"])), make([]byte, twofish.BlockSize)
		sealed := make([]byte, twofish.BlockSize)
		for range 49 {
			block, err := twofish.NewCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			block.Encrypt(sealed, plain)
			key = append(bytes.Clone(plain), key...)[:len(key)]
			copy(plain, sealed)
		}
		if !bytes.Equal(sealed, g["set49"]) {
			t.Errorf("set 49 with keys of %d bytes: %x, want %x", len(key), sealed, g["set49"])
		}
	}
}

// TestVectorsArcfour: arcfour begins at offset 0 of the key stream, the others at 1536.
func TestVectorsArcfour(t *testing.T) {
	for _, g := range vectors(t, "arcfour_rfc6229.txt", 4) {
		names := []string{"arcfour", "arcfour128"}
		if len(g["key"]) == 32 {
			names = []string{"arcfour256"}
		}
		for _, name := range names {
			crypt, err := row(t, name).Encrypt(g["key"], nil)
			if err != nil {
				t.Fatal(err)
			}
			stream := make([]byte, 4112)
			crypt(stream, stream)
			begin, checked := 0, 0
			if name != "arcfour" {
				begin = 1536
			}
			for field, want := range g {
				at, err := strconv.Atoi(strings.TrimPrefix(field, "at"))
				if err != nil || at < begin {
					continue
				}
				checked++
				if got := stream[at-begin:][:16]; !bytes.Equal(got, want) {
					t.Errorf("%s, key %x at %d: %x, want %x", name, g["key"], at, got, want)
				}
			}
			if checked < 7 {
				t.Errorf("%s: %d places compared", name, checked)
			}
		}
	}
}

// TestVectorsCTR64 crosses the end of a counter of 64 bits, in steps that are no blocks.
func TestVectorsCTR64(t *testing.T) {
	names := [...]string{"blowfish-ctr", "cast128-ctr", "3des-ctr"}
	for i, g := range vectors(t, "ctr64_openssl.txt", len(names)) {
		c := row(t, names[i])
		if len(g["key"]) != c.KeySize {
			t.Fatalf("%s: key of %d bytes, vector of %d", c.Name, c.KeySize, len(g["key"]))
		}
		for _, build := range []constructor{c.Encrypt, c.Decrypt} {
			for _, step := range []int{64, 8, 5} {
				crypt, err := build(g["key"], g["iv"])
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, len(g["stream"]))
				for off := 0; off < len(got); off += step {
					part := got[off:min(off+step, len(got))]
					crypt(part, part)
				}
				if !bytes.Equal(got, g["stream"]) {
					t.Errorf("%s in steps of %d: %x, want %x", c.Name, step, got, g["stream"])
				}
			}
		}
	}
}

// TestModes builds each block cipher's CBC and CTR from single blocks of the standard library or x/crypto.
func TestModes(t *testing.T) {
	blocks := map[string]func(key []byte) (cipher.Block, error){
		"aes":      aes.NewCipher,
		"rijndael": aes.NewCipher,
		"3des":     des.NewTripleDESCipher,
		"blowfish": func(key []byte) (cipher.Block, error) { return blowfish.NewCipher(key) },
		"cast128":  func(key []byte) (cipher.Block, error) { return cast5.NewCipher(key) },
		"twofish":  func(key []byte) (cipher.Block, error) { return twofish.NewCipher(key) },
	}
	for _, c := range append(Default(), Insecure()...) {
		primitive, _, _ := strings.Cut(c.Name, "-")
		primitive = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(primitive, "128"), "192"), "256")
		if primitive == "cast" {
			primitive = "cast128"
		}
		build := blocks[primitive]
		if c.AEAD || build == nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			block, err := build(pattern(c.KeySize, 8))
			if err != nil {
				t.Fatal(err)
			}
			plain, iv := pattern(c.BlockSize*9, 4), bytes.Repeat([]byte{0xff}, c.BlockSize)
			want := plainMode(block, c.CBC, iv, plain)
			encrypt, err := c.Encrypt(pattern(c.KeySize, 8), iv)
			if err != nil {
				t.Fatal(err)
			}
			got := bytes.Clone(plain)
			encrypt(got, got)
			if !bytes.Equal(got, want) {
				t.Errorf("%x, want %x", got, want)
			}
			decrypt, err := c.Decrypt(pattern(c.KeySize, 8), iv)
			if err != nil {
				t.Fatal(err)
			}
			if decrypt(got, got); !bytes.Equal(got, plain) {
				t.Errorf("decrypted to %x", got)
			}
		})
	}
}

// plainMode encrypts in CBC or SDCTR, a block at a time.
func plainMode(block cipher.Block, cbc bool, iv, plain []byte) []byte {
	state, out := bytes.Clone(iv), bytes.Clone(plain)
	for p := out; len(p) > 0; p = p[len(state):] {
		if cbc {
			for i := range state {
				state[i] ^= p[i]
			}
			block.Encrypt(state, state)
			copy(p, state)
			continue
		}
		key := make([]byte, len(state))
		block.Encrypt(key, state)
		for i := range key {
			p[i] ^= key[i]
		}
		for i := len(state) - 1; i >= 0; i-- {
			if state[i]++; state[i] != 0 {
				break
			}
		}
	}
	return out
}

// TestKeySizes: every constructor takes keys of the size that the table names, and tells other ones apart where the
// primitive does.
func TestKeySizes(t *testing.T) {
	for _, c := range Insecure() {
		if c.AEAD {
			continue
		}
		for _, build := range []constructor{c.Encrypt, c.Decrypt} {
			if _, err := build(make([]byte, c.KeySize), make([]byte, c.IVSize)); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			if f, err := build(nil, make([]byte, c.IVSize)); err == nil || f != nil {
				t.Errorf("%s: a transform without a key, %v", c.Name, fmt.Sprint(err))
			}
		}
	}
}
