package kex

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// errNoEntropy is what a broken reader returns.
var errNoEntropy = errors.New("no entropy today")

// brokenReader gives n bytes and fails from then on.
type brokenReader struct{ n int }

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, errNoEntropy
	}
	n := min(len(p), r.n)
	for i := range p[:n] {
		p[i] = byte(i + 1)
	}
	r.n -= n
	return n, nil
}

// untouched fails the test when anything is read: the peer's value is refused before a private key is made.
type untouched struct{ t *testing.T }

func (r untouched) Read([]byte) (int, error) {
	r.t.Error("entropy was read for a value that is to be refused")
	return 0, errNoEntropy
}

// known returns every method that is known, ready to offer and to answer.
func known() []Method {
	rows := slices.Concat(Default(), Optional(), Insecure())
	for i, m := range rows {
		rows[i] = ready(m)
		if m.Name == "rsa2048-sha256" {
			rows[i] = sharedRSA() // the making of keys takes long
		}
	}
	return rows
}

// ready returns the method with a group, where it is one of group exchange.
func ready(m Method) Method {
	if m.GroupExchange {
		return m.Over(DefaultGroupRequest(), group14.open())
	}
	return m
}

// forEach runs f for every method that is known.
func forEach(t *testing.T, f func(t *testing.T, m Method)) {
	t.Helper()
	for _, m := range known() {
		t.Run(m.Name, func(t *testing.T) { f(t, m) })
	}
}

// methods returns the rows of these names.
func methods(t testing.TB, names ...string) []Method {
	t.Helper()
	rows, err := Lookup(names...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// outcome is what both sides of an exchange know afterwards.
type outcome struct{ clientPublic, serverPublic, secret []byte }

// exchange runs m between a client and a server with these readers and checks that they agree.
func exchange(t testing.TB, m Method, clientRand, serverRand io.Reader) outcome {
	t.Helper()
	offer, err := m.Offer(clientRand)
	if err != nil {
		t.Fatalf("offer: %v", err)
	}
	serverPublic, secret, err := m.Answer(serverRand, offer.Public)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	same, err := offer.Finish(serverPublic)
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	if !bytes.Equal(secret, same) {
		t.Fatalf("client and server disagree: %x, %x", same, secret)
	}
	return outcome{offer.Public, serverPublic, secret}
}

// wantFailed checks that err ends a key exchange with reason 3, and for the reason given, if one is.
func wantFailed(t testing.TB, err, cause error) {
	t.Helper()
	var pe *wire.ProtocolError
	if !errors.As(err, &pe) || pe.Reason != wire.ReasonKeyExchangeFailed {
		t.Fatalf("error is %v, want a ProtocolError with reason 3", err)
	}
	if cause != nil && !errors.Is(err, cause) {
		t.Fatalf("error is %v, want %v", err, cause)
	}
}

// refuse checks that both sides of m refuse a peer's public value, the server before it makes a key, and that a client
// which refused does not compute anything afterwards.
func refuse(t *testing.T, m Method, toServer, toClient []byte, cause error) {
	t.Helper()
	public, secret, err := m.Answer(untouched{t}, toServer)
	wantFailed(t, err, cause)
	if public != nil || secret != nil {
		t.Error("a refusing server returned a value")
	}
	refuseAsClient(t, m, toClient, cause)
}

func refuseAsClient(t *testing.T, m Method, toClient []byte, cause error) {
	t.Helper()
	offer, err := m.Offer(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := offer.Finish(toClient)
	wantFailed(t, err, cause)
	if secret != nil {
		t.Error("a refusing client returned a secret")
	}
	if _, err := offer.Finish(offer.Public); !errors.Is(err, errOfferUsed) {
		t.Errorf("second Finish: %v", err)
	}
}
