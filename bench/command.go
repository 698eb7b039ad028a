package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The commands that clients run. They are a shell's, so that a real sshd understands them; the servers in Go do the
// same inside their process.
const (
	commandDiscard = "cat >/dev/null"
	commandEcho    = "cat"
	commandNothing = "true"
)

// subsystemSFTP is no command but a subsystem.
const subsystemSFTP = "sftp"

// chunk is how much is read at once by what uses a channel.
const chunk = 64 << 10

// commandGenerate makes n zero bytes. A size other than the standard one is that of the command's writes.
func commandGenerate(n int64, size int) string {
	text := fmt.Sprintf("head -c %d /dev/zero", n)
	if size != standardWrite {
		text += fmt.Sprintf(" | dd obs=%d", size)
	}
	return text
}

// parseGenerate reads what commandGenerate made.
func parseGenerate(command string) (n int64, size int, err error) {
	size = standardWrite
	head, dd, small := strings.Cut(command, " | dd obs=")
	if small {
		if size, err = strconv.Atoi(dd); err != nil {
			return 0, 0, err
		}
	}
	n, err = strconv.ParseInt(strings.Fields(head)[2], 10, 64)
	return n, size, err
}

// runCommand does what a command says on a channel, and returns its exit status.
func runCommand(command string, channel io.ReadWriter) uint32 {
	var err error
	switch {
	case command == commandDiscard:
		err = discard(channel)
	case command == subsystemSFTP:
		err = serveSFTP(channel)
	case command == commandEcho:
		_, err = io.CopyBuffer(plainWriter{channel}, channel, make([]byte, chunk))
	case strings.HasPrefix(command, "head -c "):
		var n int64
		var size int
		if n, size, err = parseGenerate(command); err == nil {
			err = generate(channel, n, size)
		}
	case command != commandNothing:
		return 127
	}
	if err != nil {
		return 1
	}
	return 0
}

// plainWriter hides every method but Write: an echo must not wait for more than one read.
type plainWriter struct{ io.Writer }

// sink counts and forgets.
type sink struct{ n int64 }

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

// discard reads to the end.
func discard(r io.Reader) error { return copyAll(new(sink), r) }

// copyAll copies to the end, by the reader's own WriteTo where it has one.
func copyAll(w *sink, r io.Reader) error {
	_, err := io.CopyBuffer(w, r, make([]byte, chunk))
	return err
}

// generate writes n zero bytes, size at a time.
func generate(w io.Writer, n int64, size int) error {
	p := make([]byte, size)
	for n > 0 {
		p = p[:min(n, int64(len(p)))]
		if _, err := w.Write(p); err != nil {
			return err
		}
		n -= int64(len(p))
	}
	return nil
}
