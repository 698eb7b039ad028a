package matrix

import (
	"bytes"
	"context"
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
	start func(t *testing.T, key peertest.Key) *peertest.Server // lets the key in, or the server's Password
}

// hostKinds are the host keys of a server that has them all.
var hostKinds = []peertest.KeyType{
	peertest.Ed25519, peertest.ECDSA256, peertest.ECDSA384, peertest.ECDSA521, peertest.RSA3072, peertest.DSA,
}

// foreignServers are all of them, in the order of the file.
func foreignServers() []foreignServer {
	return []foreignServer{
		{"sshd", startSSHD},
		{"dropbear", startDropbear},
		{"asyncssh", startAsyncSSH},
		{"paramiko", startParamiko},
		{"conch", startConch},
		{"node", startNode},
		{"go", startGo},
		{"tinyssh", startTinySSH},
		{"erlang", startErlang},
	}
}

func startSSHD(t *testing.T, key peertest.Key) *peertest.Server {
	return peertest.StartSSHD(t, peertest.SSHDOptions{
		HostKeys: hostKinds, AuthorizedKeys: []peertest.Key{key}, Compression: true,
		Ciphers: peertest.QuerySSH(t, "cipher"), Kex: peertest.QuerySSH(t, "kex"), MACs: peertest.QuerySSH(t, "mac"),
		HostKeyAlgorithms: peertest.QuerySSH(t, "HostKeyAlgorithms"), Extra: []string{"MaxStartups 200", "RequiredRSASize 1024"},
	})
}

func startDropbear(t *testing.T, key peertest.Key) *peertest.Server {
	account := peertest.NewAccount(t)
	account.Authorize(t, key)
	return peertest.StartDropbear(t, peertest.DropbearOptions{Account: account})
}

func startAsyncSSH(t *testing.T, key peertest.Key) *peertest.Server {
	o := scriptOptions("asyncssh", key)
	o.HostKeys = append([]peertest.KeyType{peertest.Ed448}, hostKinds...)
	return peertest.StartAsyncSSHServer(t, o)
}

func startParamiko(t *testing.T, key peertest.Key) *peertest.Server {
	return peertest.StartParamikoServer(t, scriptOptions("paramiko", key))
}

func startConch(t *testing.T, key peertest.Key) *peertest.Server {
	return peertest.StartConchServer(t, scriptOptions("conch", key))
}

func startNode(t *testing.T, key peertest.Key) *peertest.Server {
	return peertest.StartNodeServer(t, scriptOptions("node", key))
}

func startErlang(t *testing.T, key peertest.Key) *peertest.Server {
	return peertest.StartErlangServer(t, scriptOptions("erlang", key))
}

func startTinySSH(t *testing.T, key peertest.Key) *peertest.Server {
	account := peertest.NewAccount(t)
	account.Authorize(t, key)
	return peertest.StartTinySSH(t, account)
}

// scriptOptions are the names that a server of a script has: others are an error to some.
func scriptOptions(server string, key peertest.Key) peertest.PythonServerOptions {
	return peertest.PythonServerOptions{
		HostKeys: hostKinds, AuthorizedKeys: []peertest.Key{key}, Password: userPass,
		Ciphers: served(cipherKind, server), Kex: served(kexKind, server), MACs: served(macKind, server),
		Compression: served(compressionKind, server), Signatures: served(hostKeyKind, server),
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
func testServer(t *testing.T, p foreignServer, ran *record) {
	key := peertest.NewKey(t, peertest.Ed25519)
	server := p.start(t, key)
	private, _, err := sshkey.ParsePrivateKey(key.Private(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	auth := userauth.PublicKeys(signer)
	if server.Password == userPass {
		auth = password(server.Password)
	}
	var hostKeys []sshkey.PublicKey
	for _, k := range server.HostKeys {
		hostKeys = append(hostKeys, publicOf(t, k))
	}
	for i, r := range rows {
		if !hasWord(r.servers, p.name) || testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(string(r.kind)+" "+r.name, func(t *testing.T) {
			cfg := &sshclient.Config{
				User: server.User, Auth: []userauth.Method{auth}, HostKey: sshclient.FixedKey(hostKeys...),
				Transport: new(transport.Config),
			}
			force(t, cfg.Transport, r)
			version := visit(t, server.Addr, cfg)
			if !t.Failed() {
				ran.add(asServer, p.name, version, r)
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
