package main

import (
	"net/netip"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// permissions are what a client may do once it is logged in. The zero value permits everything that hawserd offers;
// options of the key that was used take away from it.
type permissions struct {
	options sshkey.KeyOptions
	env     []string // NAME=VALUE, what the allow-list left of the options
}

// permissionsOf keeps of a key's options what hawserd has to look at later.
func permissionsOf(options sshkey.KeyOptions) *permissions {
	p := &permissions{options: options}
	for _, v := range options.Environment {
		if name, _, ok := strings.Cut(v, "="); ok && allowedEnv(name) {
			p.env = append(p.env, v)
		}
	}
	return p
}

// forced returns the command that runs whatever the client asks for.
func (p *permissions) forced() (command string, ok bool) {
	return p.options.Command, p.options.ForceCommand
}

func (p *permissions) mayHaveTerminal() bool { return !p.options.NoPTY }

func (p *permissions) mayUseAgent() bool { return !p.options.NoAgentForwarding }

func (p *permissions) mayUseX11() bool { return !p.options.NoX11Forwarding }

func (p *permissions) mayOpen(host string, port uint32) bool {
	return p.options.AllowsOpen(host, int(port))
}

func (p *permissions) mayListen(host string, port uint32) bool {
	return p.options.AllowsListen(host, int(port))
}

// maySockets is about Unix sockets, which a list of hosts cannot name: any such list forbids them.
func (p *permissions) maySockets() bool {
	o := &p.options
	return !o.NoPortForwarding && len(o.PermitOpen) == 0 && len(o.PermitListen) == 0
}

// source is where a client comes from, for the from option. An address that is none matches nothing.
func source(host string) sshkey.Source {
	addr, _ := netip.ParseAddr(host)
	return sshkey.Source{Addr: addr.Unmap()}
}
