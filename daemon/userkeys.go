package daemon

import (
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// SetUserKeyAlgorithms sets the signature algorithms by which users may log in
// beside those of SSHPublicKeyAlgorithms, for new connections: those of
// security keys and certificates, for instance. Nobody logs in by one unless
// OnSSHUserAuthRequest accepts his key.
func (d *Daemon) SetUserKeyAlgorithms(names ...string) error {
	for _, name := range names {
		if sshkey.KeyType(name) == "" {
			return invalid("unknown algorithm " + quote(name))
		}
	}
	names = slices.Clone(names)
	return d.opt.update(func(o *options) error { o.userKeys = names; return nil })
}

// userKeyAlgorithms returns the algorithms of user keys, each once.
func (o *options) userKeyAlgorithms() []string {
	list := o.algorithms.hostKey.usable()
	for _, name := range o.userKeys {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
