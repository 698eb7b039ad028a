package sshkey

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// KeyOptions are the options of an authorized_keys line (sshd(8),
// "AUTHORIZED_KEYS FILE FORMAT"). The zero value restricts nothing.
type KeyOptions struct {
	ForceCommand bool   // command= was given
	Command      string // run instead of what the client asks for

	From        []string  // patterns of sources; see FindAuthorizedKey
	Expiry      time.Time // from then on the key does not log in; zero is never
	Environment []string  // NAME=VALUE, one a name

	NoPTY             bool
	NoPortForwarding  bool
	NoAgentForwarding bool
	NoX11Forwarding   bool
	NoUserRC          bool

	PermitOpen   []HostPort // where direct-tcpip may go; empty is everywhere
	PermitListen []HostPort // where tcpip-forward may listen; empty is everywhere

	CertAuthority bool     // the key signs certificates and does not log in itself
	Principals    []string // of certificates that it signed

	NoTouchRequired bool   // sk keys: user presence need not be shown
	VerifyRequired  bool   // sk keys: user verification must be shown
	Tunnel          string // tun device number; there are no tunnels here
}

// HostPort is one value of permitopen or permitlisten.
type HostPort struct {
	Host string // "*" is any; with permitlisten a pattern
	Port int    // 1 to 65535; 0 is any
}

// String returns HOST:PORT, with "*" for any port.
func (h HostPort) String() string {
	host, port := h.Host, "*"
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if h.Port != 0 {
		port = strconv.Itoa(h.Port)
	}
	return host + ":" + port
}

// AllowsOpen reports whether the options allow a direct-tcpip channel there.
// Names are compared as they come, without looking them up.
func (o *KeyOptions) AllowsOpen(host string, port int) bool {
	return o.allowsForward(o.PermitOpen, port, func(p string) bool {
		return p == "*" || sameHost(p, host)
	})
}

// AllowsListen reports whether the options allow a tcpip-forward there.
func (o *KeyOptions) AllowsListen(host string, port int) bool {
	return o.allowsForward(o.PermitListen, port, func(p string) bool {
		return matchGlob(strings.ToLower(p), strings.ToLower(host)) || sameHost(p, host)
	})
}

func (o *KeyOptions) allowsForward(list []HostPort, port int, match func(host string) bool) bool {
	if o.NoPortForwarding {
		return false
	}
	for _, p := range list {
		if (p.Port == 0 || p.Port == port) && match(p.Host) {
			return true
		}
	}
	return len(list) == 0
}

// sameHost compares addresses as numbers and names without regard to case.
func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}

// restrict turns everything off that can be turned on again behind it.
func (o *KeyOptions) restrict() {
	o.NoPTY, o.NoPortForwarding, o.NoAgentForwarding = true, true, true
	o.NoX11Forwarding, o.NoUserRC = true, true
}

// keyOption is one option: a flag, or a name with a value in quotes.
type keyOption struct {
	name string
	flag func(o *KeyOptions) *bool               // set by the name alone
	set  func(o *KeyOptions, value string) error // set by name="value"
	do   func(o *KeyOptions)                     // done by the name alone
	on   bool                                    // what the flag is set to
	text func(o *KeyOptions) (values []string)   // values to write
}

func noPTY(o *KeyOptions) *bool   { return &o.NoPTY }
func noPorts(o *KeyOptions) *bool { return &o.NoPortForwarding }
func noAgent(o *KeyOptions) *bool { return &o.NoAgentForwarding }
func noX11(o *KeyOptions) *bool   { return &o.NoX11Forwarding }
func noRC(o *KeyOptions) *bool    { return &o.NoUserRC }
func noTouch(o *KeyOptions) *bool { return &o.NoTouchRequired }
func verify(o *KeyOptions) *bool  { return &o.VerifyRequired }
func isCA(o *KeyOptions) *bool    { return &o.CertAuthority }

// keyOptionTable has every option of sshd(8), in the order they are written.
// The order of the flags in a line counts: a later one undoes an earlier one.
var keyOptionTable = [...]keyOption{
	{name: "cert-authority", flag: isCA, on: true},
	{name: "restrict", do: (*KeyOptions).restrict},
	{name: "pty", flag: noPTY},
	{name: "no-pty", flag: noPTY, on: true},
	{name: "port-forwarding", flag: noPorts},
	{name: "no-port-forwarding", flag: noPorts, on: true},
	{name: "agent-forwarding", flag: noAgent},
	{name: "no-agent-forwarding", flag: noAgent, on: true},
	{name: "x11-forwarding", flag: noX11},
	{name: "no-x11-forwarding", flag: noX11, on: true},
	{name: "user-rc", flag: noRC},
	{name: "no-user-rc", flag: noRC, on: true},
	{name: "touch-required", flag: noTouch},
	{name: "no-touch-required", flag: noTouch, on: true},
	{name: "verify-required", flag: verify, on: true},
	{name: "no-verify-required", flag: verify},
	{name: "command", set: (*KeyOptions).setCommand, text: (*KeyOptions).commandText},
	{name: "from", set: (*KeyOptions).setFrom, text: (*KeyOptions).fromText},
	{name: "expiry-time", set: (*KeyOptions).setExpiry, text: (*KeyOptions).expiryText},
	{name: "environment", set: (*KeyOptions).setEnvironment, text: (*KeyOptions).environmentText},
	{name: "permitopen", set: (*KeyOptions).setPermitOpen, text: (*KeyOptions).permitOpenText},
	{name: "permitlisten", set: (*KeyOptions).setPermitListen, text: (*KeyOptions).permitListenText},
	{name: "principals", set: (*KeyOptions).setPrincipals, text: (*KeyOptions).principalsText},
	{name: "tunnel", set: (*KeyOptions).setTunnel, text: (*KeyOptions).tunnelText},
}

func lookupKeyOption(name string) (*keyOption, error) {
	for i := range keyOptionTable {
		if strings.EqualFold(keyOptionTable[i].name, name) {
			return &keyOptionTable[i], nil
		}
	}
	return nil, fmt.Errorf("unknown option %q", wire.Escape(name, maxShown))
}

var (
	errOpenQuote  = errors.New("quote without an end")
	errNoOptions  = errors.New("empty option")
	errAfterQuote = errors.New("text behind a quoted value")
	errTwice      = errors.New("option given twice")
	errValue      = errors.New("malformed value")
)

// cutOptions splits a line behind its options: at the first blank outside of
// quotes.
func cutOptions(line string) (options, rest string, err error) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return line[:i], strings.TrimLeft(line[i:], " \t"), nil
		}
	}
	if quoted {
		return "", "", errOpenQuote
	}
	return line, "", nil
}

// parseKeyOptions parses a comma list of options; the empty text has none.
func parseKeyOptions(text string) (o KeyOptions, err error) {
	for text != "" {
		var item optionText
		if item, text, err = cutOption(text); err != nil {
			return KeyOptions{}, err
		}
		if err := o.apply(item); err != nil {
			return KeyOptions{}, err
		}
		if text == "," {
			return KeyOptions{}, errNoOptions
		}
		text = strings.TrimPrefix(text, ",")
	}
	return o, nil
}

// optionText is an option as it stands in a line.
type optionText struct {
	name, value string
	hasValue    bool
}

// cutOption cuts the first option from a list. What is left is empty or
// starts with a comma.
func cutOption(text string) (o optionText, rest string, err error) {
	end := strings.IndexAny(text, ",=")
	if end < 0 {
		return optionText{name: text}, "", nil
	}
	o.name, rest = text[:end], text[end:]
	if rest[0] == ',' {
		return o, rest, nil
	}
	o.hasValue = true
	if o.value, rest, err = unquote(rest[1:]); err != nil {
		return o, "", err
	}
	if rest != "" && rest[0] != ',' {
		return o, "", errAfterQuote
	}
	return o, rest, nil
}

// unquote reads a value in double quotes, where \" stands for a quote and
// every other backslash for itself.
func unquote(text string) (value, rest string, err error) {
	if text == "" || text[0] != '"' {
		return "", "", errValue
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '"':
			i++
		case text[i] == '"':
			return b.String(), text[i+1:], nil
		}
		b.WriteByte(text[i])
	}
	return "", "", errOpenQuote
}

// apply sets one option.
func (o *KeyOptions) apply(item optionText) error {
	if item.name == "" {
		return errNoOptions
	}
	row, err := lookupKeyOption(item.name)
	if err != nil {
		return err
	}
	if item.hasValue != (row.set != nil) {
		return fmt.Errorf("option %s: %w", row.name, errValue)
	}
	switch {
	case row.flag != nil:
		*row.flag(o) = row.on
	case row.do != nil:
		row.do(o)
	default:
		if err := row.set(o, item.value); err != nil {
			return fmt.Errorf("option %s: %w", row.name, err)
		}
	}
	return nil
}

// String returns the options as they stand in a line, "" if there are none.
func (o *KeyOptions) String() string {
	var list []string
	for _, row := range keyOptionTable {
		if row.flag != nil && row.on && *row.flag(o) {
			list = append(list, row.name)
		}
		if row.text == nil {
			continue
		}
		for _, v := range row.text(o) {
			list = append(list, row.name+`="`+strings.ReplaceAll(v, `"`, `\"`)+`"`)
		}
	}
	return strings.Join(list, ",")
}
