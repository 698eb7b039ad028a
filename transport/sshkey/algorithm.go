package sshkey

import (
	"crypto"
	_ "crypto/sha1" // the hashes that rows name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// class says when an algorithm is in use.
type class uint8

const (
	classDefault     class = iota // unless a caller chooses otherwise
	classOptional                 // sound, where it is named
	classSecurityKey              // likewise, of security keys
	classCertificate              // likewise, with OpenSSH's certificates
	classX509                     // likewise, with X.509 certificates
	classInsecure                 // where it is named, and then not sound
)

// algorithm is one signature algorithm: what is negotiated for host keys,
// named in a publickey request, and labels the signature.
type algorithm struct {
	name    string
	keyType string
	label   string      // of signatures; the name where empty
	hash    crypto.Hash // of the data before it is signed; 0 if the scheme does that itself
	class   class
}

// algorithms in the default order of preference.
var algorithms = [...]algorithm{
	// RFC 8709, RFC 5656 §6.2.1, RFC 8332
	{name: AlgorithmEd25519, keyType: "ssh-ed25519"},
	{name: AlgorithmECDSA256, keyType: "ecdsa-sha2-nistp256", hash: crypto.SHA256},
	{name: AlgorithmECDSA384, keyType: "ecdsa-sha2-nistp384", hash: crypto.SHA384},
	{name: AlgorithmECDSA521, keyType: "ecdsa-sha2-nistp521", hash: crypto.SHA512},
	{name: AlgorithmRSASHA512, keyType: "ssh-rsa", hash: crypto.SHA512},
	{name: AlgorithmRSASHA256, keyType: "ssh-rsa", hash: crypto.SHA256},

	// RFC 8709
	{name: AlgorithmEd448, keyType: "ssh-ed448", class: classOptional},

	// OpenSSH PROTOCOL.u2f
	{name: AlgorithmSKEd25519, keyType: "sk-ssh-ed25519@openssh.com", class: classSecurityKey},
	{name: AlgorithmSKECDSA256, keyType: "sk-ecdsa-sha2-nistp256@openssh.com", class: classSecurityKey},

	// OpenSSH PROTOCOL.certkeys
	{name: AlgorithmCertEd25519, keyType: "ssh-ed25519-cert-v01@openssh.com", label: "ssh-ed25519", class: classCertificate},
	{name: AlgorithmCertECDSA256, keyType: "ecdsa-sha2-nistp256-cert-v01@openssh.com", label: "ecdsa-sha2-nistp256", hash: crypto.SHA256, class: classCertificate},
	{name: AlgorithmCertECDSA384, keyType: "ecdsa-sha2-nistp384-cert-v01@openssh.com", label: "ecdsa-sha2-nistp384", hash: crypto.SHA384, class: classCertificate},
	{name: AlgorithmCertECDSA521, keyType: "ecdsa-sha2-nistp521-cert-v01@openssh.com", label: "ecdsa-sha2-nistp521", hash: crypto.SHA512, class: classCertificate},
	{name: AlgorithmCertRSASHA512, keyType: "ssh-rsa-cert-v01@openssh.com", label: "rsa-sha2-512", hash: crypto.SHA512, class: classCertificate},
	{name: AlgorithmCertRSASHA256, keyType: "ssh-rsa-cert-v01@openssh.com", label: "rsa-sha2-256", hash: crypto.SHA256, class: classCertificate},
	{name: AlgorithmCertSKEd25519, keyType: "sk-ssh-ed25519-cert-v01@openssh.com", label: "sk-ssh-ed25519@openssh.com", class: classCertificate},
	{name: AlgorithmCertSKECDSA256, keyType: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", label: "sk-ecdsa-sha2-nistp256@openssh.com", class: classCertificate},

	// RFC 6187 §3
	{name: AlgorithmX509ECDSA256, keyType: "x509v3-ecdsa-sha2-nistp256", label: "ecdsa-sha2-nistp256", hash: crypto.SHA256, class: classX509},
	{name: AlgorithmX509ECDSA384, keyType: "x509v3-ecdsa-sha2-nistp384", label: "ecdsa-sha2-nistp384", hash: crypto.SHA384, class: classX509},
	{name: AlgorithmX509ECDSA521, keyType: "x509v3-ecdsa-sha2-nistp521", label: "ecdsa-sha2-nistp521", hash: crypto.SHA512, class: classX509},
	{name: AlgorithmX509RSA2048, keyType: "x509v3-rsa2048-sha256", label: "rsa2048-sha256", hash: crypto.SHA256, class: classX509},

	// RFC 4253 §6.6, RFC 6187 §3, drafts of RFC 4253 (see x509.go)
	{name: InsecureAlgorithmRSASHA1, keyType: "ssh-rsa", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmCertRSASHA1, keyType: "ssh-rsa-cert-v01@openssh.com", label: "ssh-rsa", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmX509RSASHA1, keyType: "x509v3-ssh-rsa", label: "ssh-rsa", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmX509SignRSA, keyType: "x509v3-sign-rsa", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmDSA, keyType: "ssh-dss", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmCertDSA, keyType: "ssh-dss-cert-v01@openssh.com", label: "ssh-dss", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmX509DSA, keyType: "x509v3-ssh-dss", label: "ssh-dss", hash: crypto.SHA1, class: classInsecure},
	{name: InsecureAlgorithmX509SignDSA, keyType: "x509v3-sign-dss", hash: crypto.SHA1, class: classInsecure},
}

// lookupAlgorithm returns the row called name, or nil.
func lookupAlgorithm(name string) *algorithm {
	for i := range algorithms {
		if algorithms[i].name == name {
			return &algorithms[i]
		}
	}
	return nil
}

// names returns the names of the rows for which keep holds, in order.
func names(keep func(a *algorithm) bool) []string {
	var list []string
	for i := range algorithms {
		if keep(&algorithms[i]) {
			list = append(list, algorithms[i].name)
		}
	}
	return list
}

// DefaultAlgorithms returns the names of all signature algorithms that are
// on by default, for host keys and user keys alike, most preferred first.
func DefaultAlgorithms() []string {
	return names(func(a *algorithm) bool { return a.class == classDefault })
}

// OptionalAlgorithms returns the signature algorithms that are sound and yet
// off unless a caller names them, most preferred first: few peers have them, or
// they are of no use without trust that the caller has to give.
func OptionalAlgorithms() []string {
	return names(func(a *algorithm) bool { return a.class > classDefault && a.class < classInsecure })
}

// SecurityKeyAlgorithms returns those of OptionalAlgorithms that FIDO security
// keys sign with. They are for user keys.
func SecurityKeyAlgorithms() []string {
	return names(func(a *algorithm) bool { return a.class == classSecurityKey })
}

// CertificateAlgorithms returns those of OptionalAlgorithms whose keys come in
// OpenSSH's certificates, most preferred first. They are of use where an
// authority is trusted.
func CertificateAlgorithms() []string {
	return names(func(a *algorithm) bool { return a.class == classCertificate })
}

// X509Algorithms returns those of OptionalAlgorithms whose keys come with X.509
// certificates (RFC 6187). They are of use where an X509Trust is.
func X509Algorithms() []string {
	return names(func(a *algorithm) bool { return a.class == classX509 })
}

// InsecureAlgorithms returns the signature algorithms that are used only where
// a caller names them, the strongest first. What is wrong with them:
//
//   - ssh-rsa, ssh-rsa-cert-v01@openssh.com, x509v3-ssh-rsa, x509v3-sign-rsa:
//     they sign a SHA-1 hash, for which collisions of the attacker's choice cost
//     less than a small company has: who can make a peer sign one text has its
//     signature for another.
//   - ssh-dss, ssh-dss-cert-v01@openssh.com, x509v3-ssh-dss, x509v3-sign-dss:
//     the same, and keys of 1024 bits, which are a precomputation away from
//     being broken and give themselves away if a nonce ever repeats.
func InsecureAlgorithms() []string {
	return names(func(a *algorithm) bool { return a.class == classInsecure })
}

// KeyType returns the type of key that signs with algorithm, or "" when the
// algorithm is unknown.
func KeyType(algorithm string) string {
	if a := lookupAlgorithm(algorithm); a != nil {
		return a.keyType
	}
	return ""
}

// PlainAlgorithm returns the algorithm without the certificate: that of the
// signatures of a key with an OpenSSH certificate. All other names come back as
// they are.
func PlainAlgorithm(algorithm string) string {
	if a := lookupAlgorithm(algorithm); a != nil && lookupCertType(a.keyType) != nil {
		return a.signatureLabel()
	}
	return algorithm
}

// AlgorithmsFor returns the signature algorithms of a key type, most
// preferred first; none when the type is unknown. An insecure one is among
// them only if the type has no other: such a key is not used by accident.
func AlgorithmsFor(keyType string) []string {
	all := allAlgorithmsFor(keyType)
	sound := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return lookupAlgorithm(name).class == classInsecure
	})
	if len(sound) == 0 {
		return all
	}
	return sound
}

// allAlgorithmsFor is AlgorithmsFor with the insecure ones.
func allAlgorithmsFor(keyType string) []string {
	return names(func(a *algorithm) bool { return a.keyType == keyType })
}

// fittingAlgorithm returns the row called name if a key of that type signs
// with it.
func fittingAlgorithm(name, keyType string) (*algorithm, error) {
	a := lookupAlgorithm(name)
	if a == nil || a.keyType != keyType {
		return nil, fmt.Errorf("%w: %q with a key of type %s", ErrAlgorithm, wire.Escape(name, maxShown), keyType)
	}
	return a, nil
}

// digest returns what the scheme signs: the data, or its hash.
func (a *algorithm) digest(data []byte) []byte {
	if a.hash == 0 {
		return data
	}
	h := a.hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// signatureLabel returns what a's signatures are labelled with.
func (a *algorithm) signatureLabel() string {
	if a.label != "" {
		return a.label
	}
	return a.name
}

// appendSignature appends the signature blob of RFC 4253 §6.6 to b.
func (a *algorithm) appendSignature(b, body []byte) []byte {
	return wire.AppendBytes(wire.AppendString(b, a.signatureLabel()), body)
}

// parseSignature returns the body of a signature blob labelled as a's are,
// and what follows it, both as views.
func (a *algorithm) parseSignature(signature []byte) (body, rest []byte, err error) {
	r := wire.NewFieldReader(signature, "signature")
	label := r.Name("label")
	body, rest = r.Bytes("body"), r.Rest()
	if err := r.Done(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if label != a.signatureLabel() {
		return nil, nil, fmt.Errorf("%w: %s expected, signature is labelled %q", ErrAlgorithm, a.signatureLabel(), label)
	}
	return body, rest, nil
}
