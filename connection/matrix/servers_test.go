package matrix

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// foreignServer is a server of others, started with everything it has.
type foreignServer struct {
	name  string
	start func(t *testing.T, p provision) *peertest.Server
	// old is for one that has nothing of what the client has by default, but takes its password.
	old bool
	// alone has a server for each algorithm that start's does not offer beside others.
	alone map[string]func(t *testing.T) *peertest.Server
}

// provision is what a server is given. It may add keys of its own.
type provision struct {
	host, users []peertest.Key // of the kinds that it has
	authority   string         // of the users' certificates, where it has them
	roots       string         // likewise with X.509, a file in PEM
	certify     func(host peertest.Key) peertest.Key
}

// foreignServers are all of them, in the order of the file.
func foreignServers() []foreignServer {
	return []foreignServer{
		{name: "sshd", start: startSSHD},
		{name: "dropbear", start: startDropbear},
		{name: "asyncssh", start: startAsyncSSH},
		{name: "paramiko", start: startParamiko},
		{name: "conch", start: startConch},
		{name: "node", start: startNode},
		{name: "go", start: startGo},
		{name: "tinyssh", start: startTinySSH},
		{name: "erlang", start: startErlang},
		{name: "lshd", old: true, start: func(t *testing.T, _ provision) *peertest.Server { return startLshd(t, "") },
			alone: lshdAlone("aes256-ctr", "cast128-cbc", "twofish-cbc")},
	}
}

// startLshd starts the server with one cipher, or those of its default.
func startLshd(t *testing.T, cipher string) *peertest.Server {
	return peertest.StartLshd(t, peertest.LshdOptions{Account: peertest.NewAccount(t), Cipher: cipher})
}

func lshdAlone(ciphers ...string) map[string]func(t *testing.T) *peertest.Server {
	alone := map[string]func(t *testing.T) *peertest.Server{}
	for _, name := range ciphers {
		alone[name] = func(t *testing.T) *peertest.Server { return startLshd(t, name) }
	}
	return alone
}

func startSSHD(t *testing.T, p provision) *peertest.Server {
	authority := filepath.Join(t.TempDir(), "authority")
	if err := os.WriteFile(authority, []byte(p.authority+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var host []peertest.Key
	for _, k := range p.host {
		if !strings.HasPrefix(k.Public, "sk-") {
			host = append(host, k)
		}
	}
	first, second := peertest.NewSecurityKey(t, peertest.SKEd25519), peertest.NewSecurityKey(t, peertest.SKECDSA)
	host = append(host, p.certify(first), p.certify(second))
	return peertest.StartSSHD(t, peertest.SSHDOptions{
		Host: host, HostKeyAgent: peertest.StartAgent(t, first, second), AuthorizedKeys: p.users, Compression: true,
		Ciphers: peertest.QuerySSH(t, "cipher"), Kex: peertest.QuerySSH(t, "kex"), MACs: peertest.QuerySSH(t, "mac"),
		HostKeyAlgorithms: peertest.QuerySSH(t, "HostKeyAlgorithms"), PubkeyAlgorithms: peertest.QuerySSH(t, "PubkeyAcceptedAlgorithms"),
		Extra: []string{"MaxStartups 200", "RequiredRSASize 1024", "TrustedUserCAKeys " + authority},
	})
}

func startDropbear(t *testing.T, p provision) *peertest.Server {
	account := peertest.NewAccount(t)
	account.Authorize(t, p.users...)
	return peertest.StartDropbear(t, peertest.DropbearOptions{Host: p.host, Account: account})
}

func startAsyncSSH(t *testing.T, p provision) *peertest.Server {
	o := scriptOptions("asyncssh", p)
	o.UserAuthority, o.X509Roots = p.authority, p.roots
	return peertest.StartAsyncSSHServer(t, o)
}

func startParamiko(t *testing.T, p provision) *peertest.Server {
	return peertest.StartParamikoServer(t, scriptOptions("paramiko", p))
}

func startConch(t *testing.T, p provision) *peertest.Server {
	return peertest.StartConchServer(t, scriptOptions("conch", p))
}

func startNode(t *testing.T, p provision) *peertest.Server {
	return peertest.StartNodeServer(t, scriptOptions("node", p))
}

func startErlang(t *testing.T, p provision) *peertest.Server {
	return peertest.StartErlangServer(t, scriptOptions("erlang", p))
}

func startTinySSH(t *testing.T, p provision) *peertest.Server {
	account := peertest.NewAccount(t)
	account.Authorize(t, p.users...)
	return peertest.StartTinySSH(t, account)
}

// scriptOptions are the names that a server of a script has: others are an error to some.
func scriptOptions(server string, p provision) peertest.PythonServerOptions {
	signatures := slices.Concat(served(hostKeyKind, server), served(userKeyKind, server))
	slices.Sort(signatures)
	return peertest.PythonServerOptions{
		Host: p.host, AuthorizedKeys: p.users, Password: userPass,
		Ciphers: served(cipherKind, server), Kex: served(kexKind, server), MACs: served(macKind, server),
		Compression: served(compressionKind, server), Signatures: slices.Compact(signatures),
	}
}

// served are the algorithms of a kind that a server has.
func served(k kind, server string) []string {
	var list []string
	for _, r := range rows {
		if r.kind == k && hasWord(r.servers, server) {
			list = append(list, r.name)
		}
	}
	return list
}

// testServer forces each algorithm of a server, and notes those that went well.
func testServer(t *testing.T, p foreignServer, r rings, ran *record) {
	server := p.start(t, provision{
		host: r.hosts.files(t, served(hostKeyKind, p.name)), users: r.users.files(t, served(userKeyKind, p.name)),
		authority: publicLine(r.users.authority.PublicKey()), roots: r.users.rootsFile(t),
		certify: func(k peertest.Key) peertest.Key {
			cert := certify(t, r.hosts.authority, publicOf(t, k.Public), sshkey.HostCertificate, []string{"127.0.0.1"})
			return k.Certified(t, publicLine(cert))
		},
	})
	hosts := r.hosts.with(t, server.HostKeys)
	for i, row := range rows {
		if !hasWord(row.servers, p.name) || thinned(i) {
			continue
		}
		t.Run(string(row.kind)+" "+row.name, func(t *testing.T) {
			server, hosts := server, hosts
			if start := p.alone[row.name]; start != nil {
				server = start(t)
				hosts = r.hosts.with(t, server.HostKeys)
			}
			auth := userauth.PublicKeys(r.users.signers["ssh-ed25519"])
			if row.kind == userKeyKind {
				auth = userauth.PublicKeys(r.users.signers[row.name])
			} else if server.Password == userPass || p.old {
				auth = password(server.Password)
			}
			cfg := &sshclient.Config{User: server.User, Auth: []userauth.Method{auth}, HostKey: hosts, Transport: new(transport.Config)}
			if p.old {
				*cfg.Transport = everything()
			}
			force(t, cfg.Transport, row)
			version := visit(t, server.Addr, cfg)
			if !t.Failed() {
				ran.add(asServer, p.name, version, row)
			}
		})
	}
}

// visit logs in, sends data through cat, and returns what the server calls itself.
func visit(t *testing.T, addr string, cfg *sshclient.Config) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := sshclient.Dial(ctx, "tcp", addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	wantAlgorithms(t, cfg.Transport, client.Algorithms())
	session, err := client.NewSession(ctx)
	if err != nil {
		t.Fatal(err)
	}
	content := noise(amount())
	session.Stdin = bytes.NewReader(content)
	got, err := session.Output(ctx, "cat")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back of %d, or others", len(got), len(content))
	}
	return client.ServerVersion()
}
