package main

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeCode: the Go code of README.md stands in the example of the daemon, which is compiled and run.
func TestReadmeCode(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	// The example's code stands one level deeper.
	flat := strings.ReplaceAll(string(example), "\n\t", "\n")
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) != 3 {
		t.Errorf("%d blocks of Go code, want 3", len(blocks))
	}
	if n := strings.Count(strings.Split(blocks[0], "```")[0], "\n"); n >= 30 {
		t.Errorf("a first server takes %d lines, want less than 30", n)
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(flat, code) {
			t.Errorf("not in daemon/example_test.go:\n%s", code)
		}
	}
}
