package sshkey

import (
	"crypto"
	_ "crypto/sha256" // the hashes that rows name
	_ "crypto/sha512"
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// algorithm is one signature algorithm: what is negotiated for host keys,
// named in a publickey request, and labels the signature.
type algorithm struct {
	name    string
	keyType string
	hash    crypto.Hash // of the data before it is signed; 0 if the scheme does that itself
}

// algorithms in the default order of preference.
var algorithms = [...]algorithm{
	{name: "ssh-ed25519", keyType: "ssh-ed25519"},                                      // RFC 8709
	{name: "ecdsa-sha2-nistp256", keyType: "ecdsa-sha2-nistp256", hash: crypto.SHA256}, // RFC 5656 §6.2.1
	{name: "ecdsa-sha2-nistp384", keyType: "ecdsa-sha2-nistp384", hash: crypto.SHA384}, // RFC 5656 §6.2.1
	{name: "ecdsa-sha2-nistp521", keyType: "ecdsa-sha2-nistp521", hash: crypto.SHA512}, // RFC 5656 §6.2.1
	{name: "rsa-sha2-512", keyType: "ssh-rsa", hash: crypto.SHA512},                    // RFC 8332
	{name: "rsa-sha2-256", keyType: "ssh-rsa", hash: crypto.SHA256},                    // RFC 8332
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

// DefaultAlgorithms returns the names of all signature algorithms that are
// on by default, for host keys and user keys alike, most preferred first.
func DefaultAlgorithms() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.name
	}
	return names
}

// KeyType returns the type of key that signs with algorithm, or "" when the
// algorithm is unknown.
func KeyType(algorithm string) string {
	if a := lookupAlgorithm(algorithm); a != nil {
		return a.keyType
	}
	return ""
}

// AlgorithmsFor returns the signature algorithms of a key type, most
// preferred first; none when the type is unknown.
func AlgorithmsFor(keyType string) []string {
	var names []string
	for _, a := range algorithms {
		if a.keyType == keyType {
			names = append(names, a.name)
		}
	}
	return names
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

// appendSignature appends the signature blob of RFC 4253 §6.6 to b.
func (a *algorithm) appendSignature(b, body []byte) []byte {
	return wire.AppendBytes(wire.AppendString(b, a.name), body)
}

// parseSignature returns the body of a signature blob labelled with a's name,
// as a view.
func (a *algorithm) parseSignature(signature []byte) ([]byte, error) {
	r := wire.NewFieldReader(signature, "signature")
	label, body := r.Name("label"), r.Bytes("body")
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if label != a.name {
		return nil, fmt.Errorf("%w: %s expected, signature is labelled %q", ErrAlgorithm, a.name, label)
	}
	return body, nil
}
