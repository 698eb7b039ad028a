package wire

// Limits on what a peer may put into a message, beyond those that follow from
// the packet's length.
const (
	MaxName       = 64       // bytes of an algorithm or method name (RFC 4251 §6)
	MaxNames      = 512      // names in a name-list
	MaxNameList   = 16 << 10 // bytes of a name-list
	MaxUser       = 1 << 10  // bytes of a user name
	MaxPrompts    = 32       // prompts of a keyboard-interactive request
	MaxResponses  = 128      // answers of a keyboard-interactive response
	MaxExtensions = 256      // extensions of an EXT_INFO
	MaxHostKeys   = 64       // keys of a hostkeys-00@openssh.com request
	MaxPath       = 4 << 10  // bytes of a socket's path
	MaxHost       = 1 << 10  // bytes of a host name or address
)
