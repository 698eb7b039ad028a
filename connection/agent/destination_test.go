package agent

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func TestDestinations(t *testing.T) {
	k := new(Keyring)
	testDestinations(t, func() *Client { return connect(t, k) })
}

// testDestinations walks over hosts with keys that are restricted, as ssh does:
// here -> a -> b, where the agent is forwarded to a. Each connection to the
// agent is a new one.
func testDestinations(t *testing.T, connect func() *Client) {
	a, b, c := newHost("a"), newHost("b"), newHost("c")
	keys := map[string][]Destination{
		"free": nil,
		"a":    {{To: a.hop("")}},
		"b":    {{To: b.hop("")}},
		"a+ab": {{To: a.hop("")}, {From: a.hop(""), To: b.hop("")}},
		"ab":   {{From: a.hop(""), To: b.hop("")}},
		"u*@a": {{To: a.hop("u*r")}, {From: a.hop(""), To: b.hop("root")}},
	}
	steps := map[string]struct {
		way      []host // forwarded over all but the last
		forward  bool   // and over that too
		seen     string // keys that are listed
		user     string
		signs    string // keys that log in there
		unbound  bool   // the login is not bound to the host key
		stranger bool   // the login is at another host than the connection is bound to
	}{
		"here":                  {seen: "free a b ab a+ab u*@a", user: "user", signs: "free"},
		"login at a":            {way: []host{a}, seen: "free a a+ab u*@a", user: "user", signs: "free a a+ab u*@a"},
		"login at a, unbound":   {way: []host{a}, seen: "free a a+ab u*@a", user: "user", signs: "free a a+ab u*@a", unbound: true},
		"as another":            {way: []host{a}, seen: "free a a+ab u*@a", user: "root", signs: "free a a+ab"},
		"login at b":            {way: []host{b}, seen: "free b", user: "user", signs: "free b"},
		"login at c":            {way: []host{c}, seen: "free", user: "user", signs: "free"},
		"forwarded to a":        {way: []host{a}, forward: true, seen: "free a+ab u*@a", user: "user", signs: "free"},
		"login at b over a":     {way: []host{a, b}, seen: "free a+ab u*@a", user: "user", signs: "free a+ab"},
		"as root at b over a":   {way: []host{a, b}, seen: "free a+ab u*@a", user: "root", signs: "free a+ab u*@a"},
		"over a, unbound":       {way: []host{a, b}, seen: "free a+ab u*@a", user: "root", signs: "free", unbound: true},
		"login at c over a":     {way: []host{a, c}, seen: "free", user: "root", signs: "free"},
		"login at b over c":     {way: []host{c, b}, seen: "free", user: "root", signs: "free"},
		"forwarded to b over a": {way: []host{a, b}, forward: true, seen: "free", user: "root", signs: "free"},
		"a stranger":            {way: []host{a}, seen: "free a a+ab u*@a", user: "user", signs: "free", stranger: true},
	}
	byName := map[string]sshkey.PublicKey{}
	owner := connect()
	for name, d := range keys {
		private := must(sshkey.GenerateEd25519())
		byName[name] = must(sshkey.NewPublicKey(private.Public()))
		if err := owner.Add(t.Context(), NewKey{Private: private, Comment: name, Constraints: Constraints{Destinations: d}}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			client := connect()
			at := newHost("nowhere")
			id, label := []byte("no session"), ""
			for i, h := range step.way {
				label += h.name
				h.bind(t, client, label, i < len(step.way)-1 || step.forward)
				at = h
				id, _ = h.session(label)
			}
			if step.stranger {
				at = c
			}
			seen := map[string]bool{}
			for _, i := range must(client.List(t.Context())) {
				seen[i.Comment] = true
			}
			for name, key := range byName {
				if want := slices.Contains(strings.Fields(step.seen), name); seen[name] != want {
					t.Errorf("key %q is seen: %v", name, seen[name])
				}
				hostKey := at.signer.PublicKey()
				if step.unbound {
					hostKey = nil
				}
				_, err := client.Sign(t.Context(), key, "ssh-ed25519", login(id, step.user, key, hostKey))
				if want := slices.Contains(strings.Fields(step.signs), name); (err == nil) != want {
					t.Errorf("key %q signs: %v", name, err)
				}
			}
		})
	}
}

// TestRestrictedKeysSignLoginsOnly: nothing else than a login with that key in
// that session.
func TestRestrictedKeysSignLoginsOnly(t *testing.T) {
	h, s, other := newHost("h"), newSigner(), newSigner()
	k := new(Keyring)
	if err := k.Add(Key{Signer: s, Constraints: Constraints{Destinations: []Destination{{To: h.hop("")}}}}); err != nil {
		t.Fatal(err)
	}
	c := connect(t, k)
	h.bind(t, c, "s", false)
	id, _ := h.session("s")
	otherID, _ := h.session("other")
	key, hostKey := s.PublicKey(), h.signer.PublicKey()
	good := login(id, "user", key, hostKey)
	if _, err := c.Sign(t.Context(), key, "ssh-ed25519", good); err != nil {
		t.Fatal(err)
	}
	service := wire.UserauthRequest{User: "user", Service: "other", Method: "publickey"}
	unsigned := wire.UserauthPublicKey{Algorithm: "ssh-ed25519", Key: key.Marshal()}
	query := wire.UserauthRequest{User: "user", Service: "ssh-connection", Method: "publickey", Payload: unsigned.AppendUnsigned(nil)}
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("some text"), "another session": login(otherID, "user", key, hostKey),
		"another key": login(id, "user", other.PublicKey(), hostKey), "another host key": login(id, "user", key, other.PublicKey()),
		"truncated": good[:len(good)-1], "trailing": append(good[:len(good):len(good)], 0),
		"another service": service.Append(wire.AppendBytes(nil, id)), "no signature": query.Append(wire.AppendBytes(nil, id)),
		"a password": wire.UserauthRequest{User: "user", Service: "ssh-connection", Method: "password"}.Append(wire.AppendBytes(nil, id)),
	} {
		if _, err := c.Sign(t.Context(), key, "ssh-ed25519", data); err != ErrRefused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDestinationByAuthority: a host's certificate counts for its name, if the
// authority is one of the destination's.
func TestDestinationByAuthority(t *testing.T) {
	authority, stranger := newSigner(), newSigner()
	s := newSigner()
	to := Hop{Host: "host.example", Keys: []HopKey{{Blob: authority.PublicKey().Marshal(), Authority: true}}}
	for name, c := range map[string]struct {
		by        sshkey.Signer
		purpose   sshkey.CertPurpose
		principal string
		want      bool
	}{
		"good": {authority, sshkey.HostCertificate, "host.example", true}, "another name": {authority, sshkey.HostCertificate, "other", false},
		"a user's": {authority, sshkey.UserCertificate, "host.example", false}, "a stranger's": {stranger, sshkey.HostCertificate, "host.example", false},
	} {
		hostKey := newSigner()
		cert := certify(c.by, hostKey.PublicKey(), c.purpose, c.principal)
		k := new(Keyring)
		if err := k.Add(Key{Signer: s, Constraints: Constraints{Destinations: []Destination{{To: to}}}}); err != nil {
			t.Fatal(err)
		}
		client := connect(t, k)
		id := []byte("session")
		signature := must(hostKey.Sign(nil, "ssh-ed25519", id))
		if err := client.Bind(t.Context(), cert, id, signature, false); err != nil {
			t.Fatal(err)
		}
		_, err := client.Sign(t.Context(), s.PublicKey(), "ssh-ed25519", login(id, "u", s.PublicKey(), cert))
		if (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The authority's own key is no host's.
	if to.matches(authority.PublicKey()) {
		t.Error("the key of an authority passes for that of a host")
	}
	cert := certify(authority, newSigner().PublicKey(), sshkey.HostCertificate, "host.example")
	host := to
	host.Keys = []HopKey{{Blob: authority.PublicKey().Marshal()}, {Blob: []byte("no key"), Authority: true}}
	if host.matches(cert) {
		t.Error("the key of a host passes for that of an authority")
	}
	if host.Keys = append(host.Keys, to.Keys...); !host.matches(cert) {
		t.Error("an authority behind other keys does not count")
	}
}

// TestConstraintsRoundTrip: what a client sends is what a server reads.
func TestConstraintsRoundTrip(t *testing.T) {
	a, b := newHost("a"), newHost("b")
	a2 := a.hop("")
	a2.Keys = append(a2.Keys, HopKey{Blob: b.signer.PublicKey().Marshal(), Authority: true})
	for _, want := range []Constraints{
		{}, {Lifetime: second}, {Confirm: true}, {Destinations: []Destination{{To: a.hop("u?")}, {From: a2, To: b.hop("")}}},
		{Lifetime: 3600 * second, Confirm: true, Destinations: []Destination{{To: a2}}},
	} {
		p := want.append(nil)
		var got Constraints
		r := wire.NewFieldReader(p, "test")
		if err := got.parse(&r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v is read as %+v: %v", want, got, err)
		}
		for n := range p {
			var cut Constraints
			r := wire.NewFieldReader(p[:n], "test")
			if err := cut.parse(&r); err == nil && len(cut.append(nil)) != n {
				t.Errorf("%d of %d bytes are read as %+v", n, len(p), cut)
			}
		}
	}
}

func TestConstraintsRefused(t *testing.T) {
	h := newHost("h")
	d := Destination{To: h.hop("")}
	good := d.append(nil)
	extension := func(name string, body []byte) []byte {
		return wire.AppendBytes(wire.AppendString([]byte{constrainExtension}, name), body)
	}
	list := func(d ...Destination) []byte {
		c := Constraints{Destinations: d}
		return c.append(nil)
	}
	many := func(n int) []byte {
		var b []byte
		for range n {
			b = wire.AppendBytes(b, good)
		}
		return extension(extensionDestinations, b)
	}
	manyKeys := func(n int) Hop {
		hop := Hop{Host: "h"}
		for range n {
			hop.Keys = append(hop.Keys, HopKey{Blob: []byte("k")})
		}
		return hop
	}
	reserved := wire.AppendString(good[:len(good)-4:len(good)-4], "x")
	hopReserved := wire.AppendBytes(wire.AppendBytes(nil, wire.AppendString(wire.AppendString(wire.AppendString(nil, ""), ""), "x")), d.To.append(nil))
	hopReserved = wire.AppendString(hopReserved, "")
	named := func(n int) Destination { return Destination{To: Hop{Host: strings.Repeat("h", n), Keys: d.To.Keys}} }
	user := func(n int) Destination { return Destination{To: h.hop(strings.Repeat("u", n))} }
	for name, c := range map[string]struct {
		p    []byte
		want error // nil: accepted
	}{
		"unknown type": {[]byte{9}, ErrConstraint}, "maxsign": {[]byte{3, 0, 0, 0, 1}, ErrConstraint},
		"no lifetime": {[]byte{1, 0, 0, 0, 0}, ErrConstraint}, "two lifetimes": {[]byte{1, 0, 0, 0, 1, 1, 0, 0, 0, 1}, ErrConstraint},
		"two confirms": {[]byte{2, 2}, ErrConstraint}, "half a lifetime": {[]byte{1, 0, 0}, errAny},
		"provider":          {extension("sk-provider@openssh.com", []byte("/tmp/x.so")), ErrConstraint},
		"certificates":      {extension("associated-certs-v00@openssh.com", nil), ErrConstraint},
		"unknown extension": {extension("x@example.com", nil), ErrConstraint},
		"twice":             {append(list(d), list(d)...), ErrConstraint},
		"empty list":        {extension(extensionDestinations, nil), ErrConstraint},
		"most":              {many(MaxDestinations), nil}, "one more": {many(MaxDestinations + 1), ErrConstraint},
		"most keys": {list(Destination{To: manyKeys(MaxHopKeys)}), nil}, "one key more": {list(Destination{To: manyKeys(MaxHopKeys + 1)}), ErrConstraint},
		"longest host": {list(named(MaxHost)), nil}, "longer host": {list(named(MaxHost + 1)), errAny},
		"longest user": {list(user(MaxUserPattern)), nil}, "longer user": {list(user(MaxUserPattern + 1)), errAny},
		"from a user":     {list(Destination{From: h.hop("u"), To: h.hop("")}), ErrConstraint},
		"from no keys":    {list(Destination{From: Hop{Host: "h"}, To: h.hop("")}), ErrConstraint},
		"from no host":    {list(Destination{From: Hop{Keys: d.To.Keys}, To: h.hop("")}), ErrConstraint},
		"to nowhere":      {list(Destination{}), ErrConstraint},
		"to no keys":      {list(Destination{To: Hop{Host: "h"}}), ErrConstraint},
		"reserved":        {extension(extensionDestinations, wire.AppendBytes(nil, reserved)), ErrConstraint},
		"reserved of hop": {extension(extensionDestinations, wire.AppendBytes(nil, hopReserved)), ErrConstraint},
	} {
		var got Constraints
		r := wire.NewFieldReader(c.p, "test")
		err := got.parse(&r)
		if c.want == nil && err != nil || c.want == errAny && err == nil || c.want != nil && c.want != errAny && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errAny = errors.New("any error")
