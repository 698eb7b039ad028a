package transport

import (
	"slices"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/wire"
)

// Preferences are the lists of a KEXINIT for one direction (RFC 4253 §7.1), each in order of preference. In a Config a
// nil list is no list of its own, and an empty one is empty.
type Preferences struct {
	Ciphers     []cipher.Cipher
	MACs        []mac.MAC
	Compression []string
	Languages   []string // tags (RFC 5646)
}

// clone copies the lists; nil stays nil.
func (p Preferences) clone() Preferences {
	p.Ciphers, p.MACs = slices.Clone(p.Ciphers), slices.Clone(p.MACs)
	p.Compression, p.Languages = slices.Clone(p.Compression), slices.Clone(p.Languages)
	return p
}

// or replaces the lists that are nil by those of q.
func (p Preferences) or(q Preferences) Preferences {
	p.Ciphers, p.MACs = pick(p.Ciphers, q.Ciphers), pick(p.MACs, q.MACs)
	p.Compression, p.Languages = pick(p.Compression, q.Compression), pick(p.Languages, q.Languages)
	return p
}

func pick[T any](list, otherwise []T) []T {
	if list == nil {
		return otherwise
	}
	return list
}

// preferences returns the lists of the direction in which role sends.
func (c *Config) preferences(role wire.Role) Preferences {
	p := Preferences{c.Ciphers, c.MACs, c.Compression, c.Languages}
	if role == wire.Server {
		p = c.ServerToClient.or(p)
	}
	if p.Ciphers == nil {
		p.Ciphers = cipher.Default()
	}
	if p.MACs == nil {
		p.MACs = mac.Default()
	}
	if p.Compression == nil {
		p.Compression = DefaultCompression()
	}
	return p
}

func (p *Preferences) cipherNames() wire.NameList {
	return wire.NewNameList(names(p.Ciphers, func(r cipher.Cipher) string { return r.Name })...)
}

// macNames returns the names of the MACs, and of the ciphers that have to stand among them too.
func (p *Preferences) macNames() wire.NameList {
	list := names(p.MACs, func(r mac.MAC) string { return r.Name })
	for _, r := range p.Ciphers {
		if r.NamedAsMAC {
			list = append(list, r.Name)
		}
	}
	return wire.NewNameList(list...)
}

// cipher returns the row of a name.
func (p *Preferences) cipher(name string) (cipher.Cipher, bool) {
	i := slices.IndexFunc(p.Ciphers, func(r cipher.Cipher) bool { return r.Name == name })
	if i < 0 {
		return cipher.Cipher{}, false
	}
	return p.Ciphers[i], true
}

// mac returns the row of a name.
func (p *Preferences) mac(name string) (mac.MAC, bool) {
	i := slices.IndexFunc(p.MACs, func(r mac.MAC) bool { return r.Name == name })
	if i < 0 {
		return mac.MAC{}, false
	}
	return p.MACs[i], true
}
