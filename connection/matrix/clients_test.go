package matrix

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// foreignClient is a client of others. It makes all trips and says how each went.
type foreignClient struct {
	name string
	run  func(t *testing.T, x peertest.Trips) map[string]peertest.Outcome
}

// foreignClients are all of them, in the order of the file.
func foreignClients() []foreignClient {
	list := []foreignClient{
		{"ssh", each(runSSH)}, {"ssh1", each(runSSH1)}, {"plink", each(runPlink)}, {"dbclient", each(runDbclient)}, {"go", each(runGo)},
		{"lsh", each(runLsh)},
	}
	scripts := peertest.ScriptTrips()
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		list = append(list, foreignClient{name, func(t *testing.T, x peertest.Trips) map[string]peertest.Outcome {
			return scripts[name](t, x)
		}})
	}
	return list
}

// each makes the trips with a program that makes one at a time.
func each(run func(t *testing.T, x peertest.Trips, trip peertest.Trip) peertest.Outcome) func(*testing.T, peertest.Trips) map[string]peertest.Outcome {
	return func(t *testing.T, x peertest.Trips) map[string]peertest.Outcome {
		outcomes := map[string]peertest.Outcome{}
		for _, trip := range x.Trips {
			// A subtest, so that a failure names the trip and the files go away with it.
			t.Run(trip.Name, func(t *testing.T) { outcomes[trip.Name] = run(t, x, trip) })
		}
		return outcomes
	}
}

// shore is where one foreign client lands: servers of the house that have one algorithm of one kind and all others.
type shore struct {
	t       *testing.T
	rings   rings
	content []byte
	servers map[row]*server
	ports   map[row]int

	userKeys map[string]peertest.Key // by algorithm, of those rows
}

func newShore(t *testing.T, r rings, content []byte) *shore {
	return &shore{
		t: t, rings: r, content: content, servers: map[row]*server{}, ports: map[row]int{}, userKeys: map[string]peertest.Key{},
	}
}

// port returns the port of the row's server, which it starts if needed.
func (s *shore) port(r row) int {
	if s.servers[r] == nil {
		v := &server{cfg: s.config(r), content: s.content, keys: s.rings.users.admit, userAlg: append(sshkey.DefaultAlgorithms(), "ssh-rsa")}
		if r.kind == userKeyKind {
			s.giveUserKey(r.name)
			v.userAlg, v.keysOnly = []string{r.name}, true
			v.keys = s.rings.users.admit
			// What goes into server-sig-algs: OpenSSH looks for the plain name there.
			v.cfg.SignatureAlgorithms = []string{r.name, sshkey.PlainAlgorithm(r.name)}
		}
		s.servers[r], s.ports[r] = v, v.listen(s.t)
	}
	return s.ports[r]
}

// giveUserKey writes the key of that algorithm into files for the client. A security key is the client's own.
func (s *shore) giveUserKey(name string) {
	plain := sshkey.KeyType(sshkey.PlainAlgorithm(name))
	kind, ok := map[string]peertest.KeyType{
		"sk-ssh-ed25519@openssh.com": peertest.SKEd25519, "sk-ecdsa-sha2-nistp256@openssh.com": peertest.SKECDSA,
	}[plain]
	if !ok {
		s.userKeys[name] = s.rings.users.store(s.t, name)
		return
	}
	key := peertest.NewSecurityKey(s.t, kind)
	s.rings.users = s.rings.users.with(s.t, []peertest.Key{key})
	if plain != name {
		public := s.rings.users.others[len(s.rings.users.others)-1]
		key = key.Certified(s.t, publicLine(certify(s.t, s.rings.users.authority, public, sshkey.UserCertificate, []string{userName})))
	}
	s.userKeys[name] = key
}

// version is what the client called itself to the row's server.
func (s *shore) version(r row) string { return textOf(&s.servers[r].version) }

// lastError is why the last connection to the row's server ended.
func (s *shore) lastError(r row) string { return textOf(&s.servers[r].err) }

func textOf(p *atomic.Pointer[string]) string {
	if v := p.Load(); v != nil {
		return *v
	}
	return "none"
}

// config has everything, but of the row's kind only the row.
func (s *shore) config(r row) transport.Config {
	c := everything()
	force(s.t, &c, r)
	for _, name := range c.HostKeyAlgorithms {
		c.HostKeys = append(c.HostKeys, s.rings.hosts.signers[name])
	}
	return c
}

// everything is all algorithms, but of host keys.
func everything() transport.Config {
	return transport.Config{
		Kex:               append(append(kex.Default(), kex.Optional()...), kex.Insecure()...),
		Ciphers:           append(cipher.Default(), cipher.Insecure()...),
		MACs:              append(mac.Default(), mac.Insecure()...),
		HostKeyAlgorithms: commonHostKeys,
	}
}

// commonHostKeys are what a server has where host keys are not the matter.
var commonHostKeys = []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"}

// force leaves nothing but the row of its kind.
func force(t testing.TB, c *transport.Config, r row) {
	t.Helper()
	var err error
	switch r.kind {
	case kexKind:
		c.Kex, err = kex.Lookup(r.name)
	case cipherKind:
		c.Ciphers, err = cipher.Lookup(r.name)
	case macKind:
		c.MACs, err = mac.Lookup(r.name)
		if err == nil {
			c.Ciphers, err = cipher.Lookup("aes128-ctr", "aes256-ctr", "aes256-cbc")
		}
	case hostKeyKind:
		c.HostKeyAlgorithms = []string{r.name}
	case compressionKind:
		c.Compression = []string{r.name}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// trip is the row as a client is told it.
func (s *shore) trip(r row) peertest.Trip {
	p := peertest.Trip{Name: string(r.kind) + " " + r.name, Port: s.port(r)}
	for _, name := range commonHostKeys {
		p.HostKeys = append(p.HostKeys, peertest.Key{Public: publicLine(s.rings.hosts.signers[name].PublicKey())})
	}
	switch r.kind {
	case kexKind:
		p.Kex = r.name
	case cipherKind:
		p.Cipher = r.name
	case macKind:
		p.MAC, p.Cipher = r.name, "aes128-ctr"
	case hostKeyKind:
		s.trust(&p, r.name)
	case userKeyKind:
		key := s.userKeys[r.name]
		p.Key, p.UserKeyAlgorithm = &key, r.name
	case compressionKind:
		p.Compression = r.name
	}
	return p
}

// trust tells the client by what to know a server with a host key of that algorithm.
func (s *shore) trust(p *peertest.Trip, name string) {
	p.HostKeyAlgorithm, p.HostKeys = name, nil
	switch key := s.rings.hosts.signers[name].PublicKey().(type) {
	case *sshkey.Certificate:
		p.Authority = publicLine(s.rings.hosts.authority.PublicKey())
	case *sshkey.X509Key:
		p.X509Roots = s.rings.hosts.rootsFile(s.t)
	default:
		p.HostKeys = []peertest.Key{{Public: publicLine(key)}}
	}
}

// testClient makes the trips of one client and notes those that went well.
func (s *shore) testClient(t *testing.T, c foreignClient, ran *record) {
	x := peertest.Trips{
		User: userName, Password: userPass, Command: "bulk", Input: noise(len(s.content)),
		Key: s.rings.users.store(t, "ssh-ed25519"), OldKey: s.rings.users.store(t, "ssh-rsa"),
	}
	mine := map[string]row{}
	for i, r := range rows {
		if !hasWord(r.clients, c.name) || thinned(i) {
			continue
		}
		p := s.trip(r)
		x.Trips = append(x.Trips, p)
		mine[p.Name] = r
	}
	outcomes := c.run(t, x)
	sum := sha256.Sum256(x.Input)
	reply := sha256.Sum256(bulkReply(sum[:], s.content))
	want := peertest.Outcome{Status: "0", Sum: hex.EncodeToString(reply[:])}
	for _, p := range x.Trips {
		if got := outcomes[p.Name]; got != want {
			t.Errorf("%s: status %s, hash %s, %s; the server: %s", p.Name, got.Status, got.Sum, got.Err, s.lastError(mine[p.Name]))
			continue
		}
		ran.add(asClient, c.name, s.version(mine[p.Name]), mine[p.Name])
	}
}

func hasWord(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// target is the trip for the clients that are programs.
func target(x peertest.Trips, p peertest.Trip) peertest.Target {
	key := &x.Key
	if p.Key != nil {
		key = p.Key
	}
	return peertest.Target{
		Port: p.Port, User: x.User, Key: key, HostKeys: p.HostKeys, Authority: p.Authority, Kex: p.Kex, Ciphers: p.Cipher, MACs: p.MAC,
		HostKeyAlgorithms: p.HostKeyAlgorithm, Compression: p.Compression != "" && p.Compression != "none",
	}
}

// runProgram runs a client that is a program. Its output goes to a file, which takes it at once: on a full pipe
// dbclient 2022.83 waits for ever now and then.
func runProgram(t *testing.T, c peertest.Cmd, x peertest.Trips) peertest.Outcome {
	t.Helper()
	dir := t.TempDir()
	input := filepath.Join(dir, "in")
	if err := os.WriteFile(input, x.Input, 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdin, c.Stdout, c.Timeout = in, out, time.Minute
	r := c.Run(t)
	if r.Code != 0 {
		return peertest.Outcome{Err: string(r.Stderr)}
	}
	got, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(got)
	return peertest.Outcome{Status: "0", Sum: hex.EncodeToString(sum[:])}
}

func runSSH(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	return runProgram(t, target(x, p).SSH(t, acceptKey("PubkeyAcceptedAlgorithms", p), x.Command), x)
}

func runSSH1(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	return runProgram(t, target(x, p).SSH1(t, acceptKey("PubkeyAcceptedKeyTypes", p), x.Command), x)
}

// acceptKey makes ssh use a kind of user key that it may have turned off.
func acceptKey(option string, p peertest.Trip) []string {
	if p.UserKeyAlgorithm == "" {
		return nil
	}
	return []string{"-o", option + "=" + p.UserKeyAlgorithm}
}

// runPlink leaves all to the server: PuTTY has no names for single algorithms.
func runPlink(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	g := target(x, p)
	g.MACs = ""
	g.Ciphers = "aes,aesgcm,chacha20,3des,blowfish,arcfour"
	g.HostKeyAlgorithms = "ed25519,ed448,ecdsa,rsa,dsa"
	g.Kex = "ecdh,ntru-curve25519,dh-group14-sha1,dh-group15-sha512,dh-group16-sha512,dh-group17-sha512,dh-group18-sha512," +
		"dh-gex-sha1,dh-group1-sha1,rsa"
	return runProgram(t, g.Plink(t, nil, x.Command), x)
}

// runDbclient leaves all but cipher and MAC to the server.
func runDbclient(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	return runProgram(t, target(x, p).Dbclient(t, nil, x.Command), x)
}

// runLsh leaves the key exchange to the server.
func runLsh(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	g := target(x, p)
	if p.Key == nil {
		g.Key = &x.OldKey
	}
	if p.MAC != "" {
		g.Ciphers = "aes256-cbc" // it has no aes128-ctr
	}
	return runProgram(t, g.LshSSH(t, x.Command), x)
}
