package agent

import (
	"bytes"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Destination lets a key log in from one host to another (OpenSSH
// PROTOCOL.agent §2). A way over several hosts takes one for each part of it.
type Destination struct {
	// From is where the connection begins: a host to which the agent was
	// forwarded. The zero value is where the agent runs. It has no User.
	From Hop
	// To is where the key may log in. It has a host and keys.
	To Hop
}

// Hop is a host as a constraint knows it.
type Hop struct {
	User string // pattern of user names, with * and ?; empty is all
	Host string // its name, for certificates and for people
	Keys []HopKey
}

// HopKey is one of the keys that a host is known by.
type HopKey struct {
	Blob      []byte // of a plain key, as PublicKey.Marshal returns it
	Authority bool   // which certifies the host's key
}

// check refuses what is incomplete.
func (d *Destination) check() error {
	if d.From.User != "" || (d.From.Host == "") != (len(d.From.Keys) == 0) {
		return because(ErrConstraint, "destination that begins at no host, or at a user")
	}
	if d.To.Host == "" || len(d.To.Keys) == 0 {
		return because(ErrConstraint, "destination without host or keys")
	}
	for _, h := range []*Hop{&d.From, &d.To} {
		if len(h.User) > MaxUserPattern || len(h.Host) > MaxHost || len(h.Keys) > MaxHopKeys {
			return because(ErrConstraint, "destination beyond a limit")
		}
	}
	return nil
}

func (d *Destination) append(b []byte) []byte {
	b = wire.AppendBytes(wire.AppendBytes(b, d.From.append(nil)), d.To.append(nil))
	return wire.AppendString(b, "") // reserved
}

func (d *Destination) parse(body []byte) error {
	r := wire.NewFieldReader(body, "destination")
	from, to, reserved := r.Bytes("from"), r.Bytes("to"), r.Bytes("reserved")
	if err := r.Done(); err != nil {
		return err
	}
	if len(reserved) > 0 {
		return because(ErrConstraint, "destination with an extension")
	}
	if err := d.From.parse(from); err != nil {
		return err
	}
	return d.To.parse(to)
}

func (h *Hop) append(b []byte) []byte {
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, h.User), h.Host), "")
	for _, k := range h.Keys {
		b = wire.AppendBool(wire.AppendBytes(b, k.Blob), k.Authority)
	}
	return b
}

func (h *Hop) parse(body []byte) error {
	r := wire.NewFieldReader(body, "hop")
	h.User, h.Host = r.StringMax("user", MaxUserPattern), r.StringMax("host", MaxHost)
	if reserved := r.Bytes("reserved"); len(reserved) > 0 {
		return because(ErrConstraint, "hop with an extension")
	}
	for r.Len() > 0 {
		if len(h.Keys) == MaxHopKeys {
			return because(ErrConstraint, "more than %d keys of a host", MaxHopKeys)
		}
		blob, authority := r.Bytes("key"), r.Bool("is an authority")
		h.Keys = append(h.Keys, HopKey{Blob: bytes.Clone(blob), Authority: authority})
	}
	return r.Done()
}

// matches reports whether key, which its host has proved to own, is one of the
// hop's: itself, or by a certificate for the hop's name. However many keys the
// hop has, one certificate is verified.
func (h *Hop) matches(key sshkey.PublicKey) bool {
	cert, certified := key.(*sshkey.Certificate)
	if certified {
		key = cert.Authority()
	}
	blob := key.Marshal()
	known := slices.ContainsFunc(h.Keys, func(k HopKey) bool { return k.Authority == certified && bytes.Equal(k.Blob, blob) })
	if !known || !certified {
		return known
	}
	checker := sshkey.CertChecker{Authorities: []sshkey.PublicKey{key}}
	return checker.CheckHost(cert, h.Host) == nil
}

// allows reports whether the way from one host to another is this one. A nil
// from is where the agent runs, a nil to any host. A nil user is not asked for.
func (d *Destination) allows(from, to sshkey.PublicKey, user *string) bool {
	switch {
	case from == nil && len(d.From.Keys) > 0, from != nil && !d.From.matches(from):
		return false
	case to != nil && !d.To.matches(to):
		return false
	}
	return user == nil || d.To.User == "" || sshkey.MatchPattern(d.To.User, *user)
}
