//go:build unix

package peertest

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup puts the program into a process group of its own and lets the end
// of its context end the group: a peer's helpers must not outlive the test.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if err != nil {
			return os.ErrProcessDone
		}
		return nil
	}
}

// lockFile holds an exclusive lock, shared by all test processes of this
// machine, until the returned function is called.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
