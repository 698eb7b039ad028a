package sshkey

import (
	"errors"
	"net/netip"
	"strings"
)

// Source says where a client comes from.
type Source struct {
	Host string     // its name, if the server looked it up and trusts it; else empty
	Addr netip.Addr // the invalid Addr if the connection has none
}

var (
	errPatternEmpty = errors.New("empty pattern in list")
	errPatternLong  = errors.New("pattern too long")
	errPatternCIDR  = errors.New("malformed address range in list")
)

// MatchPattern reports whether s matches a pattern of ssh_config(5): '*' stands
// for any text and '?' for any byte.
func MatchPattern(pattern, s string) bool { return matchGlob(pattern, s) }

// matchGlob reports whether s matches pattern, where '*' stands for any text
// and '?' for any byte. It takes time len(s)*len(pattern) at most: only the
// last star is ever tried again.
func matchGlob(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// splitPatterns splits a comma list of patterns and checks each.
func splitPatterns(list string) ([]string, error) {
	patterns := strings.Split(list, ",")
	for _, p := range patterns {
		if strings.TrimPrefix(p, "!") == "" {
			return nil, errPatternEmpty
		}
		if len(p) > MaxPattern {
			return nil, errPatternLong
		}
	}
	return patterns, nil
}

// matchHost reports whether name matches one of patterns and none of those
// with a '!' in front. Names compare without regard to ASCII case; name is in
// lower case already.
func matchHost(patterns []string, name string) bool {
	return matchList(patterns, func(p string) bool { return matchGlob(strings.ToLower(p), name) })
}

// matchList is true if match holds for a plain pattern and for no negated one.
func matchList(patterns []string, match func(pattern string) bool) bool {
	found := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		if match(p) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

// checkSources reports whether every pattern with a '/' is an address range
// without bits beyond its mask: such a pattern would silently match nothing.
func checkSources(patterns []string) error {
	for _, p := range patterns {
		if p = strings.TrimPrefix(p, "!"); strings.Contains(p, "/") {
			if _, ok := parseCIDR(p); !ok {
				return errPatternCIDR
			}
		}
	}
	return nil
}

func parseCIDR(s string) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(s)
	return prefix, err == nil && prefix == prefix.Masked()
}

// matches reports whether the source matches a list of from="...": name
// patterns, address patterns and ranges, '!' in front of one excludes. A list
// with a malformed range matches nothing.
func (s Source) matches(patterns []string) bool {
	if checkSources(patterns) != nil {
		return false
	}
	host, addr := strings.ToLower(s.Host), s.Addr.Unmap().WithZone("")
	return matchList(patterns, func(p string) bool {
		if strings.Contains(p, "/") {
			prefix, _ := parseCIDR(p)
			return addr.IsValid() && prefix.Contains(addr)
		}
		p = strings.ToLower(p)
		return host != "" && matchGlob(p, host) || addr.IsValid() && matchAddr(p, addr)
	})
}

// matchAddr compares addresses as numbers where the pattern is one.
func matchAddr(pattern string, addr netip.Addr) bool {
	if a, err := netip.ParseAddr(pattern); err == nil {
		return a.Unmap() == addr
	}
	return matchGlob(pattern, addr.String())
}
