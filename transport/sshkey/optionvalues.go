package sshkey

import (
	"strconv"
	"strings"
	"time"
)

// What an option's value means, and how it is written: the set and text
// columns of keyOptionTable.

func (o *KeyOptions) setCommand(v string) error {
	if o.ForceCommand {
		return errTwice
	}
	o.ForceCommand, o.Command = true, v
	return nil
}

func (o *KeyOptions) commandText() []string {
	if !o.ForceCommand {
		return nil
	}
	return []string{o.Command}
}

func (o *KeyOptions) setFrom(v string) error {
	if o.From != nil {
		return errTwice
	}
	patterns, err := splitPatterns(v)
	if err != nil {
		return err
	}
	o.From = patterns
	return checkSources(patterns)
}

func (o *KeyOptions) fromText() []string { return joined(o.From) }

func (o *KeyOptions) setPrincipals(v string) error {
	if o.Principals != nil {
		return errTwice
	}
	patterns, err := splitPatterns(v)
	o.Principals = patterns
	return err
}

func (o *KeyOptions) principalsText() []string { return joined(o.Principals) }

func joined(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{strings.Join(list, ",")}
}

// expiryLayouts are the forms of expiry-time, by their length.
var expiryLayouts = [...]string{"20060102", "200601021504", "20060102150405"}

// setExpiry keeps the earliest time. Without a "Z" it is local.
func (o *KeyOptions) setExpiry(v string) error {
	text, utc := strings.CutSuffix(v, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range expiryLayouts {
		if len(layout) != len(text) {
			continue
		}
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil || t.Unix() <= 0 {
			return errValue
		}
		if o.Expiry.IsZero() || t.Before(o.Expiry) {
			o.Expiry = t.UTC()
		}
		return nil
	}
	return errValue
}

func (o *KeyOptions) expiryText() []string {
	if o.Expiry.IsZero() {
		return nil
	}
	return []string{o.Expiry.UTC().Format(expiryLayouts[2]) + "Z"}
}

// setEnvironment keeps the first value of each name.
func (o *KeyOptions) setEnvironment(v string) error {
	name, _, ok := strings.Cut(v, "=")
	if !ok || name == "" || strings.ContainsFunc(name, notEnvName) {
		return errValue
	}
	for _, have := range o.Environment {
		if strings.HasPrefix(have, name+"=") {
			return nil
		}
	}
	o.Environment = append(o.Environment, v)
	return nil
}

func notEnvName(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func (o *KeyOptions) environmentText() []string { return o.Environment }

func (o *KeyOptions) setPermitOpen(v string) error {
	h, ok := parseHostPort(v)
	if !ok {
		return errValue
	}
	o.PermitOpen = append(o.PermitOpen, h)
	return nil
}

// setPermitListen also takes a port alone, for any host.
func (o *KeyOptions) setPermitListen(v string) error {
	if !strings.Contains(v, ":") {
		v = "*:" + v
	}
	h, ok := parseHostPort(v)
	if !ok {
		return errValue
	}
	o.PermitListen = append(o.PermitListen, h)
	return nil
}

func (o *KeyOptions) permitOpenText() []string   { return hostPortTexts(o.PermitOpen) }
func (o *KeyOptions) permitListenText() []string { return hostPortTexts(o.PermitListen) }

func hostPortTexts(list []HostPort) []string {
	texts := make([]string, len(list))
	for i, h := range list {
		texts[i] = h.String()
	}
	return texts
}

// parseHostPort parses HOST:PORT or [HOST]:PORT; the port may be "*".
func parseHostPort(v string) (h HostPort, ok bool) {
	i := strings.LastIndexByte(v, ':')
	if i <= 0 || i > MaxPattern {
		return h, false
	}
	host, port := v[:i], v[i+1:]
	if inner, bracket := strings.CutPrefix(host, "["); bracket {
		if host, ok = strings.CutSuffix(inner, "]"); !ok {
			return h, false
		}
	} else if strings.Contains(host, ":") {
		return h, false
	}
	if host == "" || strings.ContainsAny(host, "[]") {
		return h, false
	}
	h.Host = host
	if port == "*" {
		return h, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	h.Port = int(n)
	return h, err == nil && n > 0
}

// setTunnel checks the value and keeps it as it is.
func (o *KeyOptions) setTunnel(v string) error {
	if o.Tunnel != "" {
		return errTwice
	}
	for _, part := range strings.SplitN(v, ":", 2) {
		if _, err := strconv.ParseUint(part, 10, 31); err != nil && part != "any" {
			return errValue
		}
	}
	o.Tunnel = v
	return nil
}

func (o *KeyOptions) tunnelText() []string {
	if o.Tunnel == "" {
		return nil
	}
	return []string{o.Tunnel}
}
