package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
)

// Hidden subcommands: the program starts itself with one of these and a job.
const (
	childServer = "child-server"
	childClient = "child-client"
)

// Questions to a server.
const (
	askCPU    = "cpu"
	askMemory = "memory"
)

func isChild(name string) bool { return name == childServer || name == childClient }

// runChild is main in a child process.
func runChild(role, text string) int {
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil && role == childServer {
		err = serveJob(&j, os.Stdin, os.Stdout)
	} else if err == nil {
		err = clientJob(&j, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return 0
}

// serveJob listens, prints its address, and answers questions until in ends.
func serveJob(j *job, in io.Reader, out io.Writer) error {
	p, err := findPeer(j.Peer)
	if err != nil {
		return err
	}
	serve, err := p.newServer(j)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	go func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = serve(nc) }() // how it ended is the client's to say
		}
	}()
	stop, err := startProfile(j)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(out, listener.Addr())
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch lines.Text() {
		case askCPU:
			fmt.Fprintln(out, ownCPU())
		case askMemory:
			_ = json.NewEncoder(out).Encode(ownMemory())
		}
	}
	return nil
}

// clientJob does the work of a job and prints the result. Idle connections stay until in ends.
func clientJob(j *job, in io.Reader, out io.Writer) error {
	p, err := findPeer(j.Peer)
	if err != nil {
		return err
	}
	dial, err := p.newDialer(j)
	if err != nil {
		return err
	}
	stop, err := startProfile(j)
	if err != nil {
		return err
	}
	defer stop()
	do := map[work]func(context.Context, dialer, *job) (result, error){
		workUp: transfer, workDown: transfer, workLogin: logIn, workTrip: takeTrips, workOpen: openChannels, workIdle: stayIdle,
		workPut: copyFiles, workGet: copyFiles,
	}[j.Work]
	r, err := do(context.Background(), dial, j)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	if j.Work == workIdle {
		_, _ = io.Copy(io.Discard, in)
	}
	return nil
}

// startProfile begins the profile that a job wants: of the heap for idle connections, else of the CPU.
func startProfile(j *job) (stop func(), err error) {
	if j.Profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(j.Profile)
	if err != nil {
		return nil, err
	}
	if j.Work == workIdle {
		runtime.MemProfileRate = 512
		return func() {
			runtime.GC()
			_ = pprof.Lookup("heap").WriteTo(f, 0)
			_ = f.Close()
		}, nil
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
