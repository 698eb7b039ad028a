package main

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// stdio is standard input and output as one connection, for -inetd and -sftp-server.
type stdio struct {
	in, out *os.File
	once    sync.Once
}

// stdioConn returns the connection on standard input and output: the socket itself where they are one, as under inetd
// and systemd, else the two files, as under ProxyCommand.
func stdioConn(in, out *os.File) net.Conn {
	if conn, err := net.FileConn(in); err == nil {
		return conn
	}
	return &stdio{in: pollable(in), out: pollable(out)}
}

func (s *stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }

// Close closes both files, once.
func (s *stdio) Close() (err error) {
	s.once.Do(func() { err = errors.Join(s.in.Close(), s.out.Close()) })
	return err
}

func (s *stdio) LocalAddr() net.Addr  { return stdioAddr{} }
func (s *stdio) RemoteAddr() net.Addr { return stdioAddr{} }

// SetDeadline and its like have no effect on files that the system cannot wait for.
func (s *stdio) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
func (s *stdio) SetReadDeadline(t time.Time) error  { return noDeadline(s.in.SetReadDeadline(t)) }
func (s *stdio) SetWriteDeadline(t time.Time) error { return noDeadline(s.out.SetWriteDeadline(t)) }

func noDeadline(err error) error {
	if errors.Is(err, os.ErrNoDeadline) {
		return nil
	}
	return err
}

// stdioAddr stands in for an address where there is none.
type stdioAddr struct{}

func (stdioAddr) Network() string { return "stdio" }

// String is no address, not even a local one: it decides for the from option of keys, and anybody can be at the other end.
func (stdioAddr) String() string { return "UNKNOWN:65535" }
