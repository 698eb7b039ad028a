package daemon

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// allowedClient reports whether an address is on a list of AllowedClients:
// addresses and host names, where "*" stands for any text, and networks. What
// is not TCP has no address and matches "*" alone.
//
// A host name counts when it resolves to the address; one with a "*" when the
// address resolves to a name that it matches and that resolves back: what the
// owner of an address says about it alone proves nothing.
func allowedClient(ctx context.Context, r *net.Resolver, list string, addr net.Addr) bool {
	var ip netip.Addr
	if tcp, ok := addr.(*net.TCPAddr); ok {
		ip = tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	for pattern := range strings.SplitSeq(list, ",") {
		pattern = strings.TrimSpace(pattern)
		if pattern == "*" || ip.IsValid() && pattern != "" && allowsIP(ctx, r, pattern, ip) {
			return true
		}
	}
	return false
}

func allowsIP(ctx context.Context, r *net.Resolver, pattern string, ip netip.Addr) bool {
	if matchPattern(pattern, ip.String()) {
		return true
	}
	if exact, err := netip.ParseAddr(pattern); err == nil {
		return exact.Unmap() == ip
	}
	if network, err := netip.ParsePrefix(pattern); err == nil {
		return network.Contains(ip)
	}
	if !strings.ContainsAny(pattern, "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ_-") && strings.ContainsAny(pattern, "*:") {
		return false // an address with a wildcard, that has not matched
	}
	if !strings.Contains(pattern, "*") {
		return resolvesTo(ctx, r, pattern, ip)
	}
	names, err := r.LookupAddr(ctx, ip.String())
	return err == nil && slices.ContainsFunc(names, func(name string) bool {
		name = strings.TrimSuffix(name, ".")
		return matchPattern(strings.ToLower(pattern), strings.ToLower(name)) && resolvesTo(ctx, r, name, ip)
	})
}

func resolvesTo(ctx context.Context, r *net.Resolver, host string, ip netip.Addr) bool {
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	return err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap() == ip })
}

// matchAny reports whether text matches one of a comma list of patterns.
func matchAny(patterns, text string) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		if pattern = strings.TrimSpace(pattern); pattern != "" && matchPattern(pattern, text) {
			return true
		}
	}
	return false
}

// matchPattern reports whether text matches pattern, in which "*" stands for
// any text. The work is at most the product of their lengths.
func matchPattern(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
