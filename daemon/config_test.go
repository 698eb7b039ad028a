package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport"
)

// TestConfigRoundTrip: each setting has its default, takes a value in any
// case of its name, and reads it back.
func TestConfigRoundTrip(t *testing.T) {
	for _, c := range []struct{ name, first, set, back string }{
		{"AllowedClients", "*", "10.*,example.org", "10.*,example.org"},
		{"AltSSHCertCount", "0", "2", "2"},
		{"BindExclusively", "True", "no", "False"},
		{"CodePage", "65001", "037", "37"},
		{"DefaultConnectionTimeout", "0", "9", "9"},
		{"DefaultIdleTimeout", "0", "9", "9"},
		{"InBufferSize", "0", "65536", "65536"},
		{"OutBufferSize", "0", "65536", "65536"},
		{"KeepAliveInterval", "0", "1000", "1000"},
		{"KeepAliveRetryCount", "0", "3", "3"},
		{"KeepAliveTime", "0", "60000", "60000"},
		{"KeyRenegotiationThreshold", "1073741824", "524288000", "524288000"},
		{"LogLevel", "1", "3", "3"},
		{"LogChannelData", "False", "True", "True"},
		{"LoginGraceTime", "60", "5", "5"},
		{"MaxAuthAttempts", "6", "1", "1"},
		{"MaxConnections", "1000", "100000", "100000"},
		{"CompressionLevel", "0", "9", "9"},
		{"MinRSABits", "2048", "1024", "1024"},
		{"ProcessIdleEvents", "True", "0", "False"},
		{"SelectWaitMillis", "20", "1", "1"},
		{"ServerSSHVersionString", transport.DefaultVersion, "SSH-2.0-mine 1=2", "SSH-2.0-mine 1=2"},
		{"SSHKeepAliveCountMax", "5", "2", "2"},
		{"SSHKeepAliveInterval", "0", "30", "30"},
		{"SSHKeyExchangeAlgorithms", "", "curve25519-sha256", "curve25519-sha256"},
		{"SSHMacAlgorithms", "", "hmac-sha2-256, hmac-sha2-512", "hmac-sha2-256,hmac-sha2-512"},
		{"SSHPublicKeyAlgorithms", "", "ssh-ed25519", "ssh-ed25519"},
		{"SSHVersionPattern", "*SSH-1.99-*,*SSH-2.0-*", "*SSH-2.0-Good*", "*SSH-2.0-Good*"},
		{"TcpNoDelay", "True", "False", "False"},
		{"UseIOCP", "False", "Yes", "True"},
		{"UseIPv6", "0", "2", "2"},
		{"UseInternalSecurityAPI", "False", "TRUE", "True"},
		{"UnauthenticatedStart", "100", "1", "1"},
		{"UnauthenticatedMax", "1000", "1", "1"},
		{"UnauthenticatedPerSource", "64", "1", "1"},
		{"AlgorithmProfile", "modern", "COMPAT2022", "compat2022"},
	} {
		d := New()
		if got, err := d.Config(c.name); err != nil || got != c.first && c.first != "" {
			t.Errorf("%s is %q, %v; want %q", c.name, got, err, c.first)
		}
		if got, err := d.Config(strings.ToLower(c.name) + " = " + c.set); err != nil || got != c.back {
			t.Errorf("%s=%s returned %q, %v", c.name, c.set, got, err)
		}
		if got, err := d.Config(strings.ToUpper(c.name)); err != nil || got != c.back {
			t.Errorf("%s reads back %q, %v; want %q", c.name, got, err, c.back)
		}
	}
	for _, name := range []string{"BuildInfo", "LicenseInfo", "UseWindowsMessages"} {
		if got, err := New().Config(name); err != nil || got == "" {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, text := range []string{"Unknown", "Unknown=1", "", "=", "LogLevel=4", "LogLevel=-1", "LogLevel=x", "LogLevel=",
		"LogLevel[1]=1", "UseIPv6=3", "MaxConnections=0", "MaxConnections=100001", "MaxAuthAttempts=0", "BuildInfo=x",
		"LicenseInfo=x", "ConnectionUID[1]=2", "ConnectionUID", "ConnectionUID[x]", "ConnectionUID[1", "ConnectionUID[-1]",
		"TcpNoDelay=maybe", "ServerSSHVersionString=SSH-1.5-x", "ServerSSHVersionString=SSH-2.0-", "ServerSSHVersionString=SSH-2.0-\x01",
		"ServerSSHVersionString=SSH-2.0-" + strings.Repeat("x", 250), "SSHMacAlgorithms=", "SSHMacAlgorithms=hmac-nonsense",
		"AlgorithmProfile=none", "AltSSHCertCount=-1", "AltSSHCertStore[0]=x", "AltSSHCertStoreType[0]", "KeyRenegotiationThreshold=0",
		"CodePage=36", "UserAuthBanner[1", "InBufferSize=-1",
		"CompressionLevel=10", "MinRSABits=1023", "MinRSABits=16385"} {
		if got, err := New().Config(text); err == nil {
			t.Errorf("Config(%q) = %q", text, got)
		} else if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeInvalidArgument {
			t.Errorf("Config(%q): %v", text, err)
		} else if strings.ContainsAny(err.Error(), "\n\x01") {
			t.Errorf("Config(%q): error %q", text, err)
		}
	}
}

func TestProperties(t *testing.T) {
	d := New()
	if d.ConnectionBacklog() != 5 || d.DefaultAuthMethods() != "password,publickey" || d.DefaultTimeout() != 60 || d.LocalPort() != 22 ||
		d.LocalHost() != "" || string(d.SSHCertStore()) != "MY" || d.SSHCertStoreType() != 0 || d.SSHCertSubject() != "" ||
		d.SSHCertStorePassword() != "" || d.KeyboardInteractiveMessage() != "" || d.SSHChannelCount() != 0 {
		t.Error("wrong default")
	}
	for name, err := range map[string]error{
		"backlog":       d.SetConnectionBacklog(0),
		"methods":       d.SetDefaultAuthMethods("password,nonsense"),
		"timeout":       d.SetDefaultTimeout(-1),
		"port":          d.SetLocalPort(65536),
		"prompts":       d.SetKeyboardInteractivePromptCount(33),
		"prompt":        d.SetKeyboardInteractivePromptPrompt(0, "x"),
		"echo":          d.SetKeyboardInteractivePromptEcho(-1, true),
		"store type":    d.SetSSHCertStoreType(23),
		"ciphers":       d.SetSSHEncryptionAlgorithms("rot13"),
		"no ciphers":    d.SetSSHEncryptionAlgorithms(" , "),
		"compression":   d.SetSSHCompressionAlgorithms("lzma"),
		"host keys nil": nil,
	} {
		if err == nil && !strings.HasSuffix(name, "nil") {
			t.Errorf("%s: no error", name)
		}
	}
	wantCode(t, d.SetHostKeys(nil), CodeNoHostKey)
	for _, err := range []error{d.SetConnectionBacklog(7), d.SetDefaultAuthMethods("none, keyboard-interactive"), d.SetDefaultTimeout(1),
		d.SetLocalHost("::1"), d.SetLocalPort(2222), d.SetKeyboardInteractivePromptCount(2), d.SetKeyboardInteractivePromptPrompt(1, "x"),
		d.SetKeyboardInteractivePromptEcho(1, true), d.SetKeyboardInteractiveMessage("m"), d.SetSSHCompressionAlgorithms("zlib,none"),
		d.SetSSHEncryptionAlgorithms("aes256-ctr, blowfish-cbc")} {
		if err != nil {
			t.Error(err)
		}
	}
	if d.ConnectionBacklog() != 7 || d.DefaultAuthMethods() != "none,keyboard-interactive" || d.DefaultTimeout() != 1 || d.LocalHost() != "::1" ||
		d.LocalPort() != 2222 || d.KeyboardInteractivePromptCount() != 2 || d.KeyboardInteractivePromptPrompt(1) != "x" ||
		!d.KeyboardInteractivePromptEcho(1) || d.KeyboardInteractivePromptEcho(0) || d.KeyboardInteractivePromptEcho(9) ||
		d.KeyboardInteractiveMessage() != "m" || d.SSHCompressionAlgorithms() != "zlib,none" || d.SSHEncryptionAlgorithms() != "aes256-ctr,blowfish-cbc" {
		t.Error("a property does not read back")
	}
}

// profileLists are the lists that a Daemon offers, in the order in which its
// documentation has them: ciphers, compression, kex, MACs, keys.
func profileLists(t *testing.T, d *Daemon) (lists [5]string) {
	t.Helper()
	lists[0], lists[1] = d.SSHEncryptionAlgorithms(), d.SSHCompressionAlgorithms()
	for i, name := range []string{"SSHKeyExchangeAlgorithms", "SSHMacAlgorithms", "SSHPublicKeyAlgorithms"} {
		var err error
		if lists[2+i], err = d.Config(name); err != nil {
			t.Fatal(err)
		}
	}
	return lists
}

// TestProfiles: modern is the default, compat2022 has the default lists of the
// reference document to the letter, and all has each algorithm that is built
// once, those of the other two among them.
func TestProfiles(t *testing.T) {
	gcmFirst, chachaFirst := "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,",
		"chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
	modern := [5]string{
		gcmFirst + "aes128-ctr,aes192-ctr,aes256-ctr",
		"none",
		"mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521," +
			"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256",
		"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
		"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256",
	}
	compat := [5]string{
		"aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc,3des-ctr,3des-cbc,blowfish-cbc,arcfour256,arcfour128,arcfour," +
			"cast128-cbc,aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com",
		"none,zlib",
		"curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1," +
			"diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,ecdh-sha2-nistp256," +
			"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,ecdh-sha2-nistp384,ecdh-sha2-nistp521",
		"hmac-sha2-256,hmac-sha2-512,hmac-sha1,hmac-md5,hmac-ripemd160,hmac-sha1-96,hmac-md5-96,hmac-sha2-256-96,hmac-sha2-512-96," +
			"hmac-ripemd160-96,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
		"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512,ssh-rsa,ssh-dss," +
			"x509v3-sign-rsa,x509v3-sign-dss",
	}
	if strings.HasPrefix(New().SSHEncryptionAlgorithms(), chachaFirst) { // a processor without instructions for AES
		modern[0] = strings.Replace(modern[0], gcmFirst, chachaFirst, 1)
	}
	d := New()
	for _, want := range []struct {
		profile Profile
		lists   [5]string
	}{{ProfileModern, modern}, {ProfileCompat2022, compat}, {ProfileModern, modern}} {
		must(t, d, "AlgorithmProfile="+string(want.profile))
		if got := profileLists(t, d); got != want.lists {
			t.Errorf("%s is %q", want.profile, got)
		}
	}
	if got := profileLists(t, New()); got != modern {
		t.Errorf("the default is %q", got)
	}
	must(t, d, "AlgorithmProfile=ALL")
	for i, list := range profileLists(t, d) {
		names := strings.Split(list, ",")
		for _, name := range append(strings.Split(modern[i], ","), strings.Split(compat[i], ",")...) {
			if n := strings.Count(","+list+",", ","+name+","); n != 1 {
				t.Errorf("all has %s %d times", name, n)
			}
		}
		if want := [...]int{28, 3, 21, 22, 29}[i]; len(names) != want {
			t.Errorf("all has %d in list %d, not %d", len(names), i, want)
		}
	}
}

// TestProfilesServe: a client agrees with each profile.
func TestProfilesServe(t *testing.T) {
	for _, profile := range []Profile{ProfileModern, ProfileCompat2022, ProfileAll} {
		d := newDaemon(t)
		echo(t, d)
		must(t, d, "AlgorithmProfile="+string(profile))
		c, _ := connect(t, d)
		if out, err := run(t, c, "cat", string(profile)); err != nil || out != string(profile) {
			t.Errorf("%s: %q, %v", profile, out, err)
		}
	}
}

// TestAlgorithmsInForce: what is set is what is negotiated.
func TestAlgorithmsInForce(t *testing.T) {
	d := newDaemon(t)
	d.SetSSHEncryptionAlgorithms("aes192-ctr")
	d.SetSSHCompressionAlgorithms("none")
	must(t, d, "SSHMacAlgorithms=hmac-sha2-512-etm@openssh.com", "SSHKeyExchangeAlgorithms=ecdh-sha2-nistp384",
		"ServerSSHVersionString=SSH-2.0-mine")
	c, _ := connect(t, d)
	c.SendRequest("round-trip", true, nil)
	h := d.SSHConnections()[0]
	a := h.Algorithms()
	if a.Kex != "ecdh-sha2-nistp384" || a.ClientToServer.Cipher != "aes192-ctr" || a.ServerToClient.MAC != "hmac-sha2-512-etm@openssh.com" {
		t.Errorf("%+v", a)
	}
	if string(c.ServerVersion()) != "SSH-2.0-mine" || h.LocalVersion() != "SSH-2.0-mine" {
		t.Errorf("version %q", c.ServerVersion())
	}
}

func TestVersionPattern(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "SSHVersionPattern=*SSH-2.0-OpenSSH*")
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
		t.Error("logged in")
	}
	wantCode(t, <-s.done, CodeAborted)
	cfg := clientConfig("alice", xssh.Password("secret"))
	cfg.ClientVersion = "SSH-2.0-OpenSSH_10.0"
	if c, err := dial(serve(t, d), cfg); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

// TestConnectionUID: ids come back, UIDs do not.
func TestConnectionUID(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "MaxConnections=1")
	if uid, err := d.Config("ConnectionUID[1]"); err != nil || uid != "0" {
		t.Errorf("UID %q, %v", uid, err)
	}
	uids, ids := make(map[string]int), make(map[int]int)
	d.OnConnected = func(e *ConnectedEvent) {
		uid, err := d.Config(fmt.Sprintf("connectionuid[%d]", e.ConnectionID))
		if err != nil || uid == "0" {
			t.Errorf("UID %q, %v", uid, err)
		}
		uids[uid]++
		ids[e.ConnectionID]++
		d.Disconnect(e.ConnectionID)
	}
	const n = minIDs + 5
	for range n {
		s := serve(t, d)
		<-s.done
		s.client.Close()
	}
	if len(uids) != n || len(ids) != minIDs || ids[1] != 2 {
		t.Errorf("%d UIDs, %d ids", len(uids), len(ids))
	}
}

// TestRekey: ExchangeKeys and KeyRenegotiationThreshold change keys under way.
func TestRekey(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "KeyRenegotiationThreshold=65536", "LogLevel=1")
	var rekeys int
	d.OnLog = func(e *LogEvent) {
		if strings.Contains(e.Message, "rekey=true") {
			rekeys++
		}
	}
	c, s := connect(t, d)
	big := strings.Repeat("x", 1<<18)
	for range 4 { // one after the other: each is more than the threshold
		if out, err := run(t, c, "cat", big); err != nil || out != big {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	}
	if err := d.ExchangeKeys(1); err != nil {
		t.Errorf("ExchangeKeys: %v", err)
	}
	c.SendRequest("round-trip", true, nil)
	c.Close()
	<-s.done
	if rekeys < 4 { // how many more depends on how much is under way at each
		t.Errorf("%d key exchanges", rekeys)
	}
}
