package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pkg/sftp"
)

// smallFile is the size of one of many files, in bytes.
const smallFile = 1 << 10

// sftpSteps measures a large file and many small ones, to the server (put) and from it (get): with github.com/pkg/sftp at
// both ends for the peers in Go, and with OpenSSH's sftp against hawserd, in the column hawser, and sshd.
func (b *bench) sftpSteps() []step {
	many := fmt.Sprintf("%d files", b.files)
	large, small := job{Bytes: b.bytes / 2, Count: 1}, job{Bytes: smallFile, Count: b.files}
	if err := errors.Join(makeFiles(b.dir, large), makeFiles(b.dir, small)); err != nil {
		fmt.Fprintln(b.progress, "without sftp:", err)
		return nil
	}
	var steps []step
	for _, direction := range []work{workPut, workGet} {
		for _, files := range []struct {
			name string
			job  job
		}{{"one file", large}, {many, small}} {
			j := files.job
			j.Work = direction
			steps = append(steps, b.sftpPackageSteps(fmt.Sprintf("%s %s, pkg/sftp", direction, files.name), j)...)
			steps = append(steps, b.sftpProgramSteps(fmt.Sprintf("%s %s, sftp(1)", direction, files.name), j)...)
		}
	}
	return steps
}

func (b *bench) sftpPackageSteps(name string, j job) []step {
	var steps []step
	for _, peer := range b.peers {
		if inGo(peer) {
			j.Peer = peer
			steps = append(steps, b.sftpStep(name, peer, peer, j))
		}
	}
	return steps
}

func (b *bench) sftpProgramSteps(name string, j job) []step {
	var steps []step
	for _, d := range b.daemons() {
		j.Peer = openssh
		steps = append(steps, b.sftpStep(name, d.server, d.column, j))
	}
	return steps
}

func (b *bench) sftpStep(name, server, column string, j job) step {
	j.Suite = standardSuite(column)
	return step{"sftp", name, column, func(ctx context.Context) (string, error) {
		defer os.RemoveAll(filepath.Join(b.dir, copiedFiles))
		m, err := b.pairJob(ctx, server, j)
		if err != nil {
			return "", err
		}
		if j.Count == 1 {
			return b.addTransfer("sftp", name, column, j.Bytes, m), nil
		}
		rate := float64(j.Count) / m.Seconds
		b.results.add("sftp", name, column, "files/s", true, rate)
		b.results.add("sftp", name, column, "client CPU us", false, m.CPU/float64(j.Count)*1e6)
		b.results.add("sftp", name, column, "server CPU us", false, m.serverCPU/float64(j.Count)*1e6)
		return fmt.Sprintf("%.0f files/s", rate), nil
	}}
}

// copiedFiles is the directory that a measurement copies to.
const copiedFiles = "sftp-copy"

// sourceFiles is the directory that a job's files are in.
func sourceFiles(dir string, count int) string {
	return filepath.Join(dir, fmt.Sprintf("sftp-%d", count))
}

// makeFiles makes what a job copies.
func makeFiles(dir string, j job) error {
	source := sourceFiles(dir, j.Count)
	if err := os.MkdirAll(source, 0o700); err != nil {
		return err
	}
	for i := range j.Count {
		f, err := sparseFile(filepath.Join(source, strconv.Itoa(i)), j.Bytes)
		if err != nil {
			return err
		}
		_ = f.Close()
	}
	return nil
}

// copyFiles is the client's part in Go: one file after the other, with as many requests on their way as the package
// likes.
func copyFiles(ctx context.Context, dial dialer, j *job) (result, error) {
	c, err := dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	s, err := c.Start(ctx, subsystemSFTP)
	if err != nil {
		return result{}, err
	}
	files, err := sftp.NewClientPipe(s, writeCloser{s}, sftp.UseConcurrentWrites(true))
	if err != nil {
		return result{}, err
	}
	defer files.Close()
	source, target := sourceFiles(j.Dir, j.Count), filepath.Join(j.Dir, copiedFiles)
	if err := os.Mkdir(target, 0o700); err != nil {
		return result{}, err
	}
	carry := put
	if j.Work == workGet {
		carry = get
	}
	begin, cpu := time.Now(), ownCPU()
	for i := range j.Count {
		name := strconv.Itoa(i)
		if err := carry(files, filepath.Join(target, name), filepath.Join(source, name)); err != nil {
			return result{}, err
		}
	}
	return result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}, nil
}

func put(c *sftp.Client, target, source string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := c.Create(target)
	if err != nil {
		return err
	}
	_, err = to.ReadFrom(from)
	return errors.Join(err, to.Close())
}

func get(c *sftp.Client, target, source string) error {
	from, err := c.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = from.WriteTo(to)
	return errors.Join(err, to.Close())
}

// writeCloser closes a session by the end of its input.
type writeCloser struct{ session }

func (w writeCloser) Close() error { return w.CloseWrite() }

// serveSFTP is the server's part in Go.
func serveSFTP(channel io.ReadWriter) error {
	s, err := sftp.NewServer(neverClosed{channel})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Serve()
}

// neverClosed leaves it to others to close a channel.
type neverClosed struct{ io.ReadWriter }

func (neverClosed) Close() error { return nil }
