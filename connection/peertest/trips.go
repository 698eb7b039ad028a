package peertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Trip is one connection of a foreign client: to which server, and with which
// algorithms alone. An empty name leaves that kind to the client.
type Trip struct {
	Name string // tells it from the others of a run; no tab or line feed
	Port int    // on 127.0.0.1
	Kex, Cipher, MAC,
	HostKeyAlgorithm, Compression string
	HostKeys []Key // one of these has to be shown

	// Key logs in instead of the password, by UserKeyAlgorithm alone.
	Key              *Key
	UserKeyAlgorithm string
	// Authority has certified the host's key, with an OpenSSH certificate: the
	// line of its public key. HostKeys are of no use then.
	Authority string
	// X509Roots is a PEM file with who has certified the host's key with an
	// X.509 certificate.
	X509Roots string
}

// Trips are what a client is to do in one run, one after the other: log in,
// run the command with the input, and take its output.
type Trips struct {
	User, Password string
	Key, OldKey    Key // the other way to log in, for clients that take no password; OldKey is RSA
	Command        string
	Input          []byte
	Trips          []Trip
}

// Outcome is how a trip went.
type Outcome struct {
	Status string // of the command, in decimal
	Sum    string // of its standard output: SHA-256 in hexadecimal
	Err    string // of the client, where it came to nothing
}

// script is a program of ours on a foreign library that makes many trips.
type script struct {
	command func(t testing.TB, dir string) Cmd // without the arguments of all scripts
}

// ScriptTrips are the clients that make all trips in one process, by name.
func ScriptTrips() map[string]func(t testing.TB, x Trips) map[string]Outcome {
	all := map[string]func(t testing.TB, x Trips) map[string]Outcome{}
	for name, s := range tripScripts {
		all[name] = s.run
	}
	return all
}

var tripScripts = map[string]script{
	"asyncssh": {pythonTrips("asyncssh_trips.py", "asyncssh")},
	"paramiko": {pythonTrips("paramiko_trips.py", "paramiko")},
	"conch":    {pythonTrips("conch_trips.py", "twisted.conch.ssh")},
	"jsch":     {jschTrips},
	"trilead":  {trileadTrips},
	"ganymed":  {ganymedTrips},
	"libssh":   {libsshTrips},
	"libssh2":  {libssh2Trips},
	"netssh":   {netsshTrips},
	"node":     {nodeTrips},
	"php":      {phpTrips},
	"erlang":   {erlangTrips},
}

func pythonTrips(name string, modules ...string) func(testing.TB, string) Cmd {
	return func(t testing.TB, dir string) Cmd {
		return Cmd{Path: Python(t, modules...), Args: []string{"-W", "ignore", unpack(t, dir, name)}}
	}
}

func jschTrips(t testing.TB, dir string) Cmd {
	Lookup(t, "javac") // without, java runs no source
	jars := JavaLibraries(t, "jsch", "jzlib")
	return Cmd{Path: "java", Args: []string{"-cp", jars, unpack(t, dir, "JschTrips.java")}}
}

func trileadTrips(t testing.TB, dir string) Cmd {
	Lookup(t, "javac")
	return Cmd{Path: "java", Args: []string{"-cp", JavaLibraries(t, "trilead-ssh2"), unpack(t, dir, "TrileadTrips.java")}}
}

// ganymedTrips runs the same program on the library that trilead's was made of.
func ganymedTrips(t testing.TB, dir string) Cmd {
	Lookup(t, "javac")
	path := unpack(t, dir, "TrileadTrips.java")
	writeFile(t, path, strings.ReplaceAll(string(readFile(t, path)), "com.trilead.", "ch.ethz."), 0o600)
	return Cmd{Path: "java", Args: []string{"-cp", JavaLibraries(t, "ganymed-ssh2"), path}}
}

func libsshTrips(t testing.TB, dir string) Cmd {
	return Cmd{Path: compile(t, dir, "libssh_trips.c", "libssh/libssh.h", "-lssh")}
}

func libssh2Trips(t testing.TB, dir string) Cmd {
	program := compile(t, dir, "libssh2_trips.c", "libssh2.h", "-lssh2")
	return Cmd{Path: program, Env: legacyOpenSSL(t, dir)}
}

func netsshTrips(t testing.TB, dir string) Cmd {
	Lookup(t, "ruby")
	if r := Run(t, nil, "ruby", "-e", "require 'net/ssh'"); r.Code != 0 {
		Missing(t, "Net::SSH for Ruby")
	}
	return Cmd{Path: "ruby", Args: []string{"-W0", unpack(t, dir, "netssh_trips.rb")}, Env: legacyOpenSSL(t, dir)}
}

func nodeTrips(t testing.TB, dir string) Cmd {
	return Cmd{Path: "node", Args: []string{"--openssl-legacy-provider", unpack(t, dir, "node_trips.js")}, Env: NodeModules(t, "ssh2")}
}

func phpTrips(t testing.TB, dir string) Cmd {
	Lookup(t, "php")
	if Run(t, nil, "php", "-r", `exit((include 'Net/SSH2.php') ? 0 : 1);`).Code != 0 {
		Missing(t, "phpseclib 1")
	}
	return Cmd{Path: "php", Args: []string{unpack(t, dir, "phpseclib_trips.php")}}
}

func erlangTrips(t testing.TB, dir string) Cmd {
	erlangSSH(t)
	// The runtime's home is where it keeps what it finds out about hosts.
	return Cmd{Path: "escript", Args: []string{unpack(t, dir, "erlang_trips.escript"), dir}, Env: []string{"HOME=" + dir}}
}

// unpack writes a script of ours into dir and returns its path.
func unpack(t testing.TB, dir, name string) string {
	t.Helper()
	text, err := scripts.ReadFile("testdata/peers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	writeFile(t, path, string(text), 0o600)
	return path
}

// run makes the trips. A trip of which the script says nothing has an Outcome
// that says so.
func (s script) run(t testing.TB, x Trips) map[string]Outcome {
	t.Helper()
	dir := t.TempDir()
	c := s.command(t, dir)
	input, list := filepath.Join(dir, "input"), filepath.Join(dir, "trips")
	if err := os.WriteFile(input, x.Input, 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, list, x.lines(t), 0o600)
	c.Args = append(c.Args, x.User, x.Password, x.Command, input, list)
	c.Timeout = serverTimeout
	r := c.Run(t)
	outcomes := map[string]Outcome{}
	for _, trip := range x.Trips {
		outcomes[trip.Name] = Outcome{Err: "not a word of it; the end of standard error: " + tail(string(r.Stderr))}
	}
	for line := range strings.Lines(string(r.Stdout)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(f) != 3 {
			continue
		}
		o := Outcome{Status: f[1], Sum: f[2]}
		if f[1] == "error" {
			o = Outcome{Err: f[2]}
		} else if path, ok := strings.CutPrefix(f[2], "file:"); ok {
			sum := sha256.Sum256(readFile(t, path))
			o.Sum = hex.EncodeToString(sum[:])
		}
		outcomes[f[0]] = o
	}
	return outcomes
}

// lines is the list of trips as the scripts read it: name, port, key exchange,
// cipher, MAC, host key algorithm, compression, host keys, the file of the
// user's key, its algorithm, the authority and the file of X.509 roots, tabs
// between them, "-" for what is not said. Keys are in base64.
func (x Trips) lines(t testing.TB) string {
	var b bytes.Buffer
	for _, p := range x.Trips {
		var keys []string
		for _, k := range p.HostKeys {
			keys = append(keys, strings.Fields(k.Public)[1])
		}
		file, authority := "", ""
		if p.Key != nil {
			file = p.Key.Old(t)
		}
		if p.Authority != "" {
			authority = strings.Fields(p.Authority)[1]
		}
		f := []string{
			p.Name, strconv.Itoa(p.Port), p.Kex, p.Cipher, p.MAC, p.HostKeyAlgorithm, p.Compression,
			strings.Join(keys, ","), file, p.UserKeyAlgorithm, authority, p.X509Roots,
		}
		for i := range f {
			if f[i] == "" {
				f[i] = "-"
			}
		}
		fmt.Fprintln(&b, strings.Join(f, "\t"))
	}
	return b.String()
}
