//go:build !amd64

package mac

// There is no code for two messages at once here, and hasSHA256 says so: the other functions are never called.

func hasSHA256() bool { return false }

func sha256Blocks(*[8]uint32, *byte, int) { panic("mac: no SHA-256 instructions") }

func sha256TwoBlocks(_, _ *[8]uint32, _, _ *byte, _ int) { panic("mac: no SHA-256 instructions") }
