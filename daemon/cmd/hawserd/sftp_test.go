package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/sftp"
)

// startSFTP serves one end of a connection and returns the other with the channel of the server's result.
func startSFTP(t *testing.T, dir string) (net.Conn, <-chan error) {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- serveSFTP(server, dir) }()
	t.Cleanup(func() { client.Close() })
	return client, done
}

func TestSFTP(t *testing.T) {
	dir := t.TempDir()
	conn, done := startSFTP(t, dir)
	c, err := sftp.NewClientPipe(conn, conn)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("relative")
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * i >> 7)
	}
	if _, err := f.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "relative"))
	if err != nil || string(got) != string(want) {
		t.Errorf("%d bytes written, %v", len(got), err)
	}
	c.Close()
	if err := <-done; err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// TestSFT03Handles: the limit of open handles holds, exactly, and what is refused leaves nothing behind.
func TestSFT03Handles(t *testing.T) {
	dir := t.TempDir()
	conn, _ := startSFTP(t, dir)
	c, err := sftp.NewClientPipe(conn, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var open []*sftp.File
	for i := range maxSFTPHandles {
		f, err := c.Open(name)
		if err != nil {
			t.Fatalf("handle %d: %v", i, err)
		}
		open = append(open, f)
	}
	if _, err := c.Open(name); err == nil {
		t.Fatal("one handle above the limit was opened")
	}
	if _, err := c.ReadDir(dir); err == nil {
		t.Fatal("a directory was opened above the limit")
	}
	if _, err := c.Open(filepath.Join(dir, "absent")); err == nil {
		t.Fatal("an absent file was opened")
	}
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // what fails gives its place back
		if _, err := c.Open(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("absent file: %v", err)
		}
	}
	f, err := c.Open(name)
	if err != nil {
		t.Fatalf("after one was closed: %v", err)
	}
	if _, err := c.Stat(name); err != nil {
		t.Errorf("a request that opens nothing: %v", err)
	}
	f.Close()
}

// TestSFT01: what is no SFTP ends the session.
func TestSFT01(t *testing.T) {
	packet := func(length uint32, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, length), body...)
	}
	initial := packet(5, fxpInit, 0, 0, 0, 3)
	for name, input := range map[string][]byte{
		"length 0":         packet(0, 1),
		"length 4":         packet(4, 1, 0, 0, 0),
		"length too large": packet(maxSFTPPacket+1, 1),
		"length 2^32-1":    packet(1<<32-1, 1),
		"before init":      packet(5, 7, 0, 0, 0, 1),
		"init twice":       append(append([]byte{}, initial...), initial...),
		"cut in a header":  packet(9, 1)[:3],
		"cut in a body":    packet(9, 1, 0),
	} {
		t.Run(name, func(t *testing.T) {
			conn, done := startSFTP(t, "")
			go io.Copy(io.Discard, conn)
			_, _ = conn.Write(input)
			if name == "cut in a header" || name == "cut in a body" {
				conn.Close()
			}
			if err := <-done; err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestSFTPGuardOrder feeds responses in pieces of every size.
func TestSFTPGuardOrder(t *testing.T) {
	response := func(kind byte, id, status uint32) []byte {
		b := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 9, kind}, id)
		return binary.BigEndian.AppendUint32(b, status)
	}
	for size := 1; size < 30; size++ {
		g := &sftpGuard{stream: discard{}}
		for _, kind := range []byte{fxpOpen, fxpOpen, 17, fxpClose, fxpClose} {
			if !g.admit(kind) {
				t.Fatal("refused")
			}
		}
		all := append(response(fxpHandle, 1, 0), response(fxpStatus, 2, 2)...)
		all = append(append(all, response(105, 3, 0)...), response(fxpStatus, 4, 4)...)
		if err := writeInPieces(g, all, size); err != nil {
			t.Fatal(err)
		}
		if g.handles != 1 || g.opening != 0 || len(g.pending) != 1 {
			t.Fatalf("pieces of %d: %d open, %d opening, %d pending", size, g.handles, g.opening, len(g.pending))
		}
		if err := writeInPieces(g, response(fxpStatus, 5, 0), size); err != nil || g.handles != 0 {
			t.Fatalf("pieces of %d: %d open, %v", size, g.handles, err)
		}
	}
}

func writeInPieces(w io.Writer, p []byte, size int) error {
	for len(p) > 0 {
		n := min(size, len(p))
		if k, err := w.Write(p[:n]); k != n || err != nil {
			return fmt.Errorf("%d of %d: %w", k, n, err)
		}
		p = p[n:]
	}
	return nil
}

type discard struct{}

func (discard) Read([]byte) (int, error)    { return 0, io.EOF }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
