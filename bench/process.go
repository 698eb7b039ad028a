package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is a running server of any peer.
type server interface {
	Addr() string
	// CPU returns the CPU seconds used so far. With sshd it ends the listening.
	CPU() (float64, error)
	// Memory returns what the server holds, after collections.
	Memory() (memory, error)
	Close()
}

func startServer(ctx context.Context, j *job) (server, error) {
	switch j.Peer {
	case openssh:
		return startSSHD(j)
	case hawserd:
		return startHawserd(j)
	case dropbear:
		return startDropbear(j)
	}
	c, err := startChild(ctx, childServer, j)
	if err != nil {
		return nil, err
	}
	s := &childServerProcess{child: c}
	if s.addr, err = c.line(); err != nil {
		c.stop()
		return nil, err
	}
	return s, nil
}

// runClient does a job in a process of its own and waits for it.
func runClient(ctx context.Context, j *job) (result, error) {
	switch {
	case j.Peer == openssh && j.Work.isSFTP():
		return runSFTP(ctx, j)
	case j.Peer == openssh:
		return runProgram(ctx, j, sshCommand)
	case j.Peer == dropbear:
		return runProgram(ctx, j, dbclientCommand)
	}
	c, err := startChild(ctx, childClient, j)
	if err != nil {
		return result{}, err
	}
	defer c.stop()
	return c.result()
}

// child is a process of this program, controlled by lines on its standard input and output.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors strings.Builder
}

func startChild(ctx context.Context, role string, j *job) (*child, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	line := []string{self, role, string(text)}
	if j.Peer == asyncssh {
		line = asyncsshCommand(role, string(text))
	}
	c := new(child)
	c.cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	c.cmd.Stderr = &c.errors
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	return c, c.cmd.Start()
}

// line reads what the child prints next; without anything, the error is what it complained of.
func (c *child) line() (string, error) {
	text, err := c.out.ReadString('\n')
	if err != nil {
		_ = c.cmd.Wait()
		return "", fmt.Errorf("process ended: %s", strings.TrimSpace(c.errors.String()))
	}
	return strings.TrimSpace(text), nil
}

func (c *child) result() (result, error) {
	var r result
	text, err := c.line()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// ask sends a line and decodes what comes back.
func ask[T any](c *child, question string) (answer T, err error) {
	if _, err := fmt.Fprintln(c.in, question); err != nil {
		return answer, err
	}
	text, err := c.line()
	if err != nil {
		return answer, err
	}
	err = json.Unmarshal([]byte(text), &answer)
	return answer, err
}

// stop ends the child, which ends when its input does, and waits for it.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

type childServerProcess struct {
	*child
	addr string
}

// Addr implements server.
func (s *childServerProcess) Addr() string { return s.addr }

// CPU implements server.
func (s *childServerProcess) CPU() (float64, error) { return ask[float64](s.child, askCPU) }

// Memory implements server.
func (s *childServerProcess) Memory() (memory, error) { return ask[memory](s.child, askMemory) }

// Close implements server.
func (s *childServerProcess) Close() { s.stop() }

// measured is what one job costs both sides.
type measured struct {
	result
	serverCPU float64
}

// pairJob starts the server of a peer, runs a job of its client against it, and stops the server.
func (b *bench) pairJob(ctx context.Context, serverPeer string, j job) (measured, error) {
	return b.pairJobVia(ctx, serverPeer, j, nil)
}

// pairJobVia is pairJob with a proxy between the two, where via is not nil.
func (b *bench) pairJobVia(ctx context.Context, serverPeer string, j job, via func(addr string) (*proxy, error)) (measured, error) {
	b.complete(&j)
	s := j
	s.Peer, s.Profile = serverPeer, b.profileName(&j, "server")
	server, err := startServer(ctx, &s)
	if err != nil {
		return measured{}, fmt.Errorf("server: %w", err)
	}
	defer server.Close()
	before := 0.0
	if serverPeer != openssh { // sshd uses nothing before, and asking would end it
		if before, err = server.CPU(); err != nil {
			return measured{}, fmt.Errorf("server: %w", err)
		}
	}
	j.Addr, j.Profile = server.Addr(), b.profileName(&j, "client")
	if via != nil {
		p, err := via(j.Addr)
		if err != nil {
			return measured{}, fmt.Errorf("proxy: %w", err)
		}
		defer p.Close()
		j.Addr = p.Addr()
	}
	r, err := runClient(ctx, &j)
	if err != nil {
		return measured{}, fmt.Errorf("client: %w", err)
	}
	after, err := server.CPU()
	return measured{result: r, serverCPU: after - before}, err
}

// complete fills in what all jobs have, and what a job does not say.
func (b *bench) complete(j *job) {
	j.Dir = b.dir
	if j.Kex == "" {
		j.Kex = b.kex[0]
	}
	if j.HostKey == "" {
		j.HostKey = b.hostKeys[0]
	}
}

// profileName is the file for the profile of one process; later repetitions write over it.
func (b *bench) profileName(j *job, side string) string {
	if b.profile == "" || !inGo(j.Peer) {
		return ""
	}
	return filepath.Join(b.profile, fmt.Sprintf("%s-%s-%s-%s.pprof", j.Peer, j.Work, j.Suite.Name, side))
}
