//go:build !windows

package certstore

import "runtime"

// openUser opens a store of the Windows user.
func openUser([]byte, string) (Store, error) { return nil, noWindowsStore() }

// openMachine opens a store of the Windows machine.
func openMachine([]byte, string) (Store, error) { return nil, noWindowsStore() }

func noWindowsStore() error {
	return because(ErrUnsupported, "certificate stores of Windows, on %s", runtime.GOOS)
}
