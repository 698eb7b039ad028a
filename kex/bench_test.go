package kex

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"math/big"
	"testing"
)

// BenchmarkServer is what a connection costs a server, BenchmarkClient what it costs a client (DH-07).
func BenchmarkServer(b *testing.B) {
	for _, m := range known() {
		b.Run(m.Name, func(b *testing.B) {
			offer, err := m.Offer(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := m.Answer(nil, offer.Public); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkClient(b *testing.B) {
	for _, m := range known() {
		b.Run(m.Name, func(b *testing.B) {
			first, err := m.Offer(nil)
			if err != nil {
				b.Fatal(err)
			}
			reply, _, err := m.Answer(nil, first.Public)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				offer, err := m.Offer(nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := offer.Finish(reply); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStd is what the standard library takes for a server's part of the same methods: a fresh key and the secret.
// Diffie-Hellman is with exponents as long as the modulus, as x/crypto/ssh has them.
func BenchmarkStd(b *testing.B) {
	decapsulation, err := mlkem.GenerateKey768()
	if err != nil {
		b.Fatal(err)
	}
	encapsulation := decapsulation.EncapsulationKey().Bytes()
	for _, row := range []struct {
		name   string
		answer func() error
	}{
		{Curve25519, stdECDH(ecdh.X25519())},
		{ECDHP256, stdECDH(ecdh.P256())},
		{ECDHP384, stdECDH(ecdh.P384())},
		{ECDHP521, stdECDH(ecdh.P521())},
		{MLKEM768X25519, func() error {
			key, err := mlkem.NewEncapsulationKey768(encapsulation)
			if err == nil {
				key.Encapsulate()
				err = stdECDH(ecdh.X25519())()
			}
			return err
		}},
		{DHGroup14, stdDH(group14)},
		{DHGroup16, stdDH(group16)},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := row.answer(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func stdECDH(curve ecdh.Curve) func() error {
	peer, failed := curve.GenerateKey(rand.Reader)
	return func() error {
		if failed != nil {
			return failed
		}
		own, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		_, err = own.ECDH(peer.PublicKey())
		return err
	}
}

func stdDH(g group) func() error {
	p := g.open().p
	peer := new(big.Int).Sub(p, big.NewInt(5))
	return func() error {
		x, err := rand.Int(rand.Reader, p)
		if err != nil {
			return err
		}
		new(big.Int).Exp(big.NewInt(2), x, p)
		new(big.Int).Exp(peer, x, p)
		return nil
	}
}

func BenchmarkNegotiate(b *testing.B) {
	client, server := realistic(), realistic()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Negotiate(client, server, isAEAD); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExchangeHash(b *testing.B) {
	m := methods(b, "curve25519-sha256")[0]
	in := HashInput{
		ClientVersion: make([]byte, 30), ServerVersion: make([]byte, 30), ClientInit: make([]byte, 1000),
		ServerInit: make([]byte, 1000), HostKey: make([]byte, 51), ClientPublic: make([]byte, 32),
		ServerPublic: make([]byte, 32), Secret: make([]byte, 32),
	}
	b.ReportAllocs()
	for b.Loop() {
		m.ExchangeHash(in)
	}
}

// BenchmarkDerive makes the six keys of aes256-ctr with hmac-sha2-512.
func BenchmarkDerive(b *testing.B) {
	m := methods(b, "curve25519-sha256")[0]
	secret, h, key := make([]byte, 32), make([]byte, 32), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		for letter := LetterIVClientToServer; letter <= LetterMACServerToClient; letter++ {
			m.Derive(key, secret, h, letter, h)
		}
	}
}
