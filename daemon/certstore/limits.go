package certstore

// Limits on key stores.
const (
	MaxStore      = 4 << 20 // bytes of a store
	MaxIterations = 4 << 20 // iterations of key derivations, for all of a store
)
