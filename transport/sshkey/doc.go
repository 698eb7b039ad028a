// Package sshkey is everything SSH says about keys: public key blobs and
// signatures (RFC 4253 §6.6, RFC 5656 §3, RFC 8332, RFC 8709), private key
// files, fingerprints, authorized_keys and known_hosts.
//
// # Where things are
//
//	publickey.go          PublicKey, the table of key types, ParsePublicKey
//	algorithm.go          the table of signature algorithms, and lists of them
//	ed25519.go ed448.go ecdsa.go rsa.go dsa.go   one key type each: blob, signature, private part
//	nonce.go              nonces of DSA signatures
//	securitykey.go        keys of FIDO security keys, and what is asked of their signatures
//	signer.go             Signer over any crypto.Signer
//	certificate.go        OpenSSH's certificates; certoptions.go their options, certcheck.go whom to believe
//	krl.go                lists of revoked keys; krlcheck.go what they revoke
//	x509.go               keys with X.509 certificates; x509trust.go whom to believe
//	knownbad.go           keys of broken generators
//	private.go            ParsePrivateKey, MarshalPrivateKey, the table of PEM types
//	privatefields.go      private keys as agents are given them
//	openssh.go            the openssh-key-v1 container; bcryptpbkdf.go its KDF, filecipher.go its ciphers
//	pem.go, pbes2.go      PKCS #1, PKCS #8, SEC 1 and their encrypted forms; pemold.go DSA, Ed448
//	pkcs8.go ppk.go       writers: MarshalPKCS8; MarshalPPK, PuTTY's private key files
//	authorizedkeys.go     authorized_keys lines; authorizedoptions.go their options, optionvalues.go the values
//	knownhosts.go         known_hosts; knownhost.go its lines
//	lines.go pattern.go   what both files have in common
//	rfc4716.go            public keys in the form of RFC 4716
//	fingerprint.go        fingerprints; randomart.go the pictures of them
//	generate.go, errors.go, limits.go
//
// # Key types and algorithms
//
// A key type is what a key blob names; an algorithm is what is negotiated and
// what labels a signature. They differ for RSA: a key of type ssh-rsa signs
// with rsa-sha2-512 or rsa-sha2-256. What stands in parentheses is used only
// where a caller names it.
//
//	key type               algorithms, in order of preference
//	ssh-ed25519            ssh-ed25519
//	ecdsa-sha2-nistp256    ecdsa-sha2-nistp256   (likewise 384, 521)
//	ssh-rsa                rsa-sha2-512, rsa-sha2-256, (ssh-rsa)
//	ssh-ed448              (ssh-ed448)
//	sk-ssh-ed25519@openssh.com           (sk-ssh-ed25519@openssh.com)
//	sk-ecdsa-sha2-nistp256@openssh.com   (sk-ecdsa-sha2-nistp256@openssh.com)
//	ssh-dss                (ssh-dss)
//	*-cert-v01@openssh.com (the name of the type; for RSA rsa-sha2-512-cert-v01@openssh.com and the like)
//	x509v3-*               (the name of the type); x509.go says what these are
//
// # What a certificate is worth
//
// ParsePublicKey also returns keys that come with certificates. They say who
// their owner is, and are believed only where one of CertChecker,
// FindAuthorizedCertificate, KnownHosts or X509Trust has said so. The zero
// values of these believe nobody, and an error of theirs is never a yes. A
// certificate equals no plain key, so lists of plain keys do not let it in.
//
// # Who owns what
//
// Functions copy what they keep: a caller may reuse every slice it passed in
// as soon as the call returns, and owns every slice it gets. Values of this
// package are not changed after they were made, so they are safe for use by
// many goroutines at once; a [Signer] is as safe as the crypto.Signer in it.
package sshkey
