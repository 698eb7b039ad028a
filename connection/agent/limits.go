package agent

// Limits on what the other side may send, and on what a Keyring keeps.
const (
	MaxMessage      = 256 << 10 // bytes of a message; OpenSSH has the same
	MaxKeys         = 1024      // keys of a keyring, or in the list of an agent
	MaxComment      = 4 << 10   // bytes of a key's comment
	MaxPassphrase   = 4 << 10   // bytes of the passphrase of a lock
	MaxConstraints  = 1 << 20   // bytes of the constraints of all keys of a keyring
	MaxDestinations = 1024      // destinations of a key
	MaxHopKeys      = 1024      // host keys of one end of a destination
	MaxUserPattern  = 1 << 10   // bytes of the user pattern of a destination
	MaxHost         = 1 << 10   // bytes of a host's name in a destination
	MaxBindings     = 16        // sessions that a connection is bound to
	MaxSessionID    = 128       // bytes of a session identifier
	MaxExtensions   = 256       // names in the answer to a query of extensions
)
