//go:build !unix

package peertest

import "os/exec"

func ownGroup(*exec.Cmd) {}

func lockFile(string) (func(), error) { return func() {}, nil }
