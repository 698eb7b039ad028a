package kex

import "testing"

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
