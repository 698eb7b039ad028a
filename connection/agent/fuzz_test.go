package agent

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// FuzzServe gives a keyring whatever may come. Each answer must be one that a
// client can read; no key is kept with a constraint that was not understood;
// and a restricted key signs nothing on a connection that is not bound.
func FuzzServe(f *testing.F) {
	h := fixedHost()
	private := fixedKey(2)
	fields := must(sshkey.AppendPrivateKey(nil, private, nil))
	restricted := must(sshkey.NewSigner(fixedKey(3)))
	constraints := Constraints{Lifetime: 60 * second, Destinations: []Destination{{To: h.hop("u*")}, {From: h.hop(""), To: h.hop("")}}}
	id, signature := h.session("s")
	frames := func(messages ...[]byte) []byte {
		var b []byte
		for _, m := range messages {
			b = wire.AppendBytes(b, m)
		}
		return b
	}
	sign := signRequest{restricted.PublicKey().Marshal(), login(id, "user", restricted.PublicKey(), nil), 0}.append(nil)
	bind := sessionBind{h.signer.PublicKey().Marshal(), id, signature, true}.append(nil)
	f.Add(frames([]byte{msgRequestIdentities}, append([]byte{msgAdd}, append(fields, 0, 0, 0, 0)...)))
	f.Add(frames(append([]byte{msgAddConstrained}, constraints.append(append(fields, 0, 0, 0, 0))...)))
	f.Add(frames(bind, sign, bind, []byte{msgRemoveAll}))
	f.Add(frames(wire.AppendString([]byte{msgExtension}, extensionQuery), sign))
	f.Add(frames(wire.AppendString([]byte{msgRemove}, string(restricted.PublicKey().Marshal()))))
	f.Fuzz(func(t *testing.T, stream []byte) {
		k := new(Keyring)
		if err := k.Add(Key{Signer: restricted, Constraints: Constraints{Destinations: constraints.Destinations}}); err != nil {
			t.Fatal(err)
		}
		s := &server{keyring: k}
		r := bytes.NewReader(stream)
		for range 20 {
			p, err := readMessage(r)
			if err != nil {
				break
			}
			if p[0] == msgLock || p[0] == msgUnlock {
				continue // they take long
			}
			request := bytes.Clone(p)
			reply := s.answer(context.Background(), p)
			checkReply(t, request, reply)
			var m signRequest
			if reply[0] == msgSignResponse && m.parse(request[1:]) == nil && bytes.Equal(m.key, restricted.PublicKey().Marshal()) && len(s.bound.list) == 0 {
				t.Fatal("a restricted key signs on a connection that is not bound")
			}
		}
	})
}

// checkReply fails where a client could not use the answer to a request.
func checkReply(t *testing.T, request, reply []byte) {
	t.Helper()
	if len(reply) == 0 || len(reply) > MaxMessage {
		t.Fatalf("answer of %d bytes", len(reply))
	}
	switch reply[0] {
	case msgSuccess, msgFailure, msgExtensionFailure:
		if len(reply) != 1 {
			t.Fatalf("answer %x", reply)
		}
	case msgIdentitiesAnswer:
		if _, err := parseIdentities(reply[1:]); err != nil || request[0] != msgRequestIdentities {
			t.Fatalf("list %x to %x: %v", reply, request, err)
		}
	case msgSignResponse:
		var m signRequest
		if err := m.parse(request[1:]); err != nil || request[0] != msgSignRequest {
			t.Fatalf("signature for %x: %v", request, err)
		}
	case msgExtensionResponse:
		if request[0] != msgExtension {
			t.Fatalf("extension response to %x", request)
		}
	default:
		t.Fatalf("answer %d", reply[0])
	}
}

// FuzzConstraints: what is accepted says the same again when it is written, and
// nothing is skipped over.
func FuzzConstraints(f *testing.F) {
	h := fixedHost()
	all := Constraints{Lifetime: second, Confirm: true, Destinations: []Destination{{To: h.hop("u?")}, {From: h.hop(""), To: h.hop("")}}}
	f.Add(all.append(nil))
	f.Add([]byte{constrainConfirm, constrainLifetime, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		var first, again Constraints
		r := wire.NewFieldReader(p, "test")
		if first.parse(&r) != nil {
			return
		}
		b := first.append(nil)
		if len(b) != len(p) {
			t.Fatalf("%x is written as %x", p, b)
		}
		r = wire.NewFieldReader(b, "test")
		if err := again.parse(&r); err != nil || !bytes.Equal(again.append(nil), b) {
			t.Fatalf("%x is written as %x: %v", p, b, err)
		}
	})
}

// FuzzClient lets an agent answer anything: errors, never a panic, and no
// signature that does not verify.
func FuzzClient(f *testing.F) {
	s := must(sshkey.NewSigner(fixedKey(4)))
	key := s.PublicKey()
	f.Add(message(appendIdentities(nil, []identity{{key.Marshal(), "comment"}})...))
	f.Add(message(wire.AppendBytes([]byte{msgSignResponse}, must(s.Sign(nil, "ssh-ed25519", []byte("data"))))...))
	f.Add(message(wire.AppendString(wire.AppendString([]byte{msgExtensionResponse}, "query"), "x@y")...))
	f.Add(message(msgFailure))
	f.Fuzz(func(t *testing.T, stream []byte) {
		ctx := context.Background()
		if list, err := answering(stream).List(ctx); err == nil && len(list) > MaxKeys {
			t.Fatalf("%d keys", len(list))
		}
		if names, err := answering(stream).Extensions(ctx); err == nil && len(names) > MaxExtensions {
			t.Fatalf("%d extensions", len(names))
		}
		if err := answering(stream).Remove(ctx, key); err == nil && !bytes.HasPrefix(stream, message(msgSuccess)) {
			t.Fatalf("%x is a success", stream)
		}
		signature, err := answering(stream).Sign(ctx, key, "ssh-ed25519", []byte("data"))
		if err == nil && key.Verify("ssh-ed25519", []byte("data"), signature) != nil {
			t.Fatal("signature that does not verify")
		}
		if err != nil && signature != nil || errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}
