package certstore

import "runtime"

// openUser opens a store of the Windows user.
func openUser([]byte, string) (Store, error) { return nil, noWindowsStore() }

// openMachine opens a store of the Windows machine.
func openMachine([]byte, string) (Store, error) { return nil, noWindowsStore() }

func noWindowsStore() error {
	return because(ErrUnsupported, "Windows certificate stores on %s", runtime.GOOS)
}

// openToken opens a PKCS #11 token.
func openToken([]byte, string) (Store, error) {
	return nil, because(ErrUnsupported, "PKCS #11 tokens")
}
