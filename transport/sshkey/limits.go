package sshkey

// Limits on keys, from whatever side they come.
const (
	DefaultMinRSABits = 2048  // smallest RSA modulus accepted unless asked for
	LowestMinRSABits  = 1024  // smallest RSA modulus that can be asked for
	MaxRSABits        = 16384 // largest RSA modulus accepted
	MaxRSAExponent    = 32    // bits of the largest RSA public exponent accepted
	MaxApplication    = 1024  // bytes of the application of a security key
)

// Limits on keys with X.509 certificates.
const (
	MaxX509Chain       = 8        // certificates that come with a key
	MaxX509Certificate = 16 << 10 // bytes of a certificate, or of an OCSP response
)

// Limits on OpenSSH certificates.
const (
	MaxCertificate = 64 << 10 // bytes of a certificate
	MaxPrincipals  = 256      // principals of a certificate
	MaxPrincipal   = 1024     // bytes of a principal
	MaxCertOptions = 64       // critical options, and extensions
)

// Limits on private key files.
const (
	MaxKeyFile    = 256 << 10 // bytes of a private key file
	MaxKDFRounds  = 2048      // bcrypt rounds
	MaxKDFSalt    = 1 << 10   // bytes of a salt
	MaxPBKDF2     = 1 << 20   // PBKDF2 iterations
	MaxKeyComment = 4 << 10   // bytes of the comment in a key file
)

// Limits on authorized_keys and known_hosts files.
const (
	MaxLine     = 64 << 10 // bytes of a line; a longer one is skipped with a warning
	MaxListFile = 16 << 20 // bytes of a file; a larger one is refused as a whole
	MaxPattern  = 1 << 10  // bytes of a host pattern
	MaxWarnings = 100      // warnings kept; one more says how many were not
)

// Limits says which keys are accepted. The zero value is the default of the
// package's functions of the same names.
type Limits struct {
	// MinRSABits is the smallest RSA modulus accepted, in bits. 0 stands for
	// DefaultMinRSABits; what is below LowestMinRSABits is raised to it.
	MinRSABits int
}

// minRSABits returns the limit in force.
func (l Limits) minRSABits() int {
	if l.MinRSABits == 0 {
		return DefaultMinRSABits
	}
	return max(l.MinRSABits, LowestMinRSABits)
}
