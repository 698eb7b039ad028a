package matrix

import (
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
)

// kind is a list of KEXINIT, or the kinds of user keys; the values are the headings of the file.
type kind string

const (
	kexKind         kind = "Key exchange"
	hostKeyKind     kind = "Host keys"
	userKeyKind     kind = "User keys"
	cipherKind      kind = "Ciphers"
	macKind         kind = "MACs"
	compressionKind kind = "Compression"
)

// row is an algorithm and the foreign programs that have it: clients for our server, servers for our client.
type row struct {
	kind             kind
	name             string
	clients, servers string
	instead          string // what proves it where no foreign client or no foreign server has it
}

const (
	hybrids = "its halves: crypto/mlkem, with mlkem_acvp.txt and mlkem_wycheproof.txt, and ecdh_nist.txt; and TestMatrixMemory"
	drafts  = "TestPeerOpenSSLX509Drafts of transport/sshkey (openssl verifies what it signs), and TestMatrixMemory"
	ctr64   = "ctr64_openssl.txt, TestDifferentialOpenSSL of cipher, and TestMatrixMemory"
	twofish = "twofish_ecb.txt, TestDifferentialBouncyCastle of cipher, and TestMatrixMemory"
	ripemd  = "hmac_ripemd160_rfc2286.txt, TestDifferentialOpenSSL of mac, and TestMatrixMemory"
)

// rows are the algorithms of the house with the programs of package peertest that have them.
var rows = []row{
	{kexKind, "mlkem768x25519-sha256", "go", "go", ""},
	{kexKind, "curve25519-sha256", "asyncssh conch dbclient erlang go libssh libssh2 node plink ssh ssh1", "asyncssh conch dropbear erlang go node sshd tinyssh", ""},
	{kexKind, "curve25519-sha256@libssh.org", "asyncssh conch dbclient erlang go libssh libssh2 node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd tinyssh", ""},
	{kexKind, "ecdh-sha2-nistp256", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{kexKind, "ecdh-sha2-nistp384", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{kexKind, "ecdh-sha2-nistp521", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{kexKind, "diffie-hellman-group16-sha512", "asyncssh erlang go libssh libssh2 node paramiko plink ssh ssh1", "asyncssh erlang go node paramiko sshd", ""},
	{kexKind, "diffie-hellman-group18-sha512", "asyncssh erlang libssh libssh2 node plink ssh ssh1", "asyncssh erlang node sshd", ""},
	{kexKind, "diffie-hellman-group14-sha256", "asyncssh dbclient erlang go libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh dropbear erlang go node paramiko sshd", ""},
	{kexKind, "diffie-hellman-group-exchange-sha256", "asyncssh conch erlang go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1", "asyncssh conch erlang go paramiko sshd", ""},
	{kexKind, "sntrup761x25519-sha512", "ssh", "sshd", ""},
	{kexKind, "sntrup761x25519-sha512@openssh.com", "plink ssh", "sshd tinyssh", ""},
	{kexKind, "mlkem768nistp256-sha256", "", "", hybrids},
	{kexKind, "mlkem1024nistp384-sha384", "", "", hybrids},
	{kexKind, "curve448-sha512", "asyncssh erlang plink", "asyncssh erlang", ""},
	{kexKind, "diffie-hellman-group15-sha512", "asyncssh node plink", "asyncssh node", ""},
	{kexKind, "diffie-hellman-group17-sha512", "asyncssh node plink", "asyncssh node", ""},
	{kexKind, "rsa2048-sha256", "asyncssh plink", "asyncssh", ""},
	{kexKind, "diffie-hellman-group-exchange-sha1", "asyncssh conch erlang ganymed go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang go paramiko sshd", ""},
	{kexKind, "diffie-hellman-group14-sha1", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go lshd node paramiko sshd", ""},
	{kexKind, "diffie-hellman-group1-sha1", "asyncssh erlang ganymed go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh erlang go lshd node paramiko sshd", ""},

	{hostKeyKind, "ssh-ed25519", "asyncssh conch dbclient erlang go libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd tinyssh", ""},
	{hostKeyKind, "ecdsa-sha2-nistp256", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{hostKeyKind, "ecdsa-sha2-nistp384", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch go node paramiko sshd", ""},
	{hostKeyKind, "ecdsa-sha2-nistp521", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch go node paramiko sshd", ""},
	{hostKeyKind, "rsa-sha2-512", "asyncssh conch erlang go libssh netssh node paramiko php plink ssh", "asyncssh conch erlang go node paramiko sshd", ""},
	{hostKeyKind, "rsa-sha2-256", "asyncssh conch dbclient erlang go libssh netssh node paramiko php ssh", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{hostKeyKind, "ssh-ed448", "asyncssh erlang plink", "asyncssh", ""},
	{hostKeyKind, "ssh-rsa", "asyncssh conch erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php ssh ssh1 trilead", "asyncssh conch dropbear erlang go lshd node paramiko sshd", ""},
	{hostKeyKind, "ssh-dss", "asyncssh conch erlang ganymed go jsch libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang go node paramiko sshd", ""},
	{hostKeyKind, "ssh-ed25519-cert-v01@openssh.com", "asyncssh go netssh plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "ecdsa-sha2-nistp256-cert-v01@openssh.com", "asyncssh go netssh plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "ecdsa-sha2-nistp384-cert-v01@openssh.com", "asyncssh go netssh plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "ecdsa-sha2-nistp521-cert-v01@openssh.com", "asyncssh go netssh plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "rsa-sha2-512-cert-v01@openssh.com", "asyncssh go plink ssh", "go sshd", ""},
	{hostKeyKind, "rsa-sha2-256-cert-v01@openssh.com", "asyncssh go plink ssh", "go sshd", ""},
	{hostKeyKind, "ssh-rsa-cert-v01@openssh.com", "asyncssh go netssh plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "ssh-dss-cert-v01@openssh.com", "asyncssh go plink ssh ssh1", "asyncssh go sshd", ""},
	{hostKeyKind, "sk-ssh-ed25519@openssh.com", "ssh", "sshd", ""},
	{hostKeyKind, "sk-ssh-ed25519-cert-v01@openssh.com", "ssh", "sshd", ""},
	{hostKeyKind, "sk-ecdsa-sha2-nistp256@openssh.com", "ssh", "sshd", ""},
	{hostKeyKind, "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "ssh", "sshd", ""},
	{hostKeyKind, "x509v3-ecdsa-sha2-nistp256", "asyncssh", "asyncssh", ""},
	{hostKeyKind, "x509v3-ecdsa-sha2-nistp384", "asyncssh", "asyncssh", ""},
	{hostKeyKind, "x509v3-ecdsa-sha2-nistp521", "asyncssh", "asyncssh", ""},
	{hostKeyKind, "x509v3-rsa2048-sha256", "asyncssh", "asyncssh", ""},
	{hostKeyKind, "x509v3-ssh-rsa", "asyncssh", "asyncssh", ""},
	{hostKeyKind, "x509v3-ssh-dss", "", "", "x509_dsa.txt, dsa_rfc6979.txt, " + drafts},
	{hostKeyKind, "x509v3-sign-rsa", "", "", "rsa_pkcs1_wycheproof.txt, " + drafts},
	{hostKeyKind, "x509v3-sign-dss", "", "", "x509_dsa.txt, " + drafts},

	{userKeyKind, "ssh-ed25519", "asyncssh conch dbclient erlang go libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd tinyssh", ""},
	{userKeyKind, "ecdsa-sha2-nistp256", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{userKeyKind, "ecdsa-sha2-nistp384", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{userKeyKind, "ecdsa-sha2-nistp521", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{userKeyKind, "rsa-sha2-512", "asyncssh erlang go libssh node paramiko php plink ssh", "asyncssh conch erlang go paramiko sshd", ""},
	{userKeyKind, "rsa-sha2-256", "asyncssh dbclient erlang go libssh netssh node paramiko php plink ssh", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{userKeyKind, "ssh-ed448", "asyncssh erlang plink", "asyncssh erlang", ""},
	{userKeyKind, "ssh-rsa", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{userKeyKind, "ssh-dss", "asyncssh conch erlang ganymed go jsch libssh2 netssh node paramiko plink ssh ssh1 trilead", "asyncssh conch erlang go node paramiko sshd", ""},
	{userKeyKind, "ssh-ed25519-cert-v01@openssh.com", "asyncssh go libssh netssh paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "ecdsa-sha2-nistp256-cert-v01@openssh.com", "asyncssh go libssh netssh paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "ecdsa-sha2-nistp384-cert-v01@openssh.com", "asyncssh go libssh netssh paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "ecdsa-sha2-nistp521-cert-v01@openssh.com", "asyncssh go libssh netssh paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "rsa-sha2-512-cert-v01@openssh.com", "go paramiko plink ssh", "asyncssh go sshd", ""},
	{userKeyKind, "rsa-sha2-256-cert-v01@openssh.com", "go netssh paramiko plink ssh", "asyncssh go sshd", ""},
	{userKeyKind, "ssh-rsa-cert-v01@openssh.com", "asyncssh go libssh netssh paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "ssh-dss-cert-v01@openssh.com", "asyncssh go paramiko plink ssh ssh1", "asyncssh go sshd", ""},
	{userKeyKind, "sk-ssh-ed25519@openssh.com", "ssh", "asyncssh dropbear go sshd", ""},
	{userKeyKind, "sk-ecdsa-sha2-nistp256@openssh.com", "ssh", "asyncssh dropbear go sshd", ""},
	{userKeyKind, "sk-ssh-ed25519-cert-v01@openssh.com", "ssh", "asyncssh go sshd", ""},
	{userKeyKind, "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "ssh", "asyncssh go sshd", ""},
	{userKeyKind, "x509v3-ecdsa-sha2-nistp256", "asyncssh", "asyncssh", ""},
	{userKeyKind, "x509v3-ecdsa-sha2-nistp384", "asyncssh", "asyncssh", ""},
	{userKeyKind, "x509v3-ecdsa-sha2-nistp521", "asyncssh", "asyncssh", ""},
	{userKeyKind, "x509v3-rsa2048-sha256", "asyncssh", "asyncssh", ""},
	{userKeyKind, "x509v3-ssh-rsa", "asyncssh", "asyncssh", ""},
	{userKeyKind, "x509v3-ssh-dss", "", "", "x509_dsa.txt, dsa_rfc6979.txt, " + drafts},
	{userKeyKind, "x509v3-sign-rsa", "", "", "rsa_pkcs1_wycheproof.txt, " + drafts},
	{userKeyKind, "x509v3-sign-dss", "", "", "x509_dsa.txt, " + drafts},

	{cipherKind, "aes128-gcm@openssh.com", "asyncssh erlang go libssh node plink ssh ssh1", "asyncssh erlang go node sshd", ""},
	{cipherKind, "aes256-gcm@openssh.com", "asyncssh erlang go libssh node plink ssh ssh1", "asyncssh erlang go node sshd", ""},
	{cipherKind, "chacha20-poly1305@openssh.com", "asyncssh dbclient erlang go libssh node plink ssh ssh1", "asyncssh dropbear erlang go node sshd tinyssh", ""},
	{cipherKind, "aes128-ctr", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{cipherKind, "aes192-ctr", "asyncssh conch erlang ganymed go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang go node paramiko sshd", ""},
	{cipherKind, "aes256-ctr", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go lshd node paramiko sshd", ""},
	{cipherKind, "AEAD_AES_256_GCM", "erlang", "erlang", ""},
	{cipherKind, "AEAD_AES_128_GCM", "erlang", "erlang", ""},
	{cipherKind, "twofish256-ctr", "php", "", twofish},
	{cipherKind, "twofish192-ctr", "php", "", twofish},
	{cipherKind, "twofish128-ctr", "php", "", twofish},
	{cipherKind, "aes256-cbc", "asyncssh conch erlang ganymed jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang lshd node paramiko sshd", ""},
	{cipherKind, "rijndael-cbc@lysator.liu.se", "libssh2 netssh plink ssh1", "", "the same as aes256-cbc"},
	{cipherKind, "aes192-cbc", "asyncssh conch erlang ganymed jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang node paramiko sshd", ""},
	{cipherKind, "aes128-cbc", "asyncssh conch erlang ganymed go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang go node paramiko sshd", ""},
	{cipherKind, "twofish256-cbc", "php", "", twofish},
	{cipherKind, "twofish-cbc", "lsh php", "lshd", ""},
	{cipherKind, "twofish192-cbc", "php", "", twofish},
	{cipherKind, "twofish128-cbc", "php", "", twofish},
	{cipherKind, "blowfish-ctr", "plink", "", "blowfish_schneier.txt, ctr64_openssl.txt, TestDifferentialBouncyCastle of cipher, and TestMatrixMemory"},
	{cipherKind, "cast128-ctr", "netssh", "", "cast128_rfc2144.txt, " + ctr64},
	{cipherKind, "3des-ctr", "ganymed jsch netssh php plink trilead", "", "tdes_cbc_cavp.txt, " + ctr64},
	{cipherKind, "blowfish-cbc", "asyncssh conch ganymed jsch libssh2 lsh netssh node php plink ssh1 trilead", "asyncssh conch lshd node", ""},
	{cipherKind, "cast128-cbc", "asyncssh conch libssh2 lsh netssh node ssh1", "asyncssh conch lshd node", ""},
	{cipherKind, "3des-cbc", "asyncssh conch erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch erlang go lshd node paramiko sshd", ""},
	{cipherKind, "arcfour256", "asyncssh go jsch node php plink ssh1", "asyncssh go node", ""},
	{cipherKind, "arcfour128", "asyncssh go jsch libssh2 node php plink ssh1", "asyncssh go node", ""},
	{cipherKind, "arcfour", "asyncssh go jsch libssh2 lsh ssh1", "asyncssh go lshd", ""},

	{macKind, "hmac-sha2-256-etm@openssh.com", "asyncssh erlang go libssh netssh node paramiko plink ssh ssh1", "asyncssh erlang go node paramiko sshd", ""},
	{macKind, "hmac-sha2-512-etm@openssh.com", "asyncssh erlang go libssh netssh node paramiko ssh ssh1", "asyncssh erlang go node paramiko sshd", ""},
	{macKind, "hmac-sha2-256", "asyncssh conch dbclient erlang go jsch libssh libssh2 netssh node paramiko php plink ssh ssh1", "asyncssh conch dropbear erlang go node paramiko sshd", ""},
	{macKind, "hmac-sha2-512", "asyncssh conch erlang go libssh libssh2 netssh node paramiko ssh ssh1", "asyncssh conch erlang go node paramiko sshd", ""},
	{macKind, "umac-128-etm@openssh.com", "asyncssh ssh ssh1", "asyncssh sshd", ""},
	{macKind, "umac-128@openssh.com", "asyncssh ssh ssh1", "asyncssh sshd", ""},
	{macKind, "hmac-sha2-512-96", "asyncssh netssh node", "asyncssh node", ""},
	{macKind, "hmac-sha2-256-96", "asyncssh netssh node", "asyncssh node", ""},
	{macKind, "hmac-sha1-etm@openssh.com", "asyncssh erlang libssh node plink ssh ssh1", "asyncssh erlang node sshd", ""},
	{macKind, "hmac-sha1", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go lshd node paramiko sshd", ""},
	{macKind, "hmac-ripemd160-etm@openssh.com", "ssh1", "", ripemd},
	{macKind, "hmac-ripemd160", "libssh2 netssh node ssh1", "node", ""},
	{macKind, "hmac-ripemd160@openssh.com", "libssh2 netssh ssh1", "", "the same as hmac-ripemd160"},
	{macKind, "umac-64-etm@openssh.com", "asyncssh ssh ssh1", "asyncssh sshd", ""},
	{macKind, "umac-64@openssh.com", "asyncssh ssh ssh1", "asyncssh sshd", ""},
	{macKind, "hmac-sha1-96-etm@openssh.com", "asyncssh plink ssh ssh1", "asyncssh sshd", ""},
	{macKind, "hmac-sha1-96", "asyncssh erlang ganymed go jsch libssh2 netssh node paramiko php plink ssh ssh1 trilead", "asyncssh erlang go node paramiko sshd", ""},
	{macKind, "hmac-ripemd160-96", "", "", ripemd},
	{macKind, "hmac-md5-etm@openssh.com", "asyncssh plink ssh ssh1", "asyncssh sshd", ""},
	{macKind, "hmac-md5", "asyncssh conch ganymed jsch libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch lshd node paramiko sshd", ""},
	{macKind, "hmac-md5-96-etm@openssh.com", "ssh ssh1", "sshd", ""},
	{macKind, "hmac-md5-96", "asyncssh ganymed jsch libssh2 netssh node paramiko php ssh ssh1 trilead", "asyncssh node paramiko sshd", ""},

	{compressionKind, "none", "asyncssh conch dbclient erlang ganymed go jsch libssh libssh2 lsh netssh node paramiko php plink ssh ssh1 trilead", "asyncssh conch dropbear erlang go lshd node paramiko sshd tinyssh", ""},
	{compressionKind, "zlib@openssh.com", "asyncssh dbclient erlang jsch libssh libssh2 netssh node paramiko php plink ssh ssh1", "asyncssh dropbear erlang node paramiko sshd", ""},
	{compressionKind, "zlib", "asyncssh conch dbclient erlang jsch libssh libssh2 lsh netssh node paramiko php plink ssh1", "asyncssh conch erlang lshd node paramiko", ""},
}

// TestMatrixIsComplete: each algorithm of the house has a row, and one that no foreign client or no foreign server has
// says what proves it instead.
func TestMatrixIsComplete(t *testing.T) {
	have := map[kind][]string{
		compressionKind: transport.CompressionNames(),
		hostKeyKind:     allKeyAlgorithms(),
		userKeyKind:     allKeyAlgorithms(),
	}
	for _, m := range append(append(kex.Default(), kex.Optional()...), kex.Insecure()...) {
		have[kexKind] = append(have[kexKind], m.Name)
	}
	for _, c := range append(cipher.Default(), cipher.Insecure()...) {
		have[cipherKind] = append(have[cipherKind], c.Name)
	}
	for _, m := range append(mac.Default(), mac.Insecure()...) {
		have[macKind] = append(have[macKind], m.Name)
	}
	for k, names := range have {
		for _, name := range names {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.kind == k && r.name == name }) {
				t.Errorf("no row for %s %s", k, name)
			}
		}
	}
	for _, r := range rows {
		if !slices.Contains(have[r.kind], r.name) {
			t.Errorf("row for %s %s, which is not built", r.kind, r.name)
		}
		if (r.clients == "" || r.servers == "") != (r.instead != "") {
			t.Errorf("%s %s: clients %q, servers %q, instead %q", r.kind, r.name, r.clients, r.servers, r.instead)
		}
	}
}
