package sshkey

import (
	"crypto"
	"encoding/pem"
)

// pemType is a type of PEM block that holds a private key.
type pemType struct {
	name  string
	parse func(l Limits, b *pem.Block, passphrase []byte) (crypto.Signer, string, error)
}

// pemTypes lists the forms of private key files that are read.
var pemTypes = [...]pemType{
	{opensshPEM, Limits.parseOpenSSH},
	{pkcs8PEM, Limits.parsePKCS8},
	{encryptedPKCS8PEM, Limits.parseEncryptedPKCS8},
	{"RSA PRIVATE KEY", Limits.parsePKCS1},
	{"EC PRIVATE KEY", Limits.parseSEC1},
	{"DSA PRIVATE KEY", Limits.parseDSAPEM},
}

// ParsePrivateKey reads the first private key of a PEM file: OpenSSH's own
// form, PKCS #8, PKCS #1 or SEC 1, encrypted or not. It returns the key, which
// is an ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey, *DSAPrivateKey
// or circl's ed448.PrivateKey, and the comment, where the form has one.
//
// The file may have MaxKeyFile bytes. The passphrase is not looked at where
// the key is not encrypted. Errors to match are ErrPassphraseMissing,
// ErrPassphraseWrong, ErrKeyFile, *UnsupportedError and *WeakKeyError. No
// slice is kept. Intermediate secrets are cleared as far as Go lets us: the
// big integers of RSA keys are copied by the library.
func ParsePrivateKey(file, passphrase []byte) (crypto.Signer, string, error) {
	return Limits{}.ParsePrivateKey(file, passphrase)
}

// ParsePrivateKey is like the function of that name, under limits of the caller.
func (l Limits) ParsePrivateKey(file, passphrase []byte) (crypto.Signer, string, error) {
	if len(file) > MaxKeyFile {
		return nil, "", badFile("file too large")
	}
	for {
		block, rest := pem.Decode(file)
		if block == nil {
			return nil, "", badFile("no PEM block with a private key")
		}
		for _, t := range pemTypes {
			if t.name == block.Type {
				defer clear(block.Bytes)
				return t.parse(l, block, passphrase)
			}
		}
		file = rest // such as EC PARAMETERS, or a certificate, in front of the key
	}
}

// checkPrivate returns key if its public half is one that is accepted.
func (l Limits) checkPrivate(key crypto.Signer) (crypto.Signer, error) {
	if _, err := l.newPublicKey(key.Public()); err != nil {
		return nil, err
	}
	return key, nil
}

// PrivateKeyFormat says how a private key file is encrypted. The zero value is
// what MarshalPrivateKey uses.
type PrivateKeyFormat struct {
	// Cipher is an OpenSSH cipher name: aes128-ctr, aes192-ctr, aes256-ctr
	// (where empty), their -cbc forms, aes128-gcm@openssh.com,
	// aes256-gcm@openssh.com or, for old readers, 3des-cbc.
	Cipher string
	// Rounds of bcrypt, up to MaxKDFRounds; 0 stands for 24. Each costs some
	// milliseconds, to the owner and to who guesses the passphrase.
	Rounds uint32
}

// MarshalPrivateKey returns key as an OpenSSH private key file, encrypted
// (bcrypt, aes256-ctr) if passphrase is not empty. key must be an
// ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey with two primes,
// *DSAPrivateKey or circl's ed448.PrivateKey, other signers are an
// *UnsupportedError; comment may have MaxKeyComment
// bytes. No slice is kept, the caller owns the result, which is a secret.
func MarshalPrivateKey(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	return PrivateKeyFormat{}.MarshalPrivateKey(key, comment, passphrase)
}

// MarshalPrivateKey is like the function of that name, with encryption as f
// says. Without a passphrase the file is not encrypted.
func (f PrivateKeyFormat) MarshalPrivateKey(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	if f.Cipher == "" {
		f.Cipher = writeCipher
	}
	if f.Rounds == 0 {
		f.Rounds = defaultRounds
	}
	if len(passphrase) == 0 {
		f.Cipher = noCipher
	}
	return f.marshal(key, comment, passphrase)
}
