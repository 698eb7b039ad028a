package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Packet types of draft-ietf-secsh-filexfer-02 §3 that the guard looks at.
const (
	fxpInit    = 1
	fxpOpen    = 3
	fxpClose   = 4
	fxpOpendir = 11
	fxpStatus  = 101
	fxpHandle  = 102
)

// sftpGuard stands between a channel and the sftp package and holds the limits that the package does not have: the
// version exchange comes first and once, a client has at most maxSFTPHandles open, and none of them is a named pipe. It
// counts handles by pairing requests with responses, which the package sends in the order of the requests.
type sftpGuard struct {
	stream io.ReadWriteCloser
	dir    string // where relative paths start
	in     *bufio.Reader
	left   int    // bytes of the current request still to be handed over
	head   []byte // of the current request, to be handed over first
	begun  bool

	out []byte // a response that is not complete yet

	mu      sync.Mutex
	pending []byte // types of the requests that have no response yet
	opening int    // how many of pending would open a handle
	handles int    // open now
}

func newSFTPGuard(stream io.ReadWriteCloser, dir string) *sftpGuard {
	return &sftpGuard{stream: stream, dir: dir, in: bufio.NewReaderSize(stream, 64<<10)}
}

// Close closes the stream.
func (g *sftpGuard) Close() error { return g.stream.Close() }

// Read hands over requests, and in place of one too many open a request that fails.
func (g *sftpGuard) Read(p []byte) (int, error) {
	if g.left == 0 && len(g.head) == 0 {
		if err := g.nextRequest(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.in.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// nextRequest reads the length and type of a request and decides what becomes of it.
func (g *sftpGuard) nextRequest() error {
	head, err := g.in.Peek(5)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	length, kind := binary.BigEndian.Uint32(head), head[4]
	if length < 5 || length > maxSFTPPacket {
		return errSFTPLength
	}
	if (kind == fxpInit) == g.begun {
		return errSFTPOrder
	}
	g.begun = true
	if kind == fxpOpen && g.pipe(4+int(length)) {
		g.mu.Lock()
		g.pending = append(g.pending, fxpClose)
		g.mu.Unlock()
		return g.refuse(int(length))
	}
	if g.admit(kind) {
		g.left = 4 + int(length)
		return nil
	}
	return g.refuse(int(length))
}

// pipe reports whether an open request of this size, length included, names a pipe. To open one waits until somebody
// opens its other end: that holds a thread, which neither the client's end nor a shutdown would get back.
func (g *sftpGuard) pipe(size int) bool {
	const before = 9 // length, type, id
	request, _ := g.in.Peek(min(size, g.in.Size()))
	if len(request) < before+4 {
		return false
	}
	n, rest := int(binary.BigEndian.Uint32(request[before:])), request[before+4:]
	if n > len(rest) { // malformed, or longer than any path
		return false
	}
	path := string(rest[:n])
	if !filepath.IsAbs(path) {
		path = filepath.Join(g.dir, path)
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// admit notes a request. It reports false for an open beyond the limit, noting it as one that cannot succeed.
func (g *sftpGuard) admit(kind byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if kind == fxpOpen || kind == fxpOpendir {
		if g.handles+g.opening >= maxSFTPHandles {
			g.pending = append(g.pending, fxpClose)
			return false
		}
		g.opening++
	}
	g.pending = append(g.pending, kind)
	return true
}

// refuse replaces the open request by closing a handle that does not exist: the answer is a failure with the right id,
// in its place in the order.
func (g *sftpGuard) refuse(length int) error {
	var head [9]byte
	if _, err := io.ReadFull(g.in, head[:]); err != nil {
		return err
	}
	if _, err := g.in.Discard(length - 5); err != nil {
		return err
	}
	closing := make([]byte, 13) // length, type, id, empty handle
	binary.BigEndian.PutUint32(closing, 9)
	closing[4] = fxpClose
	copy(closing[5:9], head[5:9])
	g.head = closing
	return nil
}

// Write collects a response, which may come in pieces, and sends it whole.
func (g *sftpGuard) Write(p []byte) (int, error) {
	g.out = append(g.out, p...)
	for len(g.out) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(g.out))
		if len(g.out) < size {
			break
		}
		g.answered(g.out[:size])
		if _, err := g.stream.Write(g.out[:size]); err != nil {
			return 0, err
		}
		g.out = append(g.out[:0], g.out[size:]...)
	}
	return len(p), nil
}

// answered pairs a response with its request.
func (g *sftpGuard) answered(response []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.pending) == 0 || len(response) < 5 {
		return
	}
	asked := g.pending[0]
	g.pending = append(g.pending[:0], g.pending[1:]...)
	switch {
	case asked == fxpOpen || asked == fxpOpendir:
		g.opening--
		if response[4] == fxpHandle {
			g.handles++
		}
	case asked == fxpClose && response[4] == fxpStatus && len(response) >= 13:
		if binary.BigEndian.Uint32(response[9:]) == 0 {
			g.handles--
		}
	}
}
