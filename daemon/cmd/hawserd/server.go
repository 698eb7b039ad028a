package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// server is the daemon with what hawserd adds to it.
type server struct {
	d         *daemon.Daemon
	me        *account
	keys      []sshkey.Signer
	certs     []sshkey.Signer // keys of them with their certificates
	groups    []kex.Group     // of group exchange; nil: the daemon's own
	login     *login
	path      string   // PATH of programs
	systemEnv []string // passed on from our own environment
	drain     time.Duration
	agents    bool // forwarded to sessions that ask
	displays  bool // likewise
	log       *slog.Logger

	mu      sync.Mutex
	clients map[int]*client // by connection id

	work sync.WaitGroup // everything that background started
}

// newServer prepares everything that can fail before there is a port to listen on.
func newServer(opt *options, stdout, stderr io.Writer) (*server, error) {
	s := &server{d: daemon.New(), drain: opt.drain, agents: opt.agents, displays: opt.displays, clients: map[int]*client{}, log: newLogger(opt, stderr)}
	var err error
	if s.me, err = ownAccount(); err != nil {
		return nil, err
	}
	if s.login, err = newLogin(opt, s.me, s.log, stdout); err != nil {
		return nil, err
	}
	if s.keys, s.certs, err = hostKeys(opt); err != nil {
		return nil, err
	}
	certs, err := hostCertificates(opt.hostCerts, s.keys)
	if err != nil {
		return nil, err
	}
	s.certs = append(s.certs, certs...)
	if opt.moduli != "" {
		if s.groups, err = loadModuli(opt.moduli); err != nil {
			return nil, err
		}
	}
	s.path = os.Getenv("PATH")
	if tz := os.Getenv("TZ"); tz != "" {
		s.systemEnv = append(s.systemEnv, "TZ="+tz)
	}
	return s, s.configure(opt)
}

func newLogger(opt *options, stderr io.Writer) *slog.Logger {
	level := &slog.HandlerOptions{Level: slog.LevelInfo}
	if opt.verbose {
		level.Level = slog.LevelDebug
	}
	if opt.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(stderr, level))
	}
	return slog.New(slog.NewTextHandler(stderr, level))
}

// newLogin finds the credentials. Where there are none and somebody can read it, a one-time password takes their place.
func newLogin(opt *options, me *account, log *slog.Logger, stdout io.Writer) (*login, error) {
	l := &login{account: me.name, require: opt.require}
	file := &keyFile{path: opt.authorizedKeys, home: me.home, log: log}
	named := opt.authorizedKeys != ""
	if !named {
		file.path = filepath.Join(me.home, ".ssh", "authorized_keys")
	}
	var err error
	if l.trust, err = newTrust(opt, file, log); err != nil {
		return nil, err
	}
	if opt.users != "" {
		if l.users, err = loadUsers(opt.users, me.home); err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
	}
	keys, complaints, err := file.load()
	if err != nil && named {
		return nil, fmt.Errorf("authorized keys: %w", err)
	}
	file.complain(complaints, err)
	if len(keys) == 0 && l.users == nil && !l.trust.certifies() {
		if opt.inetd {
			return nil, fmt.Errorf("nobody could log in: no keys in %s and no -users file", file.path)
		}
		l.once = newOneTime(newPassword, announce(stdout))
	}
	for _, m := range l.require {
		needs := "-users"
		if m == "hostbased" {
			needs = "-hostbased-known-hosts"
		}
		if !slices.Contains(l.methods(), m) {
			return nil, usagef("-require %s: that needs %s", m, needs)
		}
	}
	return l, nil
}

// configure hands keys, settings and events to the daemon.
func (s *server) configure(opt *options) error {
	s.d.SetLogger(s.log)
	if err := s.d.SetHostKeys(slices.Concat(s.certs, s.keys)...); err != nil {
		return fmt.Errorf("host keys: %w", err)
	}
	// A profile sets all lists: the flags that set one come after it, wherever they stand.
	slices.SortStableFunc(opt.settings, func(a, b setting) int { return profileFirst(a) - profileFirst(b) })
	for _, o := range opt.settings {
		if err := o.apply(s.d, o.value); err != nil {
			return usagef("-%s %q: %w", o.flag, o.value, err)
		}
	}
	if v, err := s.d.Config("ProcessIdleEvents"); err != nil || v != "True" {
		return usagef("-config ProcessIdleEvents=False: hawserd has no loop that would run the events")
	}
	if err := errors.Join(s.limitKeys(), s.allowKeys(opt)); err != nil {
		return err
	}
	if err := s.d.SetDefaultAuthMethods(strings.Join(s.login.next(&progress{}), ",")); err != nil {
		return err
	}
	if err := s.promptForPassword(); err != nil {
		return err
	}
	s.handleEvents()
	return nil
}

// limitKeys makes the authorized keys as large as the settings want them.
func (s *server) limitKeys() error {
	bits, err := s.d.Config("MinRSABits")
	if err == nil {
		s.login.trust.keys.limits.MinRSABits, err = strconv.Atoi(bits)
	}
	return err
}

// allowKeys adds the algorithms that certificates and security keys need, and the groups, to what the settings chose.
// Algorithms named one by one are left at that as far as other flags do not call for more.
func (s *server) allowKeys(opt *options) error {
	named := slices.ContainsFunc(opt.settings, func(o setting) bool { return o.flag == hostKeyAlgorithmsFlag })
	var users []string
	if !named {
		users = append(users, sshkey.SecurityKeyAlgorithms()...)
	}
	if !named || opt.userCA != "" {
		users = append(users, sshkey.CertificateAlgorithms()...)
	}
	if opt.x509Roots != "" {
		users = append(users, sshkey.X509Algorithms()...)
	}
	if err := errors.Join(s.d.SetUserKeyAlgorithms(users...), s.d.SetGroups(s.groups...)); err != nil {
		return err
	}
	if named || len(s.certs) == 0 {
		return nil
	}
	const setting = "SSHPublicKeyAlgorithms"
	list, err := s.d.Config(setting)
	if err != nil {
		return err
	}
	var hosts []string
	for _, cert := range s.certs {
		hosts = append(hosts, cert.Algorithms()...)
	}
	for _, name := range strings.Split(list, ",") {
		if !slices.Contains(hosts, name) {
			hosts = append(hosts, name)
		}
	}
	_, err = s.d.Config(setting + "=" + strings.Join(hosts, ","))
	return err
}

func profileFirst(o setting) int {
	if o.flag == profileFlag {
		return 0
	}
	return 1
}

// promptForPassword makes keyboard-interactive ask for the password.
func (s *server) promptForPassword() error {
	return errors.Join(
		s.d.SetKeyboardInteractivePromptCount(1),
		s.d.SetKeyboardInteractivePromptPrompt(0, "Password: "),
		s.d.SetKeyboardInteractivePromptEcho(0, false))
}

// serveListener is the main job: it serves until ctx ends, then lets sessions go on for the drain time.
func serveListener(ctx context.Context, opt *options, stdout, stderr io.Writer) error {
	s, err := newServer(opt, stdout, stderr)
	if err != nil {
		return err
	}
	m, err := serveMetrics(s.d, opt.metrics, s.log)
	if err != nil {
		return err
	}
	defer m.close()
	l, err := net.Listen("tcp", opt.listen)
	if err != nil {
		return err
	}
	s.greet(stdout, l.Addr())
	m.greet(stdout)
	served := make(chan error, 1)
	go func() { served <- s.d.Serve(context.WithoutCancel(ctx), l) }()
	select {
	case err = <-served: // the listener broke
	case <-ctx.Done():
		err = nil
	}
	s.shutdown()
	return err
}

// serveInetd serves the one connection on standard input and output.
func serveInetd(ctx context.Context, opt *options, stdin, stdout *os.File, stderr io.Writer) error {
	s, err := newServer(opt, io.Discard, stderr)
	if err != nil {
		return err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := s.d.ServeConn(context.WithoutCancel(ctx), stdioConn(stdin, stdout)); err != nil {
			s.log.Debug("connection ended", "err", err)
		}
	}()
	select {
	case <-served:
	case <-ctx.Done():
	}
	s.shutdown()
	return nil
}

// leaveTime is how long shutdown waits for what sessions leave: longer than their programs may live on.
const leaveTime = killGrace + 5*time.Second

// shutdown stops listening, waits for sessions as long as the drain time, ends the rest and waits for what they leave. A
// system call on a file that never answers, a network's for example, cannot be ended and must not keep us.
func (s *server) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), s.drain)
	defer cancel()
	if err := s.d.ShutdownContext(ctx); err != nil {
		s.log.Info("sessions cut off", "err", err)
	}
	left := make(chan struct{})
	go func() { // ends with the work, at the latest with the process
		s.work.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(leaveTime):
		s.log.Warn("work of ended sessions goes on")
	}
}

// background starts f as work that shutdown waits for. f ends with its channel or connection.
func (s *server) background(f func()) { s.work.Go(f) }

// pause waits a little, or until ctx ends.
func (s *server) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}
