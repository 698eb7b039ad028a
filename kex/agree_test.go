package kex

import (
	"bytes"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// DH-13: client and server agree on the secret, on H and on the keys in every run, through secrets that start with a
// zero byte and secrets whose top bit is set.
func TestDH13Agree(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		t.Parallel()
		runs := quickOr(m, 2000, 300)
		if _, group := dhGroups[m.Name]; group {
			runs = 5 // and TestDH13LeadingZeros
		} else if testing.Short() || raceEnabled {
			runs /= 10
		}
		var zero, high int
		for range runs {
			o := exchange(t, m, nil, nil)
			if o.secret[0] == 0 {
				zero++
			}
			if o.secret[0] >= 0x80 {
				high++
			}
		}
		t.Logf("%d runs: %d secrets start with zero, %d have the top bit set", runs, zero, high)
	})
}

// DH-13 for the groups, where runs are slow: the exponent is searched for by multiplication until the secret is short
// or has its top bit set, and then both sides run.
func TestDH13LeadingZeros(t *testing.T) {
	forEachGroup(t, func(t *testing.T, m Method, p *big.Int) {
		size := len(p.Bytes())
		serverKey := slices.Concat([]byte{0x40}, make([]byte, exponentSize-2), []byte{7})
		reply := new(big.Int).Exp(big.NewInt(2), new(big.Int).SetBytes(serverKey), p)
		for _, tt := range []struct {
			name string
			want func(k *big.Int) bool
		}{
			{"zero byte first", func(k *big.Int) bool { return k.BitLen() <= (size-1)*8 }},
			{"top bit set", func(k *big.Int) bool { return k.BitLen() == size*8 }},
			{"top bit clear", func(k *big.Int) bool { return k.BitLen() == size*8-1 }},
		} {
			x := new(big.Int).Lsh(one, 500)
			k := new(big.Int).Exp(reply, x, p)
			for !tt.want(k) {
				x.Add(x, one)
				k.Mul(k, reply).Mod(k, p)
			}
			clientKey := x.FillBytes(make([]byte, exponentSize))
			o := exchange(t, m, bytes.NewReader(clientKey), bytes.NewReader(serverKey))
			if !bytes.Equal(o.secret, k.Bytes()) || !bytes.Equal(o.serverPublic, mpintBody(reply)) {
				t.Errorf("%s: the secret is not the one searched for", tt.name)
			}
		}
	})
}

// DH-13: K of the hybrid is a string: the keys differ from those of the mpint where it starts with zero.
func TestDH13HybridSecretIsString(t *testing.T) {
	m := methods(t, "mlkem768x25519-sha256")[0]
	for range 100_000 {
		o := exchange(t, m, nil, nil)
		if o.secret[0] != 0 || o.secret[1] >= 0x80 { // 00 8x is an mpint as well
			continue
		}
		asMpint := m
		asMpint.SecretAsString = false
		if bytes.Equal(m.ExchangeHash(HashInput{Secret: o.secret}), asMpint.ExchangeHash(HashInput{Secret: o.secret})) {
			t.Error("the leading zero is lost")
		}
		return
	}
	t.Fatal("no secret starts with zero")
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := cryptorand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// Every field of the input changes the hash, and no byte can move from one field into the next.
func TestExchangeHashInput(t *testing.T) {
	m := methods(t, "curve25519-sha256")[0]
	fields := func(in *HashInput) []*[]byte {
		return []*[]byte{&in.ClientVersion, &in.ServerVersion, &in.ClientInit, &in.ServerInit,
			&in.HostKey, &in.ClientPublic, &in.ServerPublic, &in.Secret}
	}
	rapid.Check(t, func(rt *rapid.T) {
		var in HashInput
		for _, f := range fields(&in) {
			*f = rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "field")
		}
		in.Secret[0] |= 1 // an mpint of zeros is the same for every length
		h := m.ExchangeHash(in)
		if len(h) != sha256.Size || !bytes.Equal(h, m.ExchangeHash(in)) {
			rt.Fatal("the hash is not a function of its input")
		}
		list := fields(&in)
		i := rapid.IntRange(0, len(list)-2).Draw(rt, "which")
		a, b := *list[i], *list[i+1]
		*list[i], *list[i+1] = a[:len(a)-1], slices.Concat(a[len(a)-1:], b)
		if bytes.Equal(h, m.ExchangeHash(in)) && i+1 < len(list)-1 {
			rt.Fatal("a byte moved to the next field unnoticed")
		}
		*list[i], *list[i+1] = a, b
		(*list[i])[0] ^= 1
		if bytes.Equal(h, m.ExchangeHash(in)) {
			rt.Fatalf("field %d does not count", i)
		}
	})
}

// Nothing that is handed in is changed or kept.
func TestInputsStayTheCallers(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		offer, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		toServer := slices.Clone(offer.Public)
		reply, secret, err := m.Answer(nil, toServer)
		if err != nil || !bytes.Equal(toServer, offer.Public) {
			t.Fatalf("the client's value was changed, %v", err)
		}
		clear(toServer)
		toClient := slices.Clone(reply)
		same, err := offer.Finish(toClient)
		if err != nil || !bytes.Equal(toClient, reply) || !bytes.Equal(secret, same) {
			t.Fatalf("the server's value was changed, %v", err)
		}
		in := HashInput{Secret: slices.Clone(secret), HostKey: []byte("key")}
		h := m.ExchangeHash(in)
		key := make([]byte, 100)
		m.Derive(key, in.Secret, h, LetterIVClientToServer, h)
		if !bytes.Equal(in.Secret, secret) || string(in.HostKey) != "key" {
			t.Error("the hash changed its input")
		}
	})
}
