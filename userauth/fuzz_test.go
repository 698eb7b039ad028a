package userauth

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// serverAlphabet are the messages from which FuzzServe builds sequences. Those
// from index firstProof on prove something.
func serverAlphabet() []message {
	own := hostKey().PublicKey().Marshal()
	return []message{
		wire.ServiceRequest{Name: "ssh-userauth"}, wire.ServiceRequest{Name: "ssh-connection"}, noneRequest("bob"), noneRequest("eve"),
		passwordRequest("bob", "wrong"), passwordRequest("eve", "right"), passwordRequest("bob", ""), changeRequest("bob", "right", "x"),
		queryRequest(keyA(), "bob"), queryRequest(keyB(), "bob"), signedRequest(keyB(), "bob"), signedRequest(keyA(), "eve"),
		proof{signer: keyA(), user: "bob", session: 8}.request(), proof{signer: keyB(), user: "bob", session: 7, blob: keyA().PublicKey().Marshal()}.request(),
		proof{signer: keyA(), user: "bob", session: 7, method: methodHostBound, hostKey: keyB().PublicKey().Marshal()}.request(),
		interactiveRequest("bob"), interactiveRequest("eve"), answersOf("red"), answersOf("blue"), answersOf("41"), answersOf(), answersOf("blue", "42"),
		countOnly(1<<32 - 1), wire.UserauthSuccess{}, failureOf("password"), raw{90}, raw{},
		// proofs
		signedRequest(keyA(), "bob"), passwordRequest("bob", "right"), answersOf("42"),
		proof{signer: keyEC(), user: "bob", session: 7, method: methodHostBound, hostKey: own}.request(),
		// of a method that is not among those asked for
		vouch(keyA(), nil, nil, "bob", 7), vouch(keyB(), nil, func(m *wire.UserauthHostBased) { m.Signature = nil }, "bob", 7),
	}
}

const firstProof = 27

// FuzzServe sends any sequence of messages, and of mutated ones, to a server
// that wants a key and then the password or the answers: nobody is let in whose
// sequence lacks either proof.
func FuzzServe(f *testing.F) {
	f.Add([]byte{0, 2, 8, 27, 28}, []byte{})
	f.Add([]byte{0, 30, 15, 18, 29}, []byte{})
	f.Add([]byte{0, 27, 3, 28, 27, 5, 28}, []byte{})
	f.Add([]byte{0, 27, 255, 28}, []byte{50, 0, 0, 0, 1})
	f.Add([]byte{0, 27, 15, 28, 15, 18, 27, 29}, []byte{61})
	f.Add([]byte{0, 158, 15, 18, 29}, []byte{})
	alphabet := serverAlphabet()
	f.Add([]byte{0, 31, 27, 32, 28}, []byte{})
	cfg := trusting()
	cfg.Chains = [][]string{{"publickey", "password"}, {"publickey", "keyboard-interactive"}}
	f.Fuzz(func(t *testing.T, sequence, junk []byte) {
		client, server := newMemory(7)
		var proofs [2]bool // a key; the password or the second answer
		for _, i := range sequence[:min(len(sequence), 200)] {
			m := message(raw(junk))
			if int(i) < len(alphabet) {
				m = alphabet[i]
			} else if j := int(i) - 128; j >= 0 && j < len(alphabet) {
				m = raw(append(m.Append(nil), alphabet[j].Append(nil)...))
			}
			// By its bytes, not by i: with no junk before it a message of the alphabet is itself.
			switch slices.IndexFunc(alphabet[firstProof:], sameBytes(m)) {
			case 0, 3:
				proofs[0] = true
			case 1, 2:
				proofs[1] = true
			}
			if client.WriteControl(m.Append(nil)) != nil {
				break
			}
		}
		client.out.close(net.ErrClosed)
		out := served{transport: server}
		out.login, out.err = Serve(t.Context(), server, cfg)
		out.check(t)
		if out.login != nil && (!proofs[0] || !proofs[1] || len(out.login.Steps) != 2 || out.login.User != "bob") {
			t.Fatalf("let in by %v: %+v", sequence, out.login)
		}
		if _, ok := errors.AsType[*PanicError](out.err); ok {
			t.Fatal(out.err)
		}
	})
}

func sameBytes(m message) func(message) bool {
	want := m.Append(nil)
	return func(other message) bool { return bytes.Equal(other.Append(nil), want) }
}

// FuzzServeBytes sends packets of any bytes; without a right signature over
// this session nobody is let in, which no fuzzer will find.
func FuzzServeBytes(f *testing.F) {
	for _, m := range serverAlphabet()[:firstProof] {
		f.Add(m.Append(nil), interactiveRequest("bob").Append(nil))
	}
	cfg := anyKey()
	cfg.HostBased = func(context.Context, *Attempt, sshkey.PublicKey, string, string, string) Result {
		return Result{Outcome: Accept}
	}
	f.Add(vouch(keyA(), nil, nil, "bob", 7).Append(nil), noneRequest("bob").Append(nil))
	cfg.KeyboardInteractive = func(_ context.Context, _ *Attempt, ask asker) Result {
		if _, err := ask("", "", []wire.Prompt{{}}); err != nil {
			return Result{Outcome: Accept}
		}
		return Result{}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		client, server := newMemory(9)
		for _, p := range [][]byte{wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), first, second, first} {
			client.WriteControl(p)
		}
		client.out.close(net.ErrClosed)
		out := served{transport: server}
		out.login, out.err = Serve(t.Context(), server, cfg)
		out.check(t)
		out.rejected(t)
	})
}

// FuzzAuthenticate plays any sequence of a server's messages to a client that
// has every method. It must end, offer each credential once, and never take a
// login for which nothing of ours went out.
func FuzzAuthenticate(f *testing.F) {
	f.Add([]byte{0, 1, 5, 9, 10}, []byte{})
	f.Add([]byte{0, 2, 6, 8, 3, 11, 4, 9}, []byte{51, 0, 0, 0, 0, 1})
	alphabet := []message{
		wire.ServiceAccept{Name: "ssh-userauth"}, failureOf(allMethods...), failureOf("password"), partialOf("keyboard-interactive"), partialOf(allMethods...),
		pkOK(keyA()), pkOK(keyB()), wire.UserauthPasswdChangeReq{Prompt: "new"}, wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "?"}}},
		wire.UserauthInfoRequest{}, wire.UserauthSuccess{}, wire.UserauthBanner{Message: "\x1b[2J"}, raw{90}, failureOf(),
	}
	f.Fuzz(func(t *testing.T, sequence, junk []byte) {
		client, server := newMemory(7)
		for _, i := range sequence[:min(len(sequence), 300)] {
			m := message(raw(junk))
			if int(i) < len(alphabet) {
				m = alphabet[i]
			}
			server.WriteControl(m.Append(nil))
		}
		server.out.close(net.ErrClosed)
		var got *Acceptance
		cfg := &ClientConfig{User: "bob", Accepted: func(a Acceptance) { got = &a }, Methods: []Method{
			PublicKeys(keyA(), keyB()), PasswordWithChange(constant("secret-word"), constantChange), answerAll("blue", "42"),
		}}
		err := Authenticate(t.Context(), client, cfg)
		if (err == nil) != (got != nil) || (err == nil) != (client.authenticated == 1) || (err == nil) != (len(client.aborted) == 0) {
			t.Fatalf("error %v, accepted %+v, told %d times", err, got, client.authenticated)
		}
		if got != nil && !got.Proven {
			t.Fatalf("accepted without a credential: %+v", got)
		}
		checkOffers(t, client.sent)
	})
}

func constantChange(context.Context, string) (string, error) { return "changed", nil }

// checkOffers counts what went out: the password at most once, and once in a
// change; each key at most once as a query and once signed.
func checkOffers(t *testing.T, sent [][]byte) {
	t.Helper()
	if n := countPackets(sent, "secret-word"); n > 2 {
		t.Fatalf("password went out %d times", n)
	}
	for _, signer := range []sshkey.Signer{keyA(), keyB()} {
		if n := countPackets(sent, string(signer.PublicKey().Marshal())); n > 2 {
			t.Fatalf("a key went out %d times", n)
		}
	}
}
