package daemon

import (
	"context"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/kex"
)

// SSHConnection is the handle of a connection. Its methods may be called after
// the connection has ended.
type SSHConnection struct{ c *conn }

// ConnectionID returns the connection's id.
func (h *SSHConnection) ConnectionID() int { return h.c.id }

// Connected reports whether the connection is up.
func (h *SSHConnection) Connected() bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if h.c.leaving || h.c.tc == nil {
		return !h.c.leaving
	}
	select {
	case <-h.c.tc.Done():
		return false
	default:
		return true
	}
}

// SetConnected ends the connection where connected is false, as
// [Daemon.Disconnect] does. It cannot bring one back: error 10022.
func (h *SSHConnection) SetConnected(connected bool) error {
	if connected {
		if h.Connected() {
			return nil
		}
		return invalid("a server cannot reconnect a client")
	}
	h.c.disconnect(nil)
	return nil
}

// LocalAddress returns the address through which the connection came.
func (h *SSHConnection) LocalAddress() string {
	host, _ := hostPort(h.c.nc.LocalAddr())
	return host
}

// RemoteHost returns the client's address.
func (h *SSHConnection) RemoteHost() string {
	host, _ := hostPort(h.c.nc.RemoteAddr())
	return host
}

// RemotePort returns the client's port.
func (h *SSHConnection) RemotePort() int {
	_, port := hostPort(h.c.nc.RemoteAddr())
	return port
}

// Timeout returns how long the send methods wait on this connection's
// channels, in seconds. It starts as DefaultTimeout. 0 means that they take all
// data or nothing at once, and fail with error 10035 in the latter case.
func (h *SSHConnection) Timeout() int { return int(h.c.timeout.Load()) }

// SetTimeout sets Timeout, at least 0.
func (h *SSHConnection) SetTimeout(seconds int) error {
	if seconds < 0 || seconds > maxSeconds {
		return invalid("Timeout out of range")
	}
	h.c.timeout.Store(int64(seconds))
	return nil
}

// LocalVersion returns the identification sent to the client.
func (h *SSHConnection) LocalVersion() string { return h.c.opt.version }

// RemoteVersion returns the client's identification as it came: escape it
// before showing it. It is empty before the first SSHServiceRequest.
func (h *SSHConnection) RemoteVersion() string {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if !h.c.shaken {
		return ""
	}
	return h.c.tc.RemoteVersion()
}

// User returns the name under which the client has logged in, empty before.
func (h *SSHConnection) User() string {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.user
}

// Algorithms returns what the last key exchange agreed on.
func (h *SSHConnection) Algorithms() kex.Algorithms {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if !h.c.shaken {
		return kex.Algorithms{}
	}
	return h.c.tc.Algorithms()
}

// SSHChannel is the handle of a channel. Its methods may be called after the
// channel has been closed.
type SSHChannel struct{ ch *channel }

// ChannelID returns the channel's id, unique in the daemon.
func (h *SSHChannel) ChannelID() int { return h.ch.id }

// ConnectionID returns the id of the connection that the channel belongs to.
func (h *SSHChannel) ConnectionID() int { return h.ch.c.id }

// Service returns the channel's type, such as "session".
func (h *SSHChannel) Service() string { return h.ch.service }

// BytesSent returns how many bytes the last send on the channel really sent.
func (h *SSHChannel) BytesSent() int { return int(h.ch.bytesSent.Load()) }

// SetDataToSend sends data, as [Daemon.SendBytes] does.
func (h *SSHChannel) SetDataToSend(data []byte) error { return h.ch.send(data) }

// ReadyToSend reports whether data can be sent: the channel is open, the client
// has left it a window, and no send has failed with error 10035 since
// OnSSHChannelReadyToSend fired last. Where it is false on an open channel,
// OnSSHChannelReadyToSend fires when that changes.
func (h *SSHChannel) ReadyToSend() bool { return h.ch.readyToSend() }

// RecordLength returns the length of the records in which data is delivered; 0,
// the default, delivers it as it comes.
func (h *SSHChannel) RecordLength() int { return int(h.ch.recordLength.Load()) }

// SetRecordLength sets RecordLength, as [Daemon.ChangeRecordLength] does.
func (h *SSHChannel) SetRecordLength(length int) error { return h.ch.setRecordLength(length) }

// Exit tells the client how its command ended (RFC 4254 §6.10) and closes the
// channel. What has been sent goes out first.
func (h *SSHChannel) Exit(status int) error {
	seconds := max(h.ch.c.timeout.Load(), 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	err := h.Conn().SendExitStatus(ctx, uint32(status))
	if closed := h.Conn().Close(); err == nil {
		err = closed
	}
	return asError(err)
}

// Conn returns the channel itself. Where the channel was opened with Stream
// it carries the data; its Close takes the place of CloseChannel.
func (h *SSHChannel) Conn() *connection.Channel { return h.ch.mc() }
