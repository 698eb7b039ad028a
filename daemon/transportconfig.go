package daemon

import (
	"sync"

	"github.com/hawser-ssh/hawser/transport"
)

// sharedConfig is the transport's configuration of all connections that came
// while the options were the same. A copy for each would be nearly as large as
// what the transport keeps of it.
type sharedConfig struct {
	mu  sync.Mutex
	opt *options // that cfg is made of
	cfg *transport.Config
}

// of returns the configuration for opt.
func (s *sharedConfig) of(opt *options, x *exchanges) (*transport.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opt != opt {
		cfg, err := opt.transportConfig(x)
		if err != nil {
			return nil, err
		}
		s.opt, s.cfg = opt, cfg.Shared()
	}
	return s.cfg, nil
}

// transportConfig returns the configuration of the layer below, which is the
// connection's own only where somebody looks into it.
func (c *conn) transportConfig() (*transport.Config, error) {
	lab, keyLog := c.packetLab(c.d.labNow()), c.d.keyLogWriter()
	if lab == nil && keyLog == nil {
		return c.d.shared.of(c.opt, &c.d.exchanges)
	}
	cfg, err := c.opt.transportConfig(&c.d.exchanges)
	if err != nil {
		return nil, err
	}
	cfg.Lab, cfg.KeyLogWriter = lab, keyLog
	return cfg, nil
}

// transportConfig returns the configuration that the options describe.
func (o *options) transportConfig(x *exchanges) (*transport.Config, error) {
	cfg := &transport.Config{
		Version:             o.version,
		HostKeys:            o.signers(),
		SignatureAlgorithms: o.userKeyAlgorithms(),
		CompressionLevel:    o.compressionLevel,
		HandshakeTimeout:    o.loginGraceTime(),
		RekeyBytes:          uint64(o.rekeyBytes),
	}
	if err := o.algorithms.apply(cfg); err != nil {
		return nil, asError(err)
	}
	x.apply(cfg, o.groups)
	return cfg, nil
}
