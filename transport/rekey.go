package transport

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/wire"
)

var (
	errRekeyTimeout = errors.New("key exchange timed out")
	errRekeyEarly   = errors.New("ssh: re-key before authentication")
)

// Rekey starts a key exchange (RFC 4253 §9), or joins the one that runs, and
// waits for its end or that of ctx. Data that is under way is not affected.
// It needs the reader at work, and is an error before authentication.
func (c *Conn) Rekey(ctx context.Context) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && !o.open {
		return errRekeyEarly
	}
	if o.err == nil {
		c.sendKexInit()
	}
	for target := o.exchanges + 1; o.err == nil && o.exchanges < target; {
		changed := o.changed()
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		o.mu.Lock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return o.err
}

// rekeyDue reports whether a direction has seen enough under its keys: what
// the Config says, and never more than the cipher bears, with half of its
// packets left for the exchange to end in.
func (c *Conn) rekeyDue(l *cipher.Layout, packets, bytes uint64) bool {
	return packets >= min(c.cfg.RekeyPackets, l.MaxPackets/2) || bytes >= min(c.cfg.RekeyBytes, l.MaxBytes)
}

// rekeyIfDue starts a re-key when the receiving direction needs one.
func (c *Conn) rekeyIfDue() error {
	if c.in.phase == phaseOpen && c.rekeyDue(&c.in.layout, c.in.packets, c.in.bytes) {
		_, err := c.startExchange()
		return err
	}
	return nil
}

// armRekeyTimer makes a re-key start when the keys are old. A timer that fires
// before authentication tries again later.
func (c *Conn) armRekeyTimer() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		setTimer(&o.rekeyTimer, c.cfg.RekeyInterval, c.rekeyTimerFired)
	}
}

func (c *Conn) rekeyTimerFired() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	if o.open {
		c.sendKexInit()
		return
	}
	o.rekeyTimer.Reset(c.cfg.RekeyInterval)
}

// startExchange seals our KEXINIT unless an exchange runs, and returns it. It is the reader's.
func (c *Conn) startExchange() ([]byte, error) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		c.sealKexInit()
		c.in.owes = true
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.running.kexInit, nil
}

// sendKexInit is startExchange for others. The lock is held.
func (c *Conn) sendKexInit() {
	if c.out.running == nil {
		c.sealKexInit()
		c.startFlush()
	}
}

// sealKexInit seals our KEXINIT and closes the gate, unless an exchange runs;
// from here to our NEWKEYS only its messages may leave (RFC 4253 §7.1). What
// goes wrong ends the connection. The lock is held.
func (c *Conn) sealKexInit() {
	o := &c.out
	if o.running != nil {
		return
	}
	payload, err := c.newKexInit(c.peer.sessionID == nil)
	if err == nil {
		o.running = &runningExchange{kexInit: payload}
		err = c.seal(payload, nil)
	}
	if err != nil {
		c.endUnlocked(err)
		return
	}
	o.gated = true
	if c.peer.sessionID != nil {
		o.running.deadline = time.AfterFunc(c.cfg.RekeyTimeout, c.rekeyTimedOut)
		c.labState(LabRekey)
	}
}

// endUnlocked ends the connection from under the lock.
func (c *Conn) endUnlocked(err error) {
	c.out.mu.Unlock()
	c.end(err, true)
	c.out.mu.Lock()
}

func (c *Conn) rekeyTimedOut() {
	c.end(&wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "re-key", Err: errRekeyTimeout}, true)
}

// exchangeDone marks the end of an exchange: both directions have new keys.
func (c *Conn) exchangeDone() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.exchanges++
	if o.running != nil { // else the connection has ended
		stopTimer(o.running.deadline)
		o.running = nil
	}
	if o.rekeyTimer != nil && o.err == nil {
		o.rekeyTimer.Reset(c.cfg.RekeyInterval)
	}
	c.labIdle()
	o.wake()
}
