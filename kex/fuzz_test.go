package kex

import (
	"bytes"
	"crypto/mlkem"
	"math/big"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// FuzzNegotiate takes two KEXINIT payloads. What comes out is in both lists, is the first such name of the client's and
// no marker; where nothing comes out, the error says for which list.
func FuzzNegotiate(f *testing.F) {
	f.Add(realistic().Append(nil), realistic().Append(nil))
	f.Add(offerAll("a,b", "h", "gcm,ctr", "m", "none").Append(nil), offerAll("b,a", "h", "ctr", "m,n", "none").Append(nil))
	f.Add(offerAll(ExtInfoClient, "h", "ctr", "m", "none").Append(nil), offerAll(ExtInfoClient, "h", "ctr", "m", "none").Append(nil))
	f.Add((&wire.KexInit{}).Append(nil), (&wire.KexInit{}).Append(nil))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var client, server wire.KexInit
		if client.Parse(a) != nil || server.Parse(b) != nil {
			return
		}
		GuessedRight(&client, &server)
		got, err := Negotiate(&client, &server, isAEAD)
		if err != nil {
			wantFailed(t, err, nil)
			return
		}
		check := func(name string, client, server wire.NameList) {
			for n := range client.All() {
				if !hasPrefix(n, markerPrefixes) && server.Contains(string(n)) {
					if string(n) != name {
						t.Fatalf("%q was chosen, %q comes first", name, n)
					}
					return
				}
			}
			t.Fatalf("%q is not in common", name)
		}
		check(got.Kex, client.Kex, server.Kex)
		check(got.HostKey, client.HostKey, server.HostKey)
		check(got.ClientToServer.Cipher, client.CipherCS, server.CipherCS)
		check(got.ServerToClient.Cipher, client.CipherSC, server.CipherSC)
		check(got.ClientToServer.Compression, client.CompressionCS, server.CompressionCS)
		if isAEAD(got.ServerToClient.Cipher) != (got.ServerToClient.MAC == "") {
			t.Fatalf("cipher %q with MAC %q", got.ServerToClient.Cipher, got.ServerToClient.MAC)
		}
	})
}

// seedPublic adds public values of every kind, right and wrong, for the method of each index.
func seedPublic(f *testing.F) {
	for i, m := range known() {
		offer, err := m.Offer(nil)
		if err != nil {
			f.Fatal(err)
		}
		reply, _, err := m.Answer(nil, offer.Public)
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range [][]byte{nil, {0}, {2}, {0xff}, offer.Public, reply, offer.Public[:len(offer.Public)-1]} {
			f.Add(uint8(i), p)
		}
	}
	for _, text := range append(lowOrder, aliased...) {
		f.Add(uint8(1), unhex(f, text))
	}
	f.Add(uint8(6), mpintBody(new(big.Int).Sub(mustModulus(group16), one)))
	f.Add(uint8(0), make([]byte, mlkem.CiphertextSize768+x25519Size))
}

// FuzzAnswer hands a server any public value. It is refused with reason 3, or it makes a secret that a public value of
// ours belongs to.
func FuzzAnswer(f *testing.F) {
	seedPublic(f)
	rows := known()
	f.Fuzz(func(t *testing.T, i uint8, clientPublic []byte) {
		m := rows[int(i)%len(rows)]
		kept := bytes.Clone(clientPublic)
		public, secret, err := m.Answer(nil, clientPublic)
		if !bytes.Equal(kept, clientPublic) {
			t.Fatal("the peer's value was changed")
		}
		checkSecret(t, m, secret, err)
		if (err == nil) != (len(public) > 0) {
			t.Fatalf("public value of %d bytes, %v", len(public), err)
		}
	})
}

// FuzzFinish hands a client any public value.
func FuzzFinish(f *testing.F) {
	seedPublic(f)
	rows := known()
	f.Fuzz(func(t *testing.T, i uint8, serverPublic []byte) {
		m := rows[int(i)%len(rows)]
		offer, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		kept := bytes.Clone(serverPublic)
		secret, err := offer.Finish(serverPublic)
		if !bytes.Equal(kept, serverPublic) {
			t.Fatal("the peer's value was changed")
		}
		checkSecret(t, m, secret, err)
	})
}

func checkSecret(t *testing.T, m Method, secret []byte, err error) {
	t.Helper()
	if err != nil {
		wantFailed(t, err, nil)
		if secret != nil {
			t.Fatal("a secret came with an error")
		}
		return
	}
	if k := new(big.Int).SetBytes(secret); k.Cmp(one) <= 0 {
		t.Fatalf("%s: degenerate secret %x", m.Name, secret)
	}
}
