package daemon

import (
	"runtime"
	"testing"
)

// TestHandlerEndsGoroutine: a handler that calls runtime.Goexit, as a failing
// test does, ends its connection and nothing else, whichever handler it is.
func TestHandlerEndsGoroutine(t *testing.T) {
	handlers := map[string]func(d *Daemon){
		"Connected":       func(d *Daemon) { d.OnConnected = func(*ConnectedEvent) { runtime.Goexit() } },
		"ServiceRequest":  func(d *Daemon) { d.OnSSHServiceRequest = func(*SSHServiceRequestEvent) { runtime.Goexit() } },
		"UserAuthRequest": func(d *Daemon) { d.OnSSHUserAuthRequest = func(*SSHUserAuthRequestEvent) { runtime.Goexit() } },
		"ChannelOpen":     func(d *Daemon) { d.OnSSHChannelOpenRequest = func(*SSHChannelOpenRequestEvent) { runtime.Goexit() } },
	}
	for name, set := range handlers {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			set(d)
			disconnected := make(chan struct{})
			d.OnDisconnected = func(*DisconnectedEvent) { close(disconnected) }
			s := serve(t, d)
			if c, err := dialOurs(t, s); err == nil {
				_, _ = c.NewSession(t.Context())
			}
			<-disconnected
			wantCode(t, <-s.done, CodeAborted)
			if err := d.Shutdown(); err != nil {
				t.Error(err)
			}
			d.reg.waitEmpty(t.Context()) // the handler's return is all that it may still wait for
		})
	}
}
