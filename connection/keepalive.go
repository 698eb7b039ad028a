package connection

import (
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// keepalive asks a silent peer whether it lives. It has no goroutine: a timer
// runs tick. Every packet of this layer counts as life; what the transport keeps
// to itself does not.
type keepalive struct {
	timer  *time.Timer
	missed int // questions since the last packet
}

func (m *Mux) startKeepalive() {
	if m.cfg.KeepaliveInterval <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := new(keepalive)
	k.timer = time.AfterFunc(m.cfg.KeepaliveInterval, m.tick)
	m.keepalive = k
}

func (m *Mux) stopKeepaliveLocked() {
	if m.keepalive != nil {
		m.keepalive.timer.Stop()
	}
}

// tick runs once an interval. The question is a request that no peer knows,
// so that every peer answers with a failure (RFC 4254 §4).
func (m *Mux) tick() {
	m.mu.Lock()
	k := m.keepalive
	if k == nil || m.ended {
		m.mu.Unlock()
		return
	}
	if m.heard.Swap(false) {
		k.missed = 0
		k.timer.Reset(m.cfg.KeepaliveInterval)
		m.mu.Unlock()
		return
	}
	if k.missed >= m.cfg.KeepaliveCount {
		m.mu.Unlock()
		m.fail(ErrKeepalive)
		return
	}
	k.missed++
	m.askLocked()
	k.timer.Reset(m.cfg.KeepaliveInterval)
	m.mu.Unlock()
}

// askLocked sends the question, unless a request is just being sent, which asks
// as well, or too many are unanswered.
func (m *Mux) askLocked() {
	if m.asked.len() >= m.cfg.MaxAsked {
		return
	}
	gate := m.asked.gateLocked()
	select {
	case gate <- struct{}{}:
	default:
		return
	}
	m.asked.add(&waiter{result: make(chan waited, 1)})
	_ = m.t.WriteControl(wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true}.Append(nil))
	<-gate
}
