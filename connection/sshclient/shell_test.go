package sshclient_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// outcome is how a command of the shell below ended.
type outcome struct {
	status  int
	signal  string
	nothing bool // close without a word
}

// runShell is all of a shell that the tests of sessions need, so that servers
// inside the test need no programs. Statements are separated by "; ".
func runShell(command string, stdin io.Reader, stdout, stderr io.Writer) outcome {
	for _, statement := range strings.Split(command, "; ") {
		out := stdout
		statement, toErr := strings.CutSuffix(statement, " >&2")
		if toErr {
			out = stderr
		}
		words := strings.Fields(statement)
		switch words[0] {
		case "echo":
			fmt.Fprintln(out, strings.Join(words[1:], " "))
		case "cat":
			io.Copy(out, stdin)
		case "head": // -c N /dev/zero
			n, _ := strconv.ParseInt(words[2], 10, 64)
			io.CopyN(out, zeros{}, n)
		case "exec": // true
			return outcome{}
		case "exit":
			status, _ := strconv.Atoi(words[1])
			return outcome{status: status}
		case "kill": // -NAME $$
			return outcome{signal: words[1][1:]}
		case "vanish":
			return outcome{nothing: true}
		default:
			fmt.Fprintln(stderr, "unknown command", words[0])
			return outcome{status: 127}
		}
	}
	return outcome{}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
