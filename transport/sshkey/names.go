package sshkey

// The names of the signature algorithms that are on by default (RFC 8709, RFC
// 5656 §6.2.1, RFC 8332). Those of RSA sign with the same keys.
const (
	AlgorithmEd25519   string = "ssh-ed25519"
	AlgorithmECDSA256  string = "ecdsa-sha2-nistp256"
	AlgorithmECDSA384  string = "ecdsa-sha2-nistp384"
	AlgorithmECDSA521  string = "ecdsa-sha2-nistp521"
	AlgorithmRSASHA512 string = "rsa-sha2-512"
	AlgorithmRSASHA256 string = "rsa-sha2-256"
)

// The names of those that are sound where they are named (RFC 8709, OpenSSH
// PROTOCOL.u2f and PROTOCOL.certkeys, RFC 6187 §3).
const (
	AlgorithmEd448 string = "ssh-ed448"

	AlgorithmSKEd25519  string = "sk-ssh-ed25519@openssh.com"
	AlgorithmSKECDSA256 string = "sk-ecdsa-sha2-nistp256@openssh.com"

	AlgorithmCertEd25519    string = "ssh-ed25519-cert-v01@openssh.com"
	AlgorithmCertECDSA256   string = "ecdsa-sha2-nistp256-cert-v01@openssh.com"
	AlgorithmCertECDSA384   string = "ecdsa-sha2-nistp384-cert-v01@openssh.com"
	AlgorithmCertECDSA521   string = "ecdsa-sha2-nistp521-cert-v01@openssh.com"
	AlgorithmCertRSASHA512  string = "rsa-sha2-512-cert-v01@openssh.com"
	AlgorithmCertRSASHA256  string = "rsa-sha2-256-cert-v01@openssh.com"
	AlgorithmCertSKEd25519  string = "sk-ssh-ed25519-cert-v01@openssh.com"
	AlgorithmCertSKECDSA256 string = "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"

	AlgorithmX509ECDSA256 string = "x509v3-ecdsa-sha2-nistp256"
	AlgorithmX509ECDSA384 string = "x509v3-ecdsa-sha2-nistp384"
	AlgorithmX509ECDSA521 string = "x509v3-ecdsa-sha2-nistp521"
	AlgorithmX509RSA2048  string = "x509v3-rsa2048-sha256"
)

// SHA-1 of what is signed: collisions of the attacker's choice cost less than a
// small company has, and who can make a peer sign one text has its signature
// for another (RFC 4253 §6.6, RFC 6187 §3; the last is of drafts, see x509.go).
const (
	InsecureAlgorithmRSASHA1     string = "ssh-rsa"
	InsecureAlgorithmCertRSASHA1 string = "ssh-rsa-cert-v01@openssh.com"
	InsecureAlgorithmX509RSASHA1 string = "x509v3-ssh-rsa"
	InsecureAlgorithmX509SignRSA string = "x509v3-sign-rsa"
)

// SHA-1 as above, and keys of 1024 bits, which are a precomputation away from
// being broken and give themselves away if a nonce ever repeats.
const (
	InsecureAlgorithmDSA         string = "ssh-dss"
	InsecureAlgorithmCertDSA     string = "ssh-dss-cert-v01@openssh.com"
	InsecureAlgorithmX509DSA     string = "x509v3-ssh-dss"
	InsecureAlgorithmX509SignDSA string = "x509v3-sign-dss"
)
