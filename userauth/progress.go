package userauth

import (
	"bytes"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// progress is what one user has reached on one connection: the factors that
// succeeded and the methods that may follow. It never outlives a change of the
// user's name (RFC 4252 §5).
type progress struct {
	chains     [][]string
	configured []string // names with a callback, in the order of the list
	steps      []Step
	follow     []string // after Partial without chains; nil is configured
}

// reset forgets all that has succeeded.
func (p *progress) reset() { p.steps, p.follow = nil, nil }

// offered returns the names that may follow, as FAILURE lists them.
func (p *progress) offered() []string {
	switch {
	case p.chains != nil:
		return p.chainHeads()
	case p.follow != nil:
		return p.follow
	}
	return p.configured
}

// allows reports whether a request by method may be judged now. None is never
// a factor beside others.
func (p *progress) allows(method string) bool {
	if method == MethodNone {
		return p.chains == nil && len(p.steps) == 0
	}
	return slices.Contains(p.configured, method) && slices.Contains(p.offered(), method)
}

// used reports whether key has succeeded as a factor already, with a
// certificate or without one: who holds one holds the other.
func (p *progress) used(key sshkey.PublicKey) bool {
	blob := sshkey.PlainBlob(key)
	return slices.ContainsFunc(p.steps, func(s Step) bool {
		return s.Key != nil && bytes.Equal(sshkey.PlainBlob(s.Key), blob)
	})
}

// add records a factor and reports whether the user is authenticated.
func (p *progress) add(step Step, r *Result) (done bool) {
	p.steps = append(p.steps, step)
	if p.chains != nil {
		return r.Outcome == Accept && p.chainDone()
	}
	if r.Outcome == Accept {
		return true
	}
	p.follow = []string{}
	if r.Methods != nil {
		p.follow = append(p.follow, r.Methods...)
		return false
	}
	for _, name := range p.configured {
		if name == MethodPublicKey || !p.succeeded(name) {
			p.follow = append(p.follow, name)
		}
	}
	return false
}

func (p *progress) succeeded(method string) bool {
	return slices.ContainsFunc(p.steps, func(s Step) bool { return s.Method == method })
}

// chainHeads returns the next method of each chain that begins with the steps
// so far, each name once.
func (p *progress) chainHeads() []string {
	heads := []string{}
	for _, chain := range p.chains {
		if len(chain) <= len(p.steps) || !p.walked(chain[:len(p.steps)]) {
			continue
		}
		head := chain[len(p.steps)]
		if slices.Contains(p.configured, head) && !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
	}
	return heads
}

func (p *progress) chainDone() bool { return slices.ContainsFunc(p.chains, p.walked) }

// walked reports whether the steps so far are exactly chain.
func (p *progress) walked(chain []string) bool {
	return slices.EqualFunc(p.steps, chain, func(s Step, name string) bool { return s.Method == name })
}
