package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/daemon"
)

// errHelp is returned after the usage text was asked for and written.
var errHelp = flag.ErrHelp

// usageError marks what the caller of the program can mend in its arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (hawserd -h lists the flags)" }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// options are the flags, checked.
type options struct {
	listen    string
	hostKeys  []string
	hostCerts []string

	hostKeyPassword string // the file with it; empty: none
	hostKeySubject  string // of a key among several in a file; empty: there must be one

	authorizedKeys string // empty: the user's own file
	userCA         string // this and the next four, empty: none
	x509Roots      string
	revokedKeys    string
	trustedHosts   string
	moduli         string
	users          string // empty: none
	require        []string
	settings       []setting // in the order of the flags
	metrics        string    // empty: none
	logFormat      string
	verbose        bool
	drain          time.Duration
	inetd          bool
	genKey         string // what to make, empty: nothing
	genKeyFile     string
	sftpServer     bool
	agents         bool
	displays       bool
}

// setting is the value of a flag that the daemon is to judge.
type setting struct {
	flag, value string
	apply       func(d *daemon.Daemon, value string) error
}

// byName applies a setting of Daemon.Config.
func byName(name string) func(*daemon.Daemon, string) error {
	return func(d *daemon.Daemon, value string) error {
		_, err := d.Config(name + "=" + value)
		return err
	}
}

// authMethods are what -require may name.
var authMethods = []string{"publickey", "hostbased", "password", "keyboard-interactive"}

// algorithmFlags choose algorithms of the daemon.
var algorithmFlags = [...]struct {
	flag, usage string
	apply       func(d *daemon.Daemon, value string) error
}{
	{"ciphers", "offer these `ciphers`, comma separated, best first", (*daemon.Daemon).SetSSHEncryptionAlgorithms},
	{"kex", "offer these key exchange `methods`", byName("SSHKeyExchangeAlgorithms")},
	{"macs", "offer these `MACs`", byName("SSHMacAlgorithms")},
	{"compression", "offer these compression `methods`", (*daemon.Daemon).SetSSHCompressionAlgorithms},
	{hostKeyAlgorithmsFlag, "accept these signature `algorithms` for host and user keys", byName("SSHPublicKeyAlgorithms")},
	{profileFlag, "start from a `set` of algorithms: modern, compat2022 or all", byName("AlgorithmProfile")},
}

// hostKeyAlgorithmsFlag names the algorithms of keys.
const hostKeyAlgorithmsFlag = "hostkey-algorithms"

// profileFlag sets all lists of algorithms at once.
const profileFlag = "profile"

// parseFlags reads the command line. Usage goes to stdout when asked for; an error is one line.
func parseFlags(args []string, stdout io.Writer) (*options, error) {
	opt := &options{}
	set := flag.NewFlagSet("hawserd", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	opt.define(set)
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		set.SetOutput(stdout)
		fmt.Fprint(stdout, "hawserd serves SSH as the user who starts it.\n\n")
		set.PrintDefaults()
		return nil, errHelp
	case err != nil:
		return nil, &usageError{err}
	case opt.genKey != "":
		if set.NArg() != 1 {
			return nil, usagef("-genkey TYPE: want one file behind it")
		}
		opt.genKeyFile = set.Arg(0)
		return opt, nil
	case set.NArg() > 0:
		return nil, usagef("unexpected argument %q", set.Arg(0))
	}
	return opt, opt.check()
}

func (opt *options) define(set *flag.FlagSet) {
	set.StringVar(&opt.listen, "listen", "127.0.0.1:2222", "listen on `address`; port 0 picks a free one")
	set.Func("hostkey", "use the private key in `file` as a host key, in PEM, OpenSSH's or PuTTY's form, PKCS #12, a Java\nor BCFKS keystore, XML or JWK; repeatable (default: one made on the first run)",
		appendTo(&opt.hostKeys))
	set.StringVar(&opt.hostKeyPassword, "hostkey-password-file", "", "take the password of the host keys from the first line of `file`")
	set.StringVar(&opt.hostKeySubject, "hostkey-subject", "", "of several keys in a file take the one with this `subject`, or part of it")
	set.StringVar(&opt.authorizedKeys, "authorized-keys", "", "accept the keys in `file` (default ~/.ssh/authorized_keys)")
	set.Func("host-cert", "use the OpenSSH certificate in `file` with the host key that it is for; repeatable", appendTo(&opt.hostCerts))
	set.StringVar(&opt.userCA, "user-ca", "", "accept user certificates by the authorities in `file`, lines of authorized_keys")
	set.StringVar(&opt.x509Roots, "x509-roots", "", "accept user keys with X.509 certificates by the roots in `file`, PEM")
	set.StringVar(&opt.revokedKeys, "revoked-keys", "", "refuse the keys and certificates in `file`, an OpenSSH KRL or a list of keys")
	set.StringVar(&opt.trustedHosts, "hostbased-known-hosts", "",
		"let users of the hosts in `file`, lines of known_hosts, in under the names they have there")
	set.StringVar(&opt.moduli, "moduli", "", "take the groups of group exchange from `file`, as /etc/ssh/moduli")
	set.StringVar(&opt.users, "users", "", "accept the passwords in `file`, lines of name:bcrypt")
	set.Func("require", "require all of these `methods`, in order, e.g. publickey,password", opt.setRequire)
	set.Func("config", "set `NAME=VALUE` of the daemon; repeatable", opt.setConfig)
	for _, a := range algorithmFlags {
		set.Func(a.flag, a.usage, func(value string) error {
			opt.settings = append(opt.settings, setting{a.flag, value, a.apply})
			return nil
		})
	}
	set.StringVar(&opt.metrics, "metrics", "", "serve metrics for Prometheus, to whoever asks, over HTTP on `address`, path "+metricsPath)
	set.StringVar(&opt.logFormat, "log", "text", "write the log as `text|json`")
	set.BoolVar(&opt.verbose, "v", false, "log more")
	set.DurationVar(&opt.drain, "drain", 10*time.Second, "on SIGINT, SIGTERM or SIGHUP let sessions go on for `duration`")
	set.StringVar(&opt.genKey, "genkey", "", "make a key of `type` ed25519, ecdsa, rsa or ed448, or with its size as rsa-4096, in the file\nthat the last argument names, and its public half in FILE.pub; then end")
	set.BoolVar(&opt.agents, "agent", true, "forward the agent of a client that asks for it")
	set.BoolVar(&opt.displays, "x11", true, "forward X11 to a client that asks for it")
	set.BoolVar(&opt.inetd, "inetd", false, "serve one connection on standard input and output")
	set.BoolVar(&opt.sftpServer, "sftp-server", false, "serve the sftp subsystem alone on standard input and output")
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

func (opt *options) setRequire(value string) error {
	opt.require = strings.Split(value, ",")
	for i, m := range opt.require {
		switch {
		case !slices.Contains(authMethods, m):
			return fmt.Errorf("%q is none of %s", m, strings.Join(authMethods, ", "))
		case slices.Contains(opt.require[:i], m):
			return fmt.Errorf("%q twice", m)
		}
	}
	return nil
}

func (opt *options) setConfig(value string) error {
	name, text, ok := strings.Cut(value, "=")
	if !ok || name == "" {
		return errors.New("want NAME=VALUE")
	}
	opt.settings = append(opt.settings, setting{"config " + name, text, byName(name)})
	return nil
}

// check refuses values that the flag package lets pass.
func (opt *options) check() error {
	if opt.logFormat != "text" && opt.logFormat != "json" {
		return usagef("-log %q: want text or json", opt.logFormat)
	}
	if opt.inetd && opt.sftpServer {
		return usagef("-inetd and -sftp-server exclude each other")
	}
	if opt.drain < 0 {
		return usagef("-drain %v: want no negative duration", opt.drain)
	}
	if opt.metrics != "" {
		if opt.inetd {
			return usagef("-metrics and -inetd exclude each other")
		}
		if err := checkAddress("metrics", opt.metrics); err != nil {
			return err
		}
	}
	return checkAddress("listen", opt.listen)
}

// checkAddress refuses what nobody could listen on.
func checkAddress(flag, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return usagef("-%s %q: want HOST:PORT", flag, value)
	}
	return nil
}
