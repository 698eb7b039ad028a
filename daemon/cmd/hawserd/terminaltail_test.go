//go:build unix

package main

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/creack/pty"
)

// What a program has written to its terminal is read also where its end is noticed between two steps of the reader.
func TestTerminalTailAtTheEnd(t *testing.T) {
	blocking, child, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	tty := pollable(blocking)
	if tty != blocking {
		blocking.Close()
	}
	defer tty.Close()
	p := &program{tty: tty, gone: make(chan struct{})}
	tail := strings.Repeat("tail", 500)
	if _, err := child.WriteString(tail); err != nil {
		t.Fatal(err)
	}
	child.Close()
	close(p.gone)
	read, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		for {
			select {
			case <-read:
				return
			default:
				p.drainTerminal()
			}
		}
	}()
	got, err := io.ReadAll(iotest.OneByteReader(p.output())) // so many steps that the two meet
	close(read)
	<-drained
	if string(got) != tail || !terminalEnd(err) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(tail), err)
	}
}
