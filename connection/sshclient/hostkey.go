package sshclient

import (
	"bytes"
	"context"
	"net"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Host is a server as the client set out to reach it.
type Host struct {
	Name   string // host name or address as given to Dial or NewClient
	Port   int
	Remote net.Addr // of the connection; a proxy's or jump host's where there is one
}

// HostKeyPolicy decides whether a server may be trusted. Its methods may be
// called by several connections at once.
type HostKeyPolicy interface {
	// Algorithms returns the host key algorithms for which a key of the host
	// is known, so that the server is asked for one of those first; nil
	// prefers none. An error ends the connection.
	Algorithms(host Host) ([]string, error)
	// Check returns nil to trust key, of which the server has proved to own
	// the private half. Anything else, a panic included, ends the connection.
	Check(ctx context.Context, host Host, key sshkey.PublicKey) error
}

// HostKeyFunc is a HostKeyPolicy of a function alone. nil refuses.
type HostKeyFunc func(ctx context.Context, host Host, key sshkey.PublicKey) error

// Algorithms prefers none.
func (f HostKeyFunc) Algorithms(Host) ([]string, error) { return nil, nil }

// Check calls f.
func (f HostKeyFunc) Check(ctx context.Context, host Host, key sshkey.PublicKey) error {
	if f == nil {
		return ErrNoHostKeyPolicy
	}
	return f(ctx, host, key)
}

// InsecureIgnoreHostKey trusts every server. Whoever can redirect the
// connection can then read and change all of it, passwords included: it is for
// tests, and for networks in which that cannot be.
func InsecureIgnoreHostKey() HostKeyPolicy {
	return HostKeyFunc(func(context.Context, Host, sshkey.PublicKey) error { return nil })
}

// FixedKey trusts a server that owns one of keys, and none without any.
func FixedKey(keys ...sshkey.PublicKey) HostKeyPolicy { return fixedKeys(slices.Clone(keys)) }

type fixedKeys []sshkey.PublicKey

func (f fixedKeys) Algorithms(Host) ([]string, error) {
	var names []string
	for _, k := range f {
		names = append(names, sshkey.AlgorithmsFor(k.Type())...)
	}
	return names, nil
}

func (f fixedKeys) Check(_ context.Context, _ Host, key sshkey.PublicKey) error {
	blob := key.Marshal()
	for _, k := range f {
		if bytes.Equal(k.Marshal(), blob) {
			return nil
		}
	}
	return ErrHostKeyMismatch
}

// KnownHosts trusts the servers that known_hosts files name, with the keys
// they give. The files are read for each connection, as they are then; one
// that cannot be read fails it. A host that no file names is a
// *sshkey.HostKeyUnknownError, one with another key a
// *sshkey.HostKeyChangedError, a revoked key a *sshkey.HostKeyRevokedError.
func KnownHosts(files ...string) HostKeyPolicy { return knownHosts(slices.Clone(files)) }

type knownHosts []string

func (k knownHosts) Algorithms(host Host) ([]string, error) {
	list, _, err := sshkey.LoadKnownHosts(k...)
	if err != nil {
		return nil, err
	}
	return list.Algorithms(host.Name, host.Port), nil
}

func (k knownHosts) Check(_ context.Context, host Host, key sshkey.PublicKey) error {
	list, _, err := sshkey.LoadKnownHosts(k...)
	if err != nil {
		return err
	}
	return list.Check(host.Name, host.Port, key)
}
