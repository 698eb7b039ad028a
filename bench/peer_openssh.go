package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// openssh is the name of the peer that are the programs ssh and sshd.
const openssh = "openssh"

// userName is the name to log in with; sshd wants the one it runs as.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "bench"
}

// sshdPath finds sshd, which is seldom in a user's PATH and must be started by its whole path.
func sshdPath() (string, error) {
	for _, path := range []string{"sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if found, err := exec.LookPath(path); err == nil {
			return filepath.Abs(found)
		}
	}
	return "", exec.ErrNotFound
}

// opensshMissing returns why OpenSSH cannot be measured, or "".
func opensshMissing() string {
	if _, err := exec.LookPath("ssh"); err != nil {
		return "ssh is not installed"
	}
	if _, err := sshdPath(); err != nil {
		return "sshd is not installed"
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err.Error()
		}
	}
	return ""
}

// sshdServer gives each connection it accepts to an sshd of its own, as inetd would. Then the CPU time of a connection
// is that of its sshd when it has ended, with all processes that this one has waited for.
type sshdServer struct {
	listener net.Listener
	path     string
	config   string
	log      *os.File

	bulk    bool // the first connection only logs in, as runProgram does it
	running sync.WaitGroup
	mu      sync.Mutex
	started []*exec.Cmd
	cpu     []float64 // seconds of each connection that has ended
}

func startSSHD(j *job) (*sshdServer, error) {
	path, err := sshdPath()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(j.Dir, "sshd_config")
	lines := []string{
		"HostKey " + filepath.Join(j.Dir, hostKeyFile(j.HostKey)), "AuthorizedKeysFile " + filepath.Join(j.Dir, authorizedFile),
		"StrictModes no", "UsePAM no", "PidFile none", "LogLevel ERROR", "PermitRootLogin yes", "PrintMotd no",
		"Subsystem sftp internal-sftp",
		"MaxSessions " + strconv.Itoa(maxSessions), // closing does not wait for sshd, so that more may be open than are at once
		"Ciphers " + j.Suite.Cipher, "KexAlgorithms " + j.Kex,
		"SetEnv SHLVL=2", // else bash, seeing sshd above it, reads the user's start-up files for every command
	}
	if j.Suite.MAC != "" {
		lines = append(lines, "MACs "+j.Suite.MAC)
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(j.Dir, "sshd.log"))
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sshdServer{listener: listener, path: path, config: config, log: log, bulk: j.Work.isTransfer()}
	s.running.Go(s.accept)
	return s, nil
}

// accept runs until the listener is closed.
func (s *sshdServer) accept() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return
		}
		socket, err := nc.(*net.TCPConn).File()
		_ = nc.Close()
		if err != nil {
			return
		}
		cmd := exec.Command(s.path, "-i", "-f", s.config)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, s.log
		err = cmd.Start()
		_ = socket.Close()
		if err != nil {
			continue
		}
		s.mu.Lock()
		s.started = append(s.started, cmd)
		s.mu.Unlock()
		s.running.Go(func() {
			_ = cmd.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.cpu = append(s.cpu, processCPU(cmd.ProcessState))
		})
	}
}

// Addr implements server.
func (s *sshdServer) Addr() string { return s.listener.Addr().String() }

// CPU implements server. It waits for the sshds to end, as only then their time is known. In bulk the login is taken off,
// which the servers in Go hardly feel and sshd, with its processes, does.
func (s *sshdServer) CPU() (float64, error) {
	_ = s.listener.Close()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bulk && len(s.cpu) == 2 {
		return max(s.cpu[1]-s.cpu[0], 0), nil
	}
	sum := 0.0
	for _, cpu := range s.cpu {
		sum += cpu
	}
	return sum, nil
}

// Memory implements server: of all processes that serve a connection now.
func (s *sshdServer) Memory() (memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m memory
	for _, cmd := range s.started {
		m.Resident += treeBytes(cmd.Process.Pid)
	}
	return m, nil
}

// Close implements server.
func (s *sshdServer) Close() {
	_ = s.listener.Close()
	s.running.Wait()
	_ = s.log.Close()
}

// sshCommand is the client's command line.
func sshCommand(ctx context.Context, j *job, command string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(j.Addr)
	return exec.CommandContext(ctx, "ssh", append(sshOptions(j), "-T", "-p", port, userName()+"@"+host, command)...)
}

// sshOptions are the arguments that ssh and sftp have in common.
func sshOptions(j *job) []string {
	args := []string{"-F", "none", "-i", filepath.Join(j.Dir, userKeyFile), "-c", j.Suite.Cipher}
	for _, option := range []string{
		"StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=ERROR",
		"ControlPath=none", "KexAlgorithms=" + j.Kex,
	} {
		args = append(args, "-o", option)
	}
	if j.Suite.MAC != "" {
		args = append(args, "-o", "MACs="+j.Suite.MAC)
	}
	return args
}
