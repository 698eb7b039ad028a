package agent

import (
	"encoding/binary"
	"io"

	"github.com/hawser-ssh/hawser/wire"
)

// readMessage returns the next message, which the caller owns: its number and
// what follows. io.EOF is the end between two messages.
func readMessage(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n == 0 || n > MaxMessage {
		return nil, protocolError("message of %d bytes, 1 to %d are accepted", n, MaxMessage)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(r, p); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return p, nil
}

// writeMessage sends a message in one write, and wipes it.
func writeMessage(w io.Writer, p []byte) error {
	if len(p) > MaxMessage {
		return tooLarge(len(p))
	}
	framed := wire.AppendBytes(make([]byte, 0, 4+len(p)), p)
	clear(p) // it may hold a private key, or a passphrase
	defer clear(framed)
	_, err := w.Write(framed)
	return err
}

// tooLarge is the error of a message of ours that nobody would take.
func tooLarge(n int) error {
	return protocolError("message of %d bytes would exceed %d", n, MaxMessage)
}
