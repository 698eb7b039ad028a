//go:build unix && !linux

package transport

// quickAck is for Linux: elsewhere there is no such socket option.
func quickAck(uintptr) {}
