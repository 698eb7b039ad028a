package daemon

import (
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// setting is a row of the table behind [Daemon.Config]. Those with indexed get
// the number between the brackets.
type setting struct {
	name    string
	indexed bool
	exact   bool // the value is taken with the spaces around it
	get     func(d *Daemon, index int) (string, error)
	set     func(d *Daemon, index int, value string) error // nil: read-only
}

// Config reads and writes the settings that are needed rarely: "Name" returns
// the value, "Name=Value" sets it and returns it as it reads back. Names match
// in any case; booleans are True, False, 1, 0, Yes or No. An unknown name, a
// value out of range and a change that is not allowed now are an *Error.
//
// Where nothing else is said a setting is for new connections. Settings:
//
//	AlgorithmProfile           modern (the default), compat2022 or all: sets all lists of algorithms
//	AllowedClients             comma list of addresses, networks and host names, "*" for any text; default *
//	AltSSHCertCount            number of further host keys, whose rows are the next four
//	AltSSHCertStore[i], AltSSHCertStorePassword[i], AltSSHCertStoreType[i], AltSSHCertSubject[i]
//	BindExclusively            False lets other sockets listen on the same port; default True
//	BuildInfo                  read-only: version and toolchain
//	CodePage                   of the text of SendText and of the parameter type s, at once, by its number
//	                           on Windows; default 65001, UTF-8
//	CompressionLevel           of zlib, 1 for the fastest to 9 for the smallest; 0, the default, for a choice of ours
//	ConnectionUID[id]          read-only: the number of a connection that is never reused, 0 for none
//	DefaultConnectionTimeout   seconds a client may be silent before it is logged in; 0, the default, for LoginGraceTime alone
//	DefaultIdleTimeout         seconds a client may be silent; 0, the default, for ever
//	InBufferSize, OutBufferSize  bytes of the socket's buffers; 0, the default, for the system's choice
//	KeepAliveTime, KeepAliveInterval  of TCP, in milliseconds, which systems round up to seconds; 0, the default, for
//	                           the system's choice
//	KeepAliveRetryCount        of TCP; 0, the default, for the system's choice
//	KeyboardInteractivePrompts[id]  prompts of one connection: "text,echo=false;text,echo=true"
//	KeyRenegotiationThreshold  bytes in one direction after which keys are exchanged anew; default 1073741824
//	LicenseInfo                read-only
//	LogChannelData             True shows what goes through channels at LogLevel 3, passwords that users type into
//	                           it included; default False
//	LogLevel                   what OnLog is told: 0 nothing; 1, the default, the steps of a connection; 2 each packet
//	                           in words; 3 its bytes in hexadecimal as well, up to 2 KiB, but for secrets
//	LoginGraceTime             seconds from accept to login; default 60
//	MaxAuthAttempts            failed logins after which a connection ends; default 6
//	MaxConnections             1 to 100000; default 1000; error 108 while listening
//	MinRSABits                 of the keys of users and of their hosts, 1024 to 16384; default 2048
//	ProcessIdleEvents          False: events wait for DoEvents; default True
//	SelectWaitMillis           how long DoEvents waits for an event; default 20
//	ServerSSHVersionString     the identification, which begins with SSH-2.0-
//	SSHKeepAliveInterval       seconds of silence after which a client is asked whether it is there, as
//	                           keepalive@openssh.com; looked after once an interval; default 0, never
//	SSHKeepAliveCountMax       unanswered questions after which a connection ends; default 5
//	SSHKeyExchangeAlgorithms, SSHMacAlgorithms, SSHPublicKeyAlgorithms  comma lists, most wanted first; until
//	                           the last is set, host keys with X.509 certificates are also offered as x509v3-*
//	SSHVersionPattern          comma list of patterns for the client's identification
//	TcpNoDelay                 default True: small packets leave at once, since output is coalesced already
//	UnauthenticatedStart, UnauthenticatedMax, UnauthenticatedPerSource  limits before login: 100, 1000, 64
//	UserAuthBanner[id]         text shown to the user before the answer to the current attempt
//	UseIPv6                    0 IPv4, the default; 1 IPv6; 2 both
//	UseIOCP, UseWindowsMessages, UseInternalSecurityAPI  kept, without effect: Go's own poller and cryptography do the work
func (d *Daemon) Config(text string) (string, error) {
	name, value, write := strings.Cut(text, "=")
	name, index, indexed, err := splitIndex(strings.TrimSpace(name))
	if err != nil {
		return "", err
	}
	for i := range settings {
		s := &settings[i]
		if !strings.EqualFold(s.name, name) || s.indexed != indexed {
			continue
		}
		if write && s.set == nil {
			return "", invalid(s.name + " is read-only")
		}
		if write {
			if !s.exact {
				value = strings.TrimSpace(value)
			}
			if err := s.set(d, index, value); err != nil {
				return "", err
			}
		}
		return s.get(d, index)
	}
	return "", invalid("unknown setting " + quote(name))
}

// splitIndex splits "Name[3]".
func splitIndex(text string) (name string, index int, indexed bool, err error) {
	name, rest, indexed := strings.Cut(text, "[")
	if !indexed {
		return text, 0, false, nil
	}
	number, ok := strings.CutSuffix(rest, "]")
	index, err = strconv.Atoi(strings.TrimSpace(number))
	if !ok || err != nil || index < 0 {
		return "", 0, false, invalid("malformed index in " + quote(text))
	}
	return strings.TrimSpace(name), index, true, nil
}

// settings is every setting of Config.
var settings = [...]setting{
	{name: "AlgorithmProfile",
		get: func(d *Daemon, _ int) (string, error) { return string(d.opt.snapshot().algorithms.profile), nil },
		set: func(d *Daemon, _ int, v string) error {
			set, err := profileAlgorithms(v)
			if err != nil {
				return err
			}
			return d.opt.update(func(o *options) error { o.algorithms = set; return nil })
		}},
	text("AllowedClients", func(o *options) *string { return &o.allowedClients }, nil),
	{name: "AltSSHCertCount", get: getAltCount, set: setAltCount},
	exactly(alt("AltSSHCertStore", func(s *keyStore) string { return string(s.store) },
		func(s *keyStore, v string) error { s.forget(); s.store = []byte(v); return nil })),
	exactly(alt("AltSSHCertStorePassword", func(s *keyStore) string { return s.password },
		func(s *keyStore, v string) error { s.forget(); s.password = v; return nil })),
	alt("AltSSHCertStoreType", func(s *keyStore) string { return strconv.Itoa(s.storeType) },
		func(s *keyStore, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || !validStoreType(n) {
				return invalid("AltSSHCertStoreType out of range")
			}
			s.forget()
			s.storeType = n
			return nil
		}),
	alt("AltSSHCertSubject", func(s *keyStore) string { return s.subject },
		func(s *keyStore, v string) error { return s.find(v) }),
	boolean("BindExclusively", func(o *options) *bool { return &o.bindExclusively }),
	{name: "BuildInfo", get: func(*Daemon, int) (string, error) { return buildInfo(), nil }},
	{name: "CodePage",
		get: func(d *Daemon, _ int) (string, error) { return strconv.Itoa(d.opt.snapshot().codePage), nil },
		set: setCodePage},
	number("CompressionLevel", 0, 9, func(o *options) *int { return &o.compressionLevel }),
	{name: "ConnectionUID", indexed: true, get: getConnectionUID},
	number("DefaultConnectionTimeout", 0, maxSeconds, func(o *options) *int { return &o.handshakeTimeout }),
	number("DefaultIdleTimeout", 0, maxSeconds, func(o *options) *int { return &o.idleTimeout }),
	number("InBufferSize", 0, 1<<30, func(o *options) *int { return &o.inBuffer }),
	number("OutBufferSize", 0, 1<<30, func(o *options) *int { return &o.outBuffer }),
	number("KeepAliveTime", 0, maxSeconds, func(o *options) *int { return &o.tcpTime }),
	number("KeepAliveInterval", 0, maxSeconds, func(o *options) *int { return &o.tcpInterval }),
	number("KeepAliveRetryCount", 0, 127, func(o *options) *int { return &o.tcpRetries }),
	{name: "KeyboardInteractivePrompts", indexed: true, exact: true, get: getPrompts, set: setPrompts},
	{name: "KeyRenegotiationThreshold", get: getRekeyBytes, set: setRekeyBytes},
	{name: "LicenseInfo", get: func(*Daemon, int) (string, error) { return "hawser, BSD-3-Clause, no key needed", nil }},
	boolean("LogChannelData", func(o *options) *bool { return &o.logChannelData }),
	number("LogLevel", 0, 3, func(o *options) *int { return &o.logLevel }),
	number("LoginGraceTime", 1, maxSeconds, func(o *options) *int { return &o.loginGrace }),
	number("MaxAuthAttempts", 1, 1000, func(o *options) *int { return &o.maxAuth }),
	whileStopped(number("MaxConnections", 1, maxMaxConnections, func(o *options) *int { return &o.maxConnections })),
	number("MinRSABits", sshkey.LowestMinRSABits, sshkey.MaxRSABits, func(o *options) *int { return &o.minRSABits }),
	boolean("ProcessIdleEvents", func(o *options) *bool { return &o.processIdle }),
	number("SelectWaitMillis", 0, maxSeconds, func(o *options) *int { return &o.selectWait }),
	text("ServerSSHVersionString", func(o *options) *string { return &o.version }, checkVersion),
	number("SSHKeepAliveInterval", 0, maxSeconds, func(o *options) *int { return &o.keepaliveInterval }),
	number("SSHKeepAliveCountMax", 1, maxSeconds, func(o *options) *int { return &o.keepaliveCount }),
	algorithmSetting("SSHKeyExchangeAlgorithms", func(a *algorithmSet) *algorithmList { return &a.kex }),
	algorithmSetting("SSHMacAlgorithms", func(a *algorithmSet) *algorithmList { return &a.macs }),
	algorithmSetting("SSHPublicKeyAlgorithms", func(a *algorithmSet) *algorithmList { return &a.hostKey }),
	text("SSHVersionPattern", func(o *options) *string { return &o.versionPattern }, nil),
	boolean("TcpNoDelay", func(o *options) *bool { return &o.noDelay }),
	number("UnauthenticatedStart", 1, maxMaxConnections, func(o *options) *int { return &o.unauthStart }),
	number("UnauthenticatedMax", 1, maxMaxConnections, func(o *options) *int { return &o.unauthMax }),
	number("UnauthenticatedPerSource", 1, maxMaxConnections, func(o *options) *int { return &o.unauthSource }),
	{name: "UserAuthBanner", indexed: true, exact: true, get: getBanner, set: setBanner},
	number("UseIPv6", 0, 2, func(o *options) *int { return &o.ipv6 }),
	{name: "UseIOCP",
		get: func(d *Daemon, _ int) (string, error) { return formatBool(d.opt.snapshot().iocp), nil },
		set: setIOCP},
	boolean("UseWindowsMessages", func(o *options) *bool { return &o.windowsMessages }),
	boolean("UseInternalSecurityAPI", func(o *options) *bool { return &o.internalAPI }),
}

// number is a setting that is an integer within bounds.
func number(name string, low, high int, field func(*options) *int) setting {
	return setting{name: name,
		get: func(d *Daemon, _ int) (string, error) { return strconv.Itoa(*field(d.opt.snapshot())), nil },
		set: func(d *Daemon, _ int, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil {
				return invalid(name + " is not a number")
			}
			return d.setInt(name, n, low, high, field)
		}}
}

// boolean is a setting that is true or false.
func boolean(name string, field func(*options) *bool) setting {
	return setting{name: name,
		get: func(d *Daemon, _ int) (string, error) { return formatBool(*field(d.opt.snapshot())), nil },
		set: func(d *Daemon, _ int, v string) error {
			on, err := parseBool(name, v)
			if err != nil {
				return err
			}
			return d.opt.update(func(o *options) error { *field(o) = on; return nil })
		}}
}

// text is a setting of any text that check, if there is one, lets pass.
func text(name string, field func(*options) *string, check func(string) error) setting {
	return setting{name: name,
		get: func(d *Daemon, _ int) (string, error) { return *field(d.opt.snapshot()), nil },
		set: func(d *Daemon, _ int, v string) error {
			if check != nil {
				if err := check(v); err != nil {
					return err
				}
			}
			return d.opt.update(func(o *options) error { *field(o) = v; return nil })
		}}
}

// algorithmSetting is a list of algorithms.
func algorithmSetting(name string, list func(*algorithmSet) *algorithmList) setting {
	return setting{name: name,
		get: func(d *Daemon, _ int) (string, error) {
			set := d.opt.snapshot().algorithms
			return list(&set).String(), nil
		},
		set: func(d *Daemon, _ int, v string) error { return d.setAlgorithms(v, list) }}
}

// whileStopped makes s refuse changes while the daemon listens.
func whileStopped(s setting) setting {
	set := s.set
	s.set = func(d *Daemon, i int, v string) error {
		if d.Listening() {
			return &Error{Code: CodeMaxConnectionsUsed}
		}
		return set(d, i, v)
	}
	return s
}

// exactly makes s take values with the spaces around them.
func exactly(s setting) setting {
	s.exact = true
	return s
}

// setIOCP keeps UseIOCP; with it, UseWindowsMessages reads False.
func setIOCP(d *Daemon, _ int, v string) error {
	on, err := parseBool("UseIOCP", v)
	if err != nil {
		return err
	}
	return d.opt.update(func(o *options) error {
		o.iocp, o.windowsMessages = on, o.windowsMessages && !on
		return nil
	})
}

func formatBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}

func parseBool(name, v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return false, invalid(name + " is True or False")
}

// checkVersion accepts an identification (RFC 4253 §4.2).
func checkVersion(v string) error {
	if !strings.HasPrefix(v, "SSH-2.0-") || len(v) == len("SSH-2.0-") || len(v) > 253 {
		return invalid("ServerSSHVersionString is SSH-2.0- and a name, at most 253 bytes in all")
	}
	for _, c := range []byte(v) {
		if c < ' ' || c > '~' {
			return invalid("ServerSSHVersionString is printable ASCII")
		}
	}
	return nil
}

func getRekeyBytes(d *Daemon, _ int) (string, error) {
	return strconv.FormatInt(d.opt.snapshot().rekeyBytes, 10), nil
}

func setRekeyBytes(d *Daemon, _ int, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < minRekeyBytes {
		return invalid("KeyRenegotiationThreshold out of range")
	}
	return d.opt.update(func(o *options) error { o.rekeyBytes = n; return nil })
}

// minRekeyBytes keeps a threshold from turning into nothing but key exchanges.
const minRekeyBytes = 1 << 10

func getConnectionUID(d *Daemon, id int) (string, error) {
	c, err := d.reg.connection(id)
	if err != nil {
		return "0", nil
	}
	return strconv.FormatUint(c.uid, 10), nil
}

func getBanner(d *Daemon, id int) (string, error) {
	c, err := d.reg.connection(id)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.banner, nil
}

func setBanner(d *Daemon, id int, v string) error {
	c, err := d.reg.connection(id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.banner = v
	return nil
}

func getPrompts(d *Daemon, id int) (string, error) {
	c, err := d.reg.connection(id)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for i, p := range c.prompts {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(p.Text + ",echo=" + strconv.FormatBool(p.Echo))
	}
	return b.String(), nil
}

func setPrompts(d *Daemon, id int, v string) error {
	c, err := d.reg.connection(id)
	if err != nil {
		return err
	}
	prompts, err := parsePrompts(v)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prompts = prompts
	return nil
}

// parsePrompts reads "text,echo=false;text,echo=true"; without echo it is off.
func parsePrompts(v string) ([]wire.Prompt, error) {
	var prompts []wire.Prompt
	for part := range strings.SplitSeq(v, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		p := wire.Prompt{Text: part}
		if i := strings.LastIndexByte(part, ','); i >= 0 {
			key, value, ok := strings.Cut(part[i+1:], "=")
			if ok && strings.EqualFold(strings.TrimSpace(key), "echo") {
				echo, err := parseBool("echo", strings.TrimSpace(value))
				if err != nil {
					return nil, err
				}
				p = wire.Prompt{Text: part[:i], Echo: echo}
			}
		}
		prompts = append(prompts, p)
	}
	if len(prompts) > wire.MaxPrompts {
		return nil, invalid("too many prompts")
	}
	return prompts, nil
}
