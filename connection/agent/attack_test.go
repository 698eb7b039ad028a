package agent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// TestAGT01 plays an agent that answers nonsense. Each is an error, and none
// makes the client wait for, or take memory for, what a number only promises.
func TestAGT01(t *testing.T) {
	s, other := newSigner(), must(sshkey.NewSigner(testKeys()["rsa"]))
	key := s.PublicKey()
	signed := func(label string, data string) []byte {
		signature := must(s.Sign(nil, "ssh-ed25519", []byte(data)))
		r := wire.NewFieldReader(signature, "signature")
		r.Bytes("label")
		signature = append(wire.AppendString(nil, label), r.Rest()...)
		return message(wire.AppendBytes([]byte{msgSignResponse}, signature)...)
	}
	foreign := must(other.Sign(nil, "rsa-sha2-512", []byte("data")))
	entries := func(n uint32, rest ...byte) []byte {
		return message(append(wire.AppendUint32([]byte{msgIdentitiesAnswer}, n), rest...)...)
	}
	list := func(c *Client) error { _, err := c.List(t.Context()); return err }
	sign := func(c *Client) error { _, err := c.Sign(t.Context(), key, "ssh-ed25519", []byte("data")); return err }
	query := func(c *Client) error { _, err := c.Extensions(t.Context()); return err }
	remove := func(c *Client) error { return c.Remove(t.Context(), key) }
	one := wire.AppendString(wire.AppendBytes(nil, key.Marshal()), "comment")
	for name, c := range map[string]struct {
		stream []byte
		do     func(*Client) error
		want   error
	}{
		"length 0":                  {[]byte{0, 0, 0, 0}, list, ErrProtocol},
		"length 1":                  {message(msgIdentitiesAnswer), list, ErrProtocol},
		"length 1, sign":            {message(msgSignResponse), sign, ErrProtocol},
		"length 2^32-1":             {bytes.Repeat([]byte{0xff}, 64), list, ErrProtocol},
		"length of 256K+1":          {binary.BigEndian.AppendUint32(nil, MaxMessage+1), list, ErrProtocol},
		"nothing":                   {nil, list, io.ErrUnexpectedEOF},
		"half a length":             {[]byte{0, 0}, list, io.ErrUnexpectedEOF},
		"half a message":            {[]byte{0, 0, 0, 9, 12}, list, io.ErrUnexpectedEOF},
		"success for a list":        {message(msgSuccess), list, ErrProtocol},
		"success for a signature":   {message(msgSuccess), sign, ErrProtocol},
		"success for a query":       {message(msgSuccess), query, ErrProtocol},
		"a list for a success":      {entries(0), remove, ErrProtocol},
		"more than a success":       {message(msgSuccess, 0), remove, ErrProtocol},
		"2^32-1 keys":               {entries(math.MaxUint32), list, ErrProtocol},
		"1025 keys":                 {entries(MaxKeys+1, slices.Repeat(one, MaxKeys+1)...), list, ErrProtocol},
		"more keys than there":      {entries(2, one...), list, ErrProtocol},
		"fewer keys than there":     {entries(0, one...), list, ErrProtocol},
		"signature of another type": {message(wire.AppendBytes([]byte{msgSignResponse}, foreign)...), sign, sshkey.ErrAlgorithm},
		"signature labelled so":     {signed("ssh-rsa", "data"), sign, sshkey.ErrAlgorithm},
		"signature of other data":   {signed("ssh-ed25519", "other"), sign, sshkey.ErrSignature},
		"empty signature":           {message(msgSignResponse, 0, 0, 0, 0), sign, sshkey.ErrSignature},
		"bytes behind a signature":  {message(append(wire.AppendBytes([]byte{msgSignResponse}, foreign), 0)...), sign, ErrProtocol},
		"failure":                   {message(msgFailure), list, ErrRefused},
		"failure 30":                {message(30), list, ErrRefused},
		"failure 102":               {message(102), sign, ErrRefused},
		"extension failure":         {message(msgExtensionFailure), query, ErrRefused},
		"answer to another query":   {message(wire.AppendString([]byte{msgExtensionResponse}, "x")...), query, ErrProtocol},
		"names that are none":       {message(wire.AppendString(wire.AppendString([]byte{msgExtensionResponse}, "query"), "a,b")...), query, ErrProtocol},
	} {
		client := answering(c.stream)
		err := c.do(client)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if errors.Is(err, ErrProtocol) && list(client) == nil {
			t.Errorf("%s: the connection goes on", name)
		}
	}
	many := wire.AppendString([]byte{msgExtensionResponse}, "query")
	many = append(many, slices.Repeat(wire.AppendString(nil, "x@y"), MaxExtensions+1)...)
	if err := query(answering(message(many...))); !errors.Is(err, ErrProtocol) {
		t.Errorf("%d extensions: %v", MaxExtensions+1, err)
	}
	if err := query(answering(message(many[:len(many)-7]...))); err != nil {
		t.Errorf("%d extensions: %v", MaxExtensions, err)
	}
	if got, err := answering(entries(MaxKeys, slices.Repeat(one, MaxKeys)...)).List(t.Context()); err != nil || len(got) != MaxKeys {
		t.Errorf("most keys: %d, %v", len(got), err)
	}
}

// rawAgent is the other side of a keyring for messages that no client sends.
type rawAgent struct {
	t    *testing.T
	conn net.Conn
	done chan error
}

func newRaw(t *testing.T, k *Keyring) *rawAgent {
	here, there := net.Pipe()
	r := &rawAgent{t, here, make(chan error, 1)}
	go func() { r.done <- Serve(t.Context(), there, k) }()
	t.Cleanup(func() {
		here.Close()
		<-r.done
		r.done <- nil
	})
	return r
}

// send returns the number of the answer.
func (r *rawAgent) send(p []byte) byte {
	r.t.Helper()
	if err := writeMessage(r.conn, bytes.Clone(p)); err != nil {
		r.t.Fatal(err)
	}
	reply, err := readMessage(r.conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply[0]
}

// TestAGT02 sends keys that must not be kept, each followed by a look at what
// the keyring has.
func TestAGT02(t *testing.T) {
	private := testKeys()["ed25519"].(ed25519.PrivateKey)
	fields := must(sshkey.AppendPrivateKey(nil, private, nil))
	add := func(number byte, key []byte, rest ...byte) []byte {
		return append(wire.AppendString(append([]byte{number}, key...), "comment"), rest...)
	}
	ed := func(public, secret []byte) []byte {
		return wire.AppendBytes(wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), public), secret)
	}
	huge := wire.AppendMpint(wire.AppendString(nil, "ssh-rsa"), bytes.Repeat([]byte{0xff}, 125_000))
	for range 5 {
		huge = wire.AppendMpint(huge, []byte{3})
	}
	extension := wire.AppendString([]byte{constrainExtension}, "x@example.com")
	provider := wire.AppendString(wire.AppendString([]byte{constrainExtension}, "sk-provider@openssh.com"), "/tmp/x.so")
	h := newHost("h")
	destination := Constraints{Destinations: []Destination{{To: h.hop("")}}}
	restricted := destination.append(nil)
	requests := map[string][]byte{
		"truncated lifetime":     add(msgAddConstrained, fields, constrainLifetime, 0, 0),
		"truncated extension":    add(msgAddConstrained, fields, extension[:5]...),
		"truncated destinations": add(msgAddConstrained, fields, restricted[:len(restricted)-1]...),
		"unknown constraint":     add(msgAddConstrained, fields, 7),
		"unknown extension":      add(msgAddConstrained, fields, extension...),
		"extension with data":    add(msgAddConstrained, fields, append(extension, 0, 0, 0, 0)...),
		"provider":               add(msgAddConstrained, fields, provider...),
		"nobody to confirm":      add(msgAddConstrained, fields, constrainConfirm),
		"confirm and more":       add(msgAddConstrained, fields, append([]byte{constrainConfirm}, restricted...)...),
		"constraint, plain add":  add(msgAdd, fields, constrainLifetime, 0, 0, 0, 1),
		"short Ed25519":          add(msgAdd, ed(private[32:], private[:63])),
		"empty Ed25519":          add(msgAdd, ed(nil, nil)),
		"short public Ed25519":   add(msgAdd, ed(private[32:63], private)),
		"another public half":    add(msgAdd, ed(newSigner().PublicKey().Marshal()[19:], private)),
		"RSA of 10^6 bits":       add(msgAdd, huge),
		"no comment":             append([]byte{msgAdd}, fields...),
		"long comment":           wire.AppendString(append([]byte{msgAdd}, fields...), string(make([]byte, MaxComment+1))),
		"security key":           add(msgAdd, wire.AppendString(nil, "sk-ssh-ed25519@openssh.com")),
		"unknown type":           add(msgAdd, wire.AppendString(nil, "ssh-xmss@openssh.com")),
		"nothing":                {msgAdd},
		"SSH 1":                  {7},
		"unknown extension call": wire.AppendString([]byte{msgExtension}, "x@example.com"),
		"truncated call":         {msgExtension, 0, 0, 0, 5, 'x'},
		"query with data":        wire.AppendString(wire.AppendString([]byte{msgExtension}, "query"), ""),
		"list with data":         {msgRequestIdentities, 0},
		"remove all with data":   {msgRemoveAll, 0},
		"remove without a key":   {msgRemove},
		"lock without a word":    {msgLock},
		"an answer":              {msgIdentitiesAnswer, 0, 0, 0, 0},
	}
	for n := range restricted { // at every offset
		requests["truncated "+string(rune('0'+n))] = add(msgAddConstrained, fields, restricted[:n]...)
	}
	delete(requests, "truncated 0") // which is whole
	k := new(Keyring)
	raw := newRaw(t, k)
	for name, p := range requests {
		if got := raw.send(p); got != msgFailure {
			t.Errorf("%s: answered by %d", name, got)
		}
		if n := len(k.Keys()); n != 0 {
			t.Fatalf("%s: %d keys are kept", name, n)
		}
	}
	if got := raw.send(add(msgAddConstrained, fields, restricted...)); got != msgSuccess || len(k.Keys()) != 1 {
		t.Errorf("a good one: answered by %d", got)
	}
}

// TestAGT03 is what a host can do to whom forwards an agent there.
func TestAGT03(t *testing.T) {
	h := newHost("h")
	k := new(Keyring)
	restricted := newSigner()
	if err := k.Add(Key{Signer: restricted, Constraints: Constraints{Destinations: []Destination{{To: h.hop("")}}}}); err != nil {
		t.Fatal(err)
	}
	t.Run("libraries by path", func(t *testing.T) {
		raw := newRaw(t, k)
		card := wire.AppendString(wire.AppendString(nil, "/tmp/evil.so"), "1234")
		for _, number := range []byte{20, 21, 26} {
			if got := raw.send(append([]byte{number}, card...)); got != msgFailure {
				t.Errorf("request %d answered by %d", number, got)
			}
		}
	})
	id, signature := h.session("one")
	good := sessionBind{h.signer.PublicKey().Marshal(), id, signature, true}
	t.Run("bound twice", func(t *testing.T) {
		raw := newRaw(t, k)
		other := good
		other.hostKey = newSigner().PublicKey().Marshal()
		login := good
		login.forwarding = false
		for i, m := range []sessionBind{good, good, other, login} {
			want := byte(msgExtensionFailure)
			if i == 0 {
				want = msgSuccess
			}
			if got := raw.send(m.append(nil)); got != want {
				t.Errorf("bind %d answered by %d", i, got)
			}
		}
	})
	t.Run("after a login", func(t *testing.T) {
		raw := newRaw(t, k)
		login := good
		login.forwarding = false
		second := login
		second.sessionID, second.signature = h.session("two")
		if got := []byte{raw.send(login.append(nil)), raw.send(second.append(nil))}; got[0] != msgSuccess || got[1] != msgExtensionFailure {
			t.Errorf("answered by %d", got)
		}
	})
	t.Run("wrong signature", func(t *testing.T) {
		for name, m := range map[string]sessionBind{
			"of another session": {good.hostKey, []byte("x"), signature, false},
			"of another key":     {newSigner().PublicKey().Marshal(), id, signature, false},
			"none":               {good.hostKey, id, nil, false},
			"long session":       {good.hostKey, make([]byte, MaxSessionID+1), signature, false},
			"no key":             {nil, id, signature, false},
		} {
			c := connect(t, k)
			if len(must(c.List(t.Context()))) != 1 {
				t.Fatal("the key is not to be seen before")
			}
			if err := c.do(t.Context(), m.append(nil)); err != ErrRefused {
				t.Errorf("%s: %v", name, err)
			}
			if len(must(c.List(t.Context()))) != 0 {
				t.Errorf("%s: a restricted key shows after it", name)
			}
		}
		raw := newRaw(t, k)
		if got := raw.send(wire.AppendString([]byte{msgExtension}, extensionSessionBind)); got != msgExtensionFailure {
			t.Errorf("an empty one is answered by %d", got)
		}
	})
	t.Run("1000 times", func(t *testing.T) {
		s := &server{keyring: k}
		succeeded := 0
		for i := range 1000 {
			m := good
			m.sessionID = binary.BigEndian.AppendUint32(nil, uint32(i))
			m.signature = must(h.signer.Sign(nil, "ssh-ed25519", m.sessionID))
			if s.answer(t.Context(), m.append(nil))[0] == msgSuccess {
				succeeded++
			}
		}
		if succeeded != MaxBindings || len(s.bound.list) != MaxBindings {
			t.Errorf("%d succeeded, %d are kept", succeeded, len(s.bound.list))
		}
	})
	t.Run("256 KiB and one byte", func(t *testing.T) {
		raw := newRaw(t, k)
		largest := make([]byte, MaxMessage)
		largest[0] = msgSignRequest
		if got := raw.send(largest); got != msgFailure {
			t.Errorf("the largest message is answered by %d", got)
		}
		go raw.conn.Write(binary.BigEndian.AppendUint32(nil, MaxMessage+1))
		if err := <-raw.done; !errors.Is(err, ErrProtocol) {
			t.Errorf("one byte more: %v", err)
		}
		raw.done <- nil
	})
}
