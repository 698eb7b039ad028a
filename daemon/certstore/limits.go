package certstore

// Limits on key stores. Those of transport/sshkey on keys, salts and PEM files
// hold besides.
const (
	MaxStore      = 4 << 20 // bytes of a store
	MaxEntries    = 1 << 10 // keys and certificates in a store
	MaxPrivate    = 1 << 7  // private keys in a store
	MaxIterations = 4 << 20 // iterations of key derivations, for all of a store
	MaxBcrypt     = 4       // OpenSSH keys with passwords in a store, each as costly as sshkey.MaxKDFRounds
	MaxMemory     = 1 << 30 // bytes of memory that scrypt and Argon2 may take
)
