package daemon

import (
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// SSHChannelCount returns how many channels are open on all connections.
func (d *Daemon) SSHChannelCount() int {
	_, n := d.reg.counts()
	return n
}

// SSHConnectionCount returns how many connections there are, those included
// that have not logged in yet.
func (d *Daemon) SSHConnectionCount() int {
	n, _ := d.reg.counts()
	return n
}

// SSHConnection returns the handle of a connection, or error 126. It is valid
// from OnConnected until OnDisconnected has returned.
func (d *Daemon) SSHConnection(connectionID int) (*SSHConnection, error) {
	c, err := d.reg.connection(connectionID)
	if err != nil {
		return nil, err
	}
	return &SSHConnection{c}, nil
}

// SSHConnections returns the handles of all connections, oldest first.
func (d *Daemon) SSHConnections() []*SSHConnection {
	var all []*SSHConnection
	for _, c := range d.reg.connections() {
		all = append(all, &SSHConnection{c})
	}
	return all
}

// SSHChannel returns the handle of a channel, or error 126. It is valid from
// OnSSHChannelOpened until OnSSHChannelClosed has returned.
func (d *Daemon) SSHChannel(channelID int) (*SSHChannel, error) {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return nil, err
	}
	return &SSHChannel{ch}, nil
}

// SSHChannels returns the handles of all open channels in the order of their
// ids.
func (d *Daemon) SSHChannels() []*SSHChannel {
	var all []*SSHChannel
	for _, ch := range d.reg.channels(nil) {
		all = append(all, &SSHChannel{ch})
	}
	return all
}

// ConnectionBacklog returns how many connections the system may hold that have
// not been accepted yet. The default is 5.
func (d *Daemon) ConnectionBacklog() int { return d.opt.snapshot().backlog }

// SetConnectionBacklog sets ConnectionBacklog, 1 to 65535, for the next
// StartListening.
func (d *Daemon) SetConnectionBacklog(n int) error {
	return d.setInt("ConnectionBacklog", n, 1, 1<<16-1, func(o *options) *int { return &o.backlog })
}

// DefaultAuthMethods returns the comma list of the methods by which users may
// log in. The default is "password,publickey".
func (d *Daemon) DefaultAuthMethods() string { return d.opt.snapshot().authMethods }

// SetDefaultAuthMethods sets DefaultAuthMethods for new connections, out of
// none, password, publickey, keyboard-interactive and hostbased. The last is
// off unless it is named here: it believes other machines (RFC 4252 §9).
func (d *Daemon) SetDefaultAuthMethods(methods string) error {
	names, err := parseMethods(methods)
	if err != nil {
		return err
	}
	return d.opt.update(func(o *options) error { o.authMethods = strings.Join(names, ","); return nil })
}

// DefaultTimeout returns the timeout that new connections start with, in
// seconds. The default is 60; 0 means never to wait.
func (d *Daemon) DefaultTimeout() int { return d.opt.snapshot().timeout }

// SetDefaultTimeout sets DefaultTimeout, at least 0.
func (d *Daemon) SetDefaultTimeout(seconds int) error {
	return d.setInt("DefaultTimeout", seconds, 0, maxSeconds, func(o *options) *int { return &o.timeout })
}

// KeyboardInteractiveMessage returns the text shown above the prompts.
func (d *Daemon) KeyboardInteractiveMessage() string { return d.opt.snapshot().kbdMessage }

// SetKeyboardInteractiveMessage sets KeyboardInteractiveMessage.
func (d *Daemon) SetKeyboardInteractiveMessage(text string) error {
	return d.opt.update(func(o *options) error { o.kbdMessage = text; return nil })
}

// KeyboardInteractivePromptCount returns how many prompts
// keyboard-interactive asks.
func (d *Daemon) KeyboardInteractivePromptCount() int { return len(d.opt.snapshot().prompts) }

// SetKeyboardInteractivePromptCount sets the number of prompts, 0 to 32. New
// ones are empty and do not echo.
func (d *Daemon) SetKeyboardInteractivePromptCount(n int) error {
	if n < 0 || n > wire.MaxPrompts {
		return invalid("KeyboardInteractivePromptCount out of range")
	}
	return d.opt.update(func(o *options) error {
		o.prompts = append(slices.Clone(o.prompts), make([]wire.Prompt, max(0, n-len(o.prompts)))...)[:n]
		return nil
	})
}

// KeyboardInteractivePromptEcho reports whether the client shows the answer
// while it is typed. It is false for an index out of range.
func (d *Daemon) KeyboardInteractivePromptEcho(index int) bool { return d.prompt(index).Echo }

// SetKeyboardInteractivePromptEcho sets KeyboardInteractivePromptEcho.
func (d *Daemon) SetKeyboardInteractivePromptEcho(index int, echo bool) error {
	return d.setPrompt(index, func(p *wire.Prompt) { p.Echo = echo })
}

// KeyboardInteractivePromptPrompt returns the text of a prompt, from index 0.
// It is empty for an index out of range.
func (d *Daemon) KeyboardInteractivePromptPrompt(index int) string { return d.prompt(index).Text }

// SetKeyboardInteractivePromptPrompt sets the text of a prompt.
func (d *Daemon) SetKeyboardInteractivePromptPrompt(index int, text string) error {
	return d.setPrompt(index, func(p *wire.Prompt) { p.Text = text })
}

func (d *Daemon) prompt(index int) wire.Prompt {
	if p := d.opt.snapshot().prompts; index >= 0 && index < len(p) {
		return p[index]
	}
	return wire.Prompt{}
}

func (d *Daemon) setPrompt(index int, set func(*wire.Prompt)) error {
	return d.opt.update(func(o *options) error {
		if index < 0 || index >= len(o.prompts) {
			return invalid("no such prompt: set KeyboardInteractivePromptCount first")
		}
		o.prompts = slices.Clone(o.prompts)
		set(&o.prompts[index])
		return nil
	})
}

// Listening reports whether the daemon accepts connections.
func (d *Daemon) Listening() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.listeners) > 0
}

// SetListening starts or stops listening, as StartListening and StopListening
// do; it does nothing where that is the case already.
func (d *Daemon) SetListening(on bool) error {
	switch {
	case on == d.Listening():
		return nil
	case on:
		return d.StartListening()
	default:
		return d.StopListening()
	}
}

// LocalHost returns the address or host name to listen on; empty, the default,
// is every address of the machine.
func (d *Daemon) LocalHost() string { return d.opt.snapshot().localHost }

// SetLocalHost sets LocalHost; error 107 while listening.
func (d *Daemon) SetLocalHost(host string) error {
	if d.Listening() {
		return &Error{Code: CodeLocalHostInUse}
	}
	return d.opt.update(func(o *options) error { o.localHost = host; return nil })
}

// LocalPort returns the port to listen on: 22 by default. After StartListening
// with port 0 it is the one that the system has chosen.
func (d *Daemon) LocalPort() int { return d.opt.snapshot().localPort }

// SetLocalPort sets LocalPort, 0 to 65535; error 106 while listening.
func (d *Daemon) SetLocalPort(port int) error {
	if d.Listening() {
		return &Error{Code: CodeLocalPortInUse}
	}
	return d.setInt("LocalPort", port, 0, 1<<16-1, func(o *options) *int { return &o.localPort })
}

// SSHCompressionAlgorithms returns the comma list of compression algorithms,
// most wanted first. The default is "none".
func (d *Daemon) SSHCompressionAlgorithms() string {
	return d.opt.snapshot().algorithms.compression.String()
}

// SetSSHCompressionAlgorithms sets SSHCompressionAlgorithms for new
// connections, out of none, zlib and zlib@openssh.com.
func (d *Daemon) SetSSHCompressionAlgorithms(names string) error {
	return d.setAlgorithms(names, func(a *algorithmSet) *algorithmList { return &a.compression })
}

// SSHEncryptionAlgorithms returns the comma list of ciphers, most wanted first.
func (d *Daemon) SSHEncryptionAlgorithms() string {
	return d.opt.snapshot().algorithms.ciphers.String()
}

// SetSSHEncryptionAlgorithms sets SSHEncryptionAlgorithms for new connections.
func (d *Daemon) SetSSHEncryptionAlgorithms(names string) error {
	return d.setAlgorithms(names, func(a *algorithmSet) *algorithmList { return &a.ciphers })
}

func (d *Daemon) setAlgorithms(names string, list func(*algorithmSet) *algorithmList) error {
	return d.opt.update(func(o *options) error { return list(&o.algorithms).set(names) })
}

// maxSeconds bounds durations that are given in seconds: about 68 years.
const maxSeconds = 1<<31 - 1

func (d *Daemon) setInt(name string, v, low, high int, field func(*options) *int) error {
	if v < low || v > high {
		return invalid(name + " out of range")
	}
	return d.opt.update(func(o *options) error { *field(o) = v; return nil })
}

func invalid(text string) error { return newError(CodeInvalidArgument, text, nil) }

// parseMethods splits a comma list of authentication methods.
func parseMethods(list string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		switch name {
		case "":
		case userauth.MethodNone, userauth.MethodPassword, userauth.MethodPublicKey, userauth.MethodInteractive, userauth.MethodHostBased:
			names = append(names, name)
		default:
			return nil, invalid("unknown authentication method " + quote(name))
		}
	}
	return names, nil
}

// quote makes text safe and short for an error or a log line.
func quote(text string) string { return `"` + wire.Escape(text, 64) + `"` }
