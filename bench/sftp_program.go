package main

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
)

// runSFTP does a job with the program sftp; as in runProgram what a login takes is taken off.
func runSFTP(ctx context.Context, j *job) (result, error) {
	source, target := sourceFiles(j.Dir, j.Count), filepath.Join(j.Dir, copiedFiles)
	line := string(j.Work) + " -r " + source + " " + target
	if j.Count == 1 {
		line = string(j.Work) + " " + filepath.Join(source, "0") + " " + target
	}
	idle, err := timeProgram(sftpCommand(ctx, j, "pwd"))
	if err != nil {
		return result{}, err
	}
	r, err := timeProgram(sftpCommand(ctx, j, line))
	return r.less(idle), err
}

// sftpCommand is the command line of sftp for one command of its own.
func sftpCommand(ctx context.Context, j *job, line string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(j.Addr)
	cmd := exec.CommandContext(ctx, "sftp", append(sshOptions(j), "-q", "-b", "-", "-P", port, userName()+"@"+host)...)
	cmd.Stdin = strings.NewReader(line + "\n")
	return cmd
}
