// Package certstore opens the stores that people keep keys in and gives their
// keys as crypto.Signers. It needs nothing of the daemon.
//
//	store, err := certstore.Open(certstore.PFXFile, []byte("server.pfx"), "password")
//	if err != nil {
//		return err // ErrPassword, ErrMalformed, ...
//	}
//	key, err := certstore.Find(store, "*") // or a subject, such as "CN=www.example.org"
//	if err != nil {
//		return err // ErrNoPrivateKey, ErrNotFound, ...
//	}
//	hostKeys, err := key.Signers() // for daemon.SetHostKeys; key.Signer is the crypto.Signer
//
// With the daemon alone the same is SetSSHCertStoreType, SetSSHCertStore,
// SetSSHCertStorePassword and, last, SetSSHCertSubject.
//
// # What can be opened
//
// Each form has a type for the name of a file and one for its contents, in
// binary or base64. [Auto] takes either, and tells the form by the contents.
// Where one form has several kinds of encryption, all are read that the
// programs named here write.
//
//	PFX, .p12        Windows, OpenSSL, Java, browsers: several keys with their chains;
//	                 with AES, RC2, RC4 or triple DES, in DER or BER
//	JKS              keytool: of type JKS, or PKCS12, which .jks files are today
//	BCFKS            Bouncy Castle: PBKDF2 or scrypt, CCM or key wrap; with a MAC
//	PEMKey           PKCS #1, PKCS #8, SEC 1, OpenSSH, in PEM or DER, encrypted or
//	                 not, with certificates beside them
//	PPK              PuTTY, versions 2 and 3
//	XML              .NET's RSAKeyValue and DSAKeyValue
//	JWK              a key, a set, or either encrypted with a password (JWE)
//	PublicKey        a certificate or public key, in PEM or DER
//	SSHPublicKey     a line of a .pub file, or RFC 4716
//	P7B              a chain of certificates
//	User, Machine    the stores of Windows
//	SecurityKey      a PKCS #11 token
//
// Keys are RSA of 1024 to 16384 bits, ECDSA on the NIST curves, Ed25519,
// Ed448, and DSA of 1024 bits. Whether SSH accepts a key is for
// sshkey.NewSigner to say: it asks for 2048 bits of RSA. Keys of other types
// are left out if there is another key in the store, and an error if not.
//
// PublicKey, SSHPublicKey and P7B have no private keys: they open, but make no
// host key. JCEKS, PuTTY's version 1 and ssh.com's private keys are not read,
// and the error says what converts them.
//
// # What cannot happen
//
// A file cannot make Open panic, take more than [MaxMemory] for a key
// derivation, or derive more than [MaxIterations]; what asks for more is
// [ErrTooCostly] before it starts. An error never repeats a key or a password.
// A store is read as a whole when it is opened, and the keys in it then stay
// in memory until they are garbage; what was decrypted on the way is cleared,
// as far as Go lets us.
//
// # Why own parsers
//
// Decode of go-pkcs12 takes one private key and bounds no work, keystore-go
// allocates what a file's lengths say before it is read, and pkcs7 parses BER
// to any depth: they write what the tests read. go-jose decrypts JWE here.
//
// # Tokens
//
// A PKCS#11 token (SecurityKey) is named by its library, or where this knows
// several tokens by a URI of RFC 7512; the password is the PIN. Its keys sign
// there. It may be pulled out and put back while keys of it are in use.
//
//	certstore.Open(certstore.SecurityKey, []byte("/usr/lib/softhsm/libsofthsm2.so"), "1234")
//	certstore.Open(certstore.SecurityKey, []byte("pkcs11:token=host?module-path=/usr/lib/opensc-pkcs11.so"), "1234")
//
// The libraries are in C: build with cgo and -tags pkcs11.
//
// # Where things are
//
//	store.go      Open, Parse, Store, Key
//	types.go      the types and the table of what reads them
//	auto.go       tells by the contents what a store is; der.go the same for DER
//	subject.go    Find, FindCertificate, distinguished names
//	chain.go      which certificates belong to which key
//	collect.go    what all formats do with the keys they find
//	signers.go    keys as SSH uses them
//	pfx.go jks.go pem.go public.go p7b.go ppk.go xml.go jwk.go bcfks.go   a file per format
//	fields.go     keys that are given as numbers
//	pbe.go kdf.go hash.go   encryption with passwords; ccm.go rc2.go argon2d.go what the library has not
//	ber.go        BER as DER
//	token*.go      PKCS#11 tokens, with -tags pkcs11; store_windows.go the stores of Windows
//	errors.go, limits.go
package certstore
