package daemon

import (
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
)

// A transient RSA key serves so many exchanges, or so long (RFC 4432 §6).
const (
	rsaExchanges = 100
	rsaLifetime  = time.Hour
)

// exchanges is what the key exchanges of all connections share.
type exchanges struct {
	limiter *kex.Limiter // costly steps at once (CVE-2002-20001)
	rsa     kex.Method   // rsa2048-sha256 with keys that are kept for a while
}

func newExchanges() exchanges {
	return exchanges{limiter: kex.NewLimiter(0), rsa: kex.NewTransientRSA(rsaExchanges, rsaLifetime).Method()}
}

// apply puts them into the configuration of a connection.
func (x *exchanges) apply(cfg *transport.Config, groups []kex.Group) {
	cfg.Limiter, cfg.Groups = x.limiter, groups
	for i := range cfg.Kex {
		if cfg.Kex[i].Name == x.rsa.Name {
			cfg.Kex[i] = x.rsa
		}
	}
}

// SetGroups sets the groups that group exchange (RFC 4419) chooses from, for
// new connections, such as those of [kex.ParseModuli]; none means those of RFC
// 3526.
func (d *Daemon) SetGroups(groups ...kex.Group) error {
	groups = slices.Clone(groups)
	return d.opt.update(func(o *options) error { o.groups = groups; return nil })
}
