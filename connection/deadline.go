package connection

import (
	"sync"
	"time"
)

// deadline turns a point in time into a flag. The channel's lock guards it; no
// goroutine waits for it.
type deadline struct {
	timer   *time.Timer
	passed  bool
	version uint32 // of the setting, so that a timer that fired late is known
}

// set arms the deadline; wake runs under mu when it passes.
func (d *deadline) set(t time.Time, mu *sync.Mutex, wake func()) {
	d.stop()
	d.passed = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.passed = true
		wake()
		return
	}
	version := d.version
	d.timer = time.AfterFunc(wait, func() {
		mu.Lock()
		defer mu.Unlock()
		if d.version == version {
			d.passed = true
			wake()
		}
	})
}

func (d *deadline) stop() {
	d.version++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
