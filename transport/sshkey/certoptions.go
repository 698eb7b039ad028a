package sshkey

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// certOption is an option that we know (PROTOCOL.certkeys, "Critical options"
// and "Extensions"), and what it does to the options of the key's owner.
type certOption struct {
	name     string
	critical bool
	flag     func(o *KeyOptions) *bool // set to on, by the name alone
	on       bool
	set      func(o *KeyOptions, value string) error // by a value
}

var certOptionTable = [...]certOption{
	{name: "force-command", critical: true, set: (*KeyOptions).setCommand},
	{name: "source-address", critical: true, set: (*KeyOptions).setSourceAddress},
	{name: "verify-required", critical: true, flag: verify, on: true},
	{name: "no-touch-required", flag: noTouch, on: true},
	{name: "permit-X11-forwarding", flag: noX11},
	{name: "permit-agent-forwarding", flag: noAgent},
	{name: "permit-port-forwarding", flag: noPorts},
	{name: "permit-pty", flag: noPTY},
	{name: "permit-user-rc", flag: noRC},
}

// lookupCertOption returns the row of an option, or nil.
func lookupCertOption(name string) *certOption {
	for i := range certOptionTable {
		if certOptionTable[i].name == name {
			return &certOptionTable[i]
		}
	}
	return nil
}

// parseCertOptions parses critical options or extensions: pairs of name and
// data, in strict order of the names. The data of those that we know must have
// the form that belongs to them.
func parseCertOptions(b []byte) ([]CertOption, error) {
	r := wire.NewFieldReader(b, "certificate options")
	var list []CertOption
	for r.Len() > 0 {
		o := CertOption{Name: r.String("name"), Data: r.String("data")}
		if err := r.Err(); err != nil {
			return nil, err
		}
		if o.Name == "" || len(list) > 0 && o.Name <= list[len(list)-1].Name {
			return nil, badBlob("certificate options are not in order")
		}
		if !o.wellFormed() {
			return nil, badBlob("certificate option with other data than belongs to it")
		}
		if list = append(list, o); len(list) > MaxCertOptions {
			return nil, badBlob("too many options in certificate")
		}
	}
	return list, r.Done()
}

func (o CertOption) wellFormed() bool {
	row := lookupCertOption(o.Name)
	if row == nil {
		return true
	}
	if row.flag != nil {
		return o.Data == ""
	}
	_, ok := o.Value()
	return ok
}

// Options returns what a user certificate lets its owner do, in the form of
// authorized_keys: everything is off that an extension has to permit. An
// unknown critical option, or a value without sense, is ErrCertificate.
// Extensions that are not known have no effect.
func (c *Certificate) Options() (*KeyOptions, error) {
	o := new(KeyOptions)
	o.restrict()
	for _, option := range c.CriticalOptions {
		row := lookupCertOption(option.Name)
		if row == nil || !row.critical || c.Purpose != UserCertificate {
			return nil, fmt.Errorf("%w: critical option %q is not known", ErrCertificate, wire.Escape(option.Name, maxShown))
		}
		if err := row.apply(o, option); err != nil {
			return nil, err
		}
	}
	for _, option := range c.Extensions {
		if row := lookupCertOption(option.Name); row != nil && !row.critical {
			if err := row.apply(o, option); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

func (row *certOption) apply(o *KeyOptions, option CertOption) error {
	if row.flag != nil {
		*row.flag(o) = row.on
		return nil
	}
	value, ok := option.Value()
	if !ok {
		return fmt.Errorf("%w: option %s: %w", ErrCertificate, row.name, errValue)
	}
	if err := row.set(o, value); err != nil {
		return fmt.Errorf("%w: option %s: %w", ErrCertificate, row.name, err)
	}
	return nil
}

// setSourceAddress takes addresses and ranges. Names, wildcards and exceptions,
// which from="..." has, would be read as something else by others.
func (o *KeyOptions) setSourceAddress(v string) error {
	list := strings.Split(v, ",")
	for _, p := range list {
		if strings.Contains(p, "/") {
			if _, ok := parseCIDR(p); !ok {
				return errPatternCIDR
			}
			continue
		}
		if _, err := netip.ParseAddr(p); err != nil {
			return errValue
		}
	}
	o.From = list
	return nil
}

// merge returns the options of an authorized_keys line for certificate
// authorities together with those of a certificate: what one of them takes
// away is gone. Where both force a command it must be the same. From is that
// of the line; the certificate's has been checked.
func (o *KeyOptions) merge(cert *KeyOptions) (*KeyOptions, error) {
	m := *o
	m.Principals, m.CertAuthority = nil, false
	m.From, m.Environment = slices.Clone(o.From), slices.Clone(o.Environment)
	if cert.ForceCommand {
		if o.ForceCommand && o.Command != cert.Command {
			return nil, fmt.Errorf("%w: certificate and authorized_keys force different commands", ErrNotAuthorized)
		}
		m.ForceCommand, m.Command = true, cert.Command
	}
	m.NoPTY = o.NoPTY || cert.NoPTY
	m.NoPortForwarding = o.NoPortForwarding || cert.NoPortForwarding
	m.NoAgentForwarding = o.NoAgentForwarding || cert.NoAgentForwarding
	m.NoX11Forwarding = o.NoX11Forwarding || cert.NoX11Forwarding
	m.NoUserRC = o.NoUserRC || cert.NoUserRC
	m.VerifyRequired = o.VerifyRequired || cert.VerifyRequired
	m.NoTouchRequired = o.NoTouchRequired && cert.NoTouchRequired
	return &m, nil
}
