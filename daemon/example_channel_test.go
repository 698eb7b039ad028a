package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/wire"
)

// acceptSecret lets everybody in who knows the password.
func acceptSecret(e *daemon.SSHUserAuthRequestEvent) { e.Accept = e.AuthParam == "secret" }

// A subsystem, by name as sftp is one, that repeats each line. With Stream the
// program reads and writes the channel itself; events tell of the rest.
func Example_subsystem() {
	d := daemon.New()
	d.OnSSHUserAuthRequest = acceptSecret
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) {
		e.Accept = e.Service == "session"
		e.Stream = true
	}
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) {
		name, err := d.GetSSHParam(e.Packet, "Subsystem")
		e.Success = e.RequestType == "subsystem" && err == nil && name == "echo"
	}
	var running sync.WaitGroup
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		channel, err := d.SSHChannel(e.ChannelID)
		if err != nil {
			return
		}
		running.Go(func() { // an event returns at once: the next ones wait for it
			lines := bufio.NewScanner(channel.Conn())
			for lines.Scan() {
				fmt.Fprintf(channel.Conn(), "you said %s\n", lines.Text())
			}
			channel.Exit(0)
		})
	}
	start(d)
	defer running.Wait()
	defer d.Shutdown()

	ctx := context.Background()
	c := mustDial(d)
	defer c.Close()
	session, err := c.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	in, _ := session.StdinPipe()
	out, _ := session.StdoutPipe()
	if err := session.Subsystem(ctx, "echo"); err != nil {
		log.Fatal(err)
	}
	io.WriteString(in, "hello\n")
	in.Close()
	answer, _ := io.ReadAll(out)
	fmt.Printf("%s", answer)
	// Output: you said hello
}

// Requests that have no method of their own are built by hand: here the signal
// that ended a program (RFC 4254 §6.10).
func Example_rawPacket() {
	d := daemon.New()
	d.OnSSHUserAuthRequest = acceptSecret
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) { e.Success = e.RequestType == "exec" }
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		var packet []byte
		for _, field := range [][2]string{
			{"s", "exit-signal"}, {"f", "false"}, // the request, which wants no reply
			{"s", "SEGV"}, {"f", "true"}, {"s", "out of bounds"}, {"s", ""}, // signal, core dump, message, language
		} {
			var err error
			if packet, err = d.SetSSHParam(packet, field[0], field[1]); err != nil {
				log.Print(err)
				return
			}
		}
		const channelRequest = 98
		if err := d.SendSSHPacket(e.ChannelID, channelRequest, packet); err != nil {
			log.Print(err)
		}
		d.CloseChannel(e.ChannelID)
	}
	start(d)
	defer d.Shutdown()

	c := mustDial(d)
	defer c.Close()
	fmt.Println(c.Run(context.Background(), "crash"))
	// Output: sshclient: remote command ended by signal SEGV (core dumped): out of bounds
}

// A server that connects its clients to one address, and to no other
// (ssh -L). The answer comes later, so that a slow target holds up nobody.
func Example_forwarding() {
	target, err := net.Listen("tcp", "127.0.0.1:0") // somebody who says hello
	if err != nil {
		log.Fatal(err)
	}
	defer target.Close()
	go func() {
		if nc, err := target.Accept(); err == nil {
			io.WriteString(nc, "hello from the other side\n")
			nc.Close()
		}
	}()

	d := daemon.New()
	d.OnSSHUserAuthRequest = acceptSecret
	var running sync.WaitGroup
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) {
		if e.Service != connection.TypeDirectTCPIP {
			return
		}
		to, err := connection.ParseTCPIP(e.Parameters)
		addr := net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
		if err != nil || addr != target.Addr().String() {
			e.Description = "no way there"
			return
		}
		later := e.Defer()
		running.Go(func() {
			nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
			if err != nil {
				later.Reject(int(wire.OpenConnectFailed), "connect failed")
				return
			}
			defer nc.Close()
			if channel, err := later.Accept(true); err == nil {
				connection.Forward(context.Background(), channel.Conn(), nc) // until both sides are done
			}
		})
	}
	start(d)
	defer running.Wait()
	defer d.Shutdown()

	ctx := context.Background()
	c := mustDial(d)
	defer c.Close()
	_, err = c.Dial(ctx, "tcp", "127.0.0.1:1")
	fmt.Println(err)
	nc, err := c.Dial(ctx, "tcp", target.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	text, _ := io.ReadAll(nc)
	fmt.Printf("%s", text)
	nc.Close()
	// Output:
	// dial tcp 127.0.0.1:1: connection: channel refused: administratively prohibited: no way there
	// hello from the other side
}

// All events on one goroutine, such as that of a user interface: with
// ProcessIdleEvents=False they wait until DoEvents is called.
func ExampleDaemon_DoEvents() {
	d := daemon.New()
	d.Config("ProcessIdleEvents=False")
	d.Config("SelectWaitMillis=10") // how long DoEvents waits where there is nothing to do
	served := false                 // needs no lock: only this goroutine touches it
	d.OnSSHUserAuthRequest = acceptSecret
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) { e.Success = e.RequestType == "exec" }
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		d.SendText(e.ChannelID, "done\n")
		if channel, err := d.SSHChannel(e.ChannelID); err == nil {
			channel.Exit(0)
		}
	}
	d.OnDisconnected = func(*daemon.DisconnectedEvent) { served = true }
	start(d)

	go func() { // a client, elsewhere
		c := mustDial(d)
		defer c.Close()
		out, err := c.Output(context.Background(), "anything")
		fmt.Printf("%s%v\n", out, err)
	}()
	for !served {
		d.DoEvents()
	}
	d.Shutdown()
	// Output:
	// done
	// <nil>
}
