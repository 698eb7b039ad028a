package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// hawserd is the name of the peer that is our daemon, a program that runs commands as processes, as sshd does. Only the
// sections that have ssh as their client know it.
const hawserd = "hawserd"

// buildHawserd builds the daemon into dir.
func buildHawserd(dir string) error {
	cmd := exec.Command("go", "build", "-o", hawserdPath(dir), "github.com/hawser-ssh/hawser/daemon/cmd/hawserd")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("hawserd: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func hawserdPath(dir string) string { return filepath.Join(dir, "hawserd-program") }

// programServer is a server that is a program of its own and listens itself.
type programServer struct {
	cmd   *exec.Cmd
	addr  string
	log   *os.File
	close sync.Once
}

func startHawserd(j *job) (server, error) {
	args := []string{
		"-listen", "127.0.0.1:0", "-hostkey", filepath.Join(j.Dir, hostKeyFile(j.HostKey)), "-drain", "0s",
		"-authorized-keys", filepath.Join(j.Dir, authorizedFile), "-ciphers", j.Suite.Cipher, "-kex", j.Kex,
	}
	if j.Suite.MAC != "" {
		args = append(args, "-macs", j.Suite.MAC)
	}
	s, out, err := startProgram(j, exec.Command(hawserdPath(j.Dir), args...))
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		s.Close()
		return nil, fmt.Errorf("hawserd said %q: %s", line, s.complaint())
	}
	s.addr = addr
	return s, nil
}

// startProgram starts a server; the caller finds out its address.
func startProgram(j *job, cmd *exec.Cmd) (*programServer, io.Reader, error) {
	log, err := os.Create(filepath.Join(j.Dir, j.Peer+".log"))
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return &programServer{cmd: cmd, log: log}, out, nil
}

// complaint is what the program wrote to its log.
func (s *programServer) complaint() string {
	text, _ := os.ReadFile(s.log.Name())
	return strings.TrimSpace(string(text))
}

// Addr implements server.
func (s *programServer) Addr() string { return s.addr }

// CPU implements server: of the program and of the processes that it has waited for.
func (s *programServer) CPU() (float64, error) { return treeCPU(s.cmd.Process.Pid) }

// Memory implements server.
func (s *programServer) Memory() (memory, error) { return memory{}, errors.ErrUnsupported }

// Close implements server.
func (s *programServer) Close() {
	s.close.Do(func() {
		if s.cmd.Process.Signal(syscall.SIGTERM) != nil { // Windows has no such signal
			_ = s.cmd.Process.Kill()
		}
		_ = s.cmd.Wait()
		_ = s.log.Close()
	})
}
