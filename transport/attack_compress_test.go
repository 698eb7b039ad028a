package transport_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// deflater returns a compressed stream of its own, flushed for each payload.
func deflater() func([]byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	return func(payload []byte) []byte {
		out.Reset()
		w.Write(payload)
		w.Flush()
		return bytes.Clone(out.Bytes())
	}
}

// inflater reads such a stream from its beginning, each time anew.
func inflater(t *testing.T) func([]byte) []byte {
	var stream []byte
	done := 0
	return func(payload []byte) []byte {
		stream = append(stream, payload...)
		r, err := zlib.NewReader(bytes.NewReader(stream))
		if err != nil {
			t.Errorf("no beginning of a stream: %v", err)
			return []byte{0}
		}
		text, _ := io.ReadAll(r) // up to the end of what has come
		fresh := text[done:]
		done = len(text)
		return fresh
	}
}

// TestPKT21Rekey: both directions begin a new stream behind NEWKEYS; one that
// goes on there is corrupt.
func TestPKT21Rekey(t *testing.T) {
	for _, method := range []string{"zlib", "zlib@openssh.com"} {
		t.Run(method, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				for _, stale := range []bool{false, true} {
					s := compressedSubject(t, role, method)
					s.alive(t)
					must(t, s.peer.SendKexInit())
					must(t, s.peer.ReadKexInit())
					must(t, s.peer.Agree())
					must(t, s.peer.SendNewKeys())
					must(t, s.peer.ReadNewKeys())
					s.peer.Inflate = inflater(t)
					if stale {
						must(t, s.peer.Send(ignoreMsg))
						s.dropped(t, wire.ReasonCompressionError)
						continue
					}
					s.peer.Deflate = deflater()
					s.alive(t)
				}
			})
		})
	}
}

// compressedSubject returns a subject that compresses both directions and has
// logged in.
func compressedSubject(t *testing.T, role wire.Role, method string) *subject {
	t.Helper()
	s := attack(t, role, transport.Config{Compression: []string{method}})
	s.peer.Init.CompressionCS = wire.NewNameList(method)
	s.peer.Init.CompressionSC = s.peer.Init.CompressionCS
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	if method == "zlib" {
		s.peer.Deflate, s.peer.Inflate = deflater(), inflater(t)
	}
	s.login(t)
	if method != "zlib" {
		s.peer.Deflate, s.peer.Inflate = deflater(), inflater(t)
	}
	return s
}
