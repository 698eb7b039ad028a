package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// programServer is a server that is a program of its own and listens itself.
type programServer struct {
	cmd   *exec.Cmd
	addr  string
	log   *os.File
	close sync.Once

	output sync.WaitGroup // who copies the rest of its output to log
}

// startProgram starts a server and returns the first line that it prints; the caller finds its address in it.
func startProgram(j *job, cmd *exec.Cmd) (*programServer, string, error) {
	log, err := os.Create(filepath.Join(j.Dir, j.Peer+".log"))
	if err != nil {
		return nil, "", err
	}
	cmd.Stderr = log
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, "", errors.Join(err, log.Close())
	}
	s := &programServer{cmd: cmd, log: log}
	out := bufio.NewReader(pipe)
	line, err := out.ReadString('\n')
	if err != nil {
		s.Close()
		text, _ := os.ReadFile(log.Name())
		return nil, "", fmt.Errorf("%s ended: %s", j.Peer, strings.TrimSpace(string(text)))
	}
	s.output.Go(func() { io.Copy(log, out) }) // until the program's end; else it would wait for a reader
	return s, strings.TrimSpace(line), nil
}

// Addr implements server.
func (s *programServer) Addr() string { return s.addr }

// CPU implements server: of the program and of all processes below it, also those that have ended.
func (s *programServer) CPU() (float64, error) {
	sum := 0.0
	for _, pid := range descendants(s.cmd.Process.Pid) {
		sum += processTicks(pid)
	}
	return sum, nil
}

// Memory implements server: of all its processes.
func (s *programServer) Memory() (memory, error) {
	return memory{Resident: treeBytes(s.cmd.Process.Pid)}, nil
}

// treeBytes returns the memory of a process and of all below it.
func treeBytes(pid int) float64 {
	sum := 0.0
	for _, pid := range descendants(pid) {
		sum += sharedBytes(pid)
	}
	return sum
}

// Close implements server.
func (s *programServer) Close() {
	s.close.Do(func() {
		if s.cmd.Process.Signal(syscall.SIGTERM) != nil { // Windows has no such signal
			_ = s.cmd.Process.Kill()
		}
		_ = s.cmd.Wait() // closes the pipe, which a process below it may still hold
		s.output.Wait()
		_ = s.log.Close()
	})
}

// clientCommand is the command line that runs a remote command.
type clientCommand func(ctx context.Context, j *job, remote string) *exec.Cmd

// runProgram does a bulk job with a client that is a program. It has no clock of its own, so the time and CPU of a login
// that does nothing, measured just before, are taken off.
func runProgram(ctx context.Context, j *job, command clientCommand) (result, error) {
	idle, err := timeProgram(command(ctx, j, commandNothing))
	if err != nil {
		return result{}, err
	}
	cmd := command(ctx, j, commandGenerate(j.Bytes, standardWrite))
	if j.Work == workUp {
		cmd = command(ctx, j, commandDiscard)
		zeros, err := warmFile(filepath.Join(j.Dir, "zeros"), j.Bytes)
		if err != nil {
			return result{}, err
		}
		defer zeros.Close()
		cmd.Stdin = zeros
	}
	r, err := timeProgram(cmd)
	return r.less(idle), err
}

// less is what is left of a result without what a login took.
func (r result) less(login result) result {
	return result{Seconds: max(r.Seconds-login.Seconds, leastSeconds), CPU: max(r.CPU-login.CPU, 0)}
}

// leastSeconds is what a transfer took that was over before the login could be told from it.
const leastSeconds = 1e-3

func timeProgram(cmd *exec.Cmd) (result, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("%s: %w: %s", cmd.Args[0], err, strings.TrimSpace(complaint.String()))
	}
	return result{Seconds: time.Since(begin).Seconds(), CPU: processCPU(cmd.ProcessState)}, nil
}

// warmFile is sparseFile with the bytes in the system's cache, where they stay for the next one who asks: to whom reading
// fills the cache, that takes as long as an encryption.
func warmFile(name string, n int64) (*os.File, error) {
	f, err := sparseFile(name, n)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(io.Discard, f); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// sparseFile opens a file of n zero bytes that takes no room: the cheapest input there is.
func sparseFile(name string, n int64) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(n); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
