package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"
)

// Limits of one file transfer session, beside those of the sftp package (a request is at most 256 KiB, eight are worked
// on at a time).
const (
	maxSFTPHandles = 256
	maxSFTPPacket  = 256 << 10
	// sftpReadSize is the most one read request returns: a packet less its header.
	sftpReadSize = maxSFTPPacket - 1024
)

var (
	errSFTPOrder  = errors.New("sftp: version exchange expected once, first")
	errSFTPLength = errors.New("sftp: packet length out of range")
)

// serveStdio serves SFTP alone on standard input and output. It returns when ctx ends, whatever the client does: the reads
// and writes under way end with the process.
func serveStdio(ctx context.Context, in, out *os.File) error {
	served := make(chan error, 1)
	go func() { served <- serveSFTP(&stdio{in: in, out: out}, "") }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return nil
	}
}

// serveSFTP serves the SFTP subsystem, protocol version 3 (draft-ietf-secsh-filexfer-02), until the client has sent all.
// Relative paths start at dir, or at the working directory when dir is empty.
func serveSFTP(stream io.ReadWriteCloser, dir string) error {
	options := []sftp.ServerOption{sftp.WithMaxTxPacket(sftpReadSize)}
	if dir != "" {
		options = append(options, sftp.WithServerWorkingDirectory(dir))
	}
	server, err := sftp.NewServer(newSFTPGuard(stream, dir), options...)
	if err != nil {
		return fmt.Errorf("sftp: %w", err)
	}
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("sftp: %w", err)
	}
	return nil
}
