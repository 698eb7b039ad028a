package sshkey

import (
	"errors"
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// Errors to match with errors.Is.
var (
	// ErrSignature says that a signature is malformed or does not verify.
	ErrSignature = errors.New("sshkey: signature does not verify")
	// ErrAlgorithm says that a signature algorithm is unknown, does not fit
	// the type of the key, or is not the one the signature is labelled with.
	ErrAlgorithm = errors.New("sshkey: signature algorithm does not fit")
	// ErrPassphraseMissing says that a private key is encrypted and no
	// passphrase was given.
	ErrPassphraseMissing = errors.New("sshkey: private key needs a passphrase")
	// ErrPassphraseWrong says that a private key does not decrypt with the
	// passphrase given.
	ErrPassphraseWrong = errors.New("sshkey: wrong passphrase for private key")
	// ErrKeyFile says that a private key file is malformed or inconsistent.
	ErrKeyFile = errors.New("sshkey: malformed private key")
	// ErrListTooLarge says that an authorized_keys or known_hosts file has
	// more than MaxListFile bytes.
	ErrListTooLarge = errors.New("sshkey: list of keys is too large")
	// ErrCertificate says that an OpenSSH certificate is not accepted.
	ErrCertificate = errors.New("sshkey: certificate is not accepted")
	// ErrKRL says that a list of revoked keys cannot be read.
	ErrKRL = errors.New("sshkey: no readable list of revoked keys")
	// ErrNotAuthorized says that no line of authorized_keys lets a key log in.
	ErrNotAuthorized = errors.New("sshkey: key is not authorized")
)

// maxShown is how much of a foreign name an error text repeats.
const maxShown = 64

// UnsupportedError says that something a key or a file names is not built.
type UnsupportedError struct {
	What string // what kind of thing: "key type", "cipher", "KDF", ...
	Name string // its name, as it came
}

// Error returns "sshkey: unsupported WHAT NAME", with the name escaped.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("sshkey: unsupported %s %q", e.What, wire.Escape(e.Name, maxShown))
}

// WeakKeyError says that a key's size is outside of what is accepted.
type WeakKeyError struct {
	Type     string // the key type
	Bits     int    // size of the key
	Min, Max int    // the sizes that are accepted
}

// Error names the key's size and the accepted sizes.
func (e *WeakKeyError) Error() string {
	return fmt.Sprintf("sshkey: %s key of %d bits, accepted are %d to %d", e.Type, e.Bits, e.Min, e.Max)
}

// badSignature returns an error that is ErrSignature and says why.
func badSignature(why string) error { return fmt.Errorf("%w: %s", ErrSignature, why) }

// badFile returns an error that is ErrKeyFile and says why.
func badFile(why string) error { return fmt.Errorf("%w: %s", ErrKeyFile, why) }

// keyFileError makes ErrKeyFile of what the parser of a key says about one in a
// file, unless it is about a key that is well-formed and not accepted.
func keyFileError(err error) error {
	_, weak := errors.AsType[*WeakKeyError](err)
	_, unsupported := errors.AsType[*UnsupportedError](err)
	if weak || unsupported || errors.Is(err, ErrKeyFile) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrKeyFile, err)
}
