package certstore

// Limits on key stores. Those of transport/sshkey on keys, salts and PEM files
// hold besides.
const (
	MaxStore      = 4 << 20 // bytes of a store
	MaxEntries    = 1 << 10 // keys and certificates in a store
	MaxIterations = 4 << 20 // iterations of key derivations, for all of a store
	MaxMemory     = 1 << 30 // bytes of memory that scrypt and Argon2 may take
)
