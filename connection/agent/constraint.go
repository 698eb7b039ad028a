package agent

import (
	"math"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Constraints say what an agent may do with a key. The zero value is all.
type Constraints struct {
	// Lifetime is when the agent forgets the key, counted from when it got it,
	// in whole seconds; 0 is never.
	Lifetime time.Duration
	// Confirm has the agent ask its user before each signature.
	Confirm bool
	// Destinations are the hosts where the key logs in, and the ways there. Nil
	// is everywhere; an empty list is not accepted.
	Destinations []Destination
}

// Types of constraints.
const (
	constrainLifetime  = 1
	constrainConfirm   = 2
	constrainExtension = 255
)

// extensionDestinations is the constraint of OpenSSH PROTOCOL.agent §2.
const extensionDestinations = "restrict-destination-v00@openssh.com"

func (c *Constraints) none() bool {
	return c.Lifetime == 0 && !c.Confirm && c.Destinations == nil
}

// check refuses what could not be sent or enforced.
func (c *Constraints) check() error {
	if c.Lifetime < 0 || c.Lifetime%time.Second != 0 || c.Lifetime > math.MaxUint32*time.Second {
		return because(ErrConstraint, "lifetime of %v", c.Lifetime)
	}
	if c.Destinations != nil && len(c.Destinations) == 0 || len(c.Destinations) > MaxDestinations {
		return because(ErrConstraint, "%d destinations", len(c.Destinations))
	}
	for i := range c.Destinations {
		if err := c.Destinations[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// append appends the constraints of a message that adds a key.
func (c *Constraints) append(b []byte) []byte {
	if c.Lifetime > 0 {
		b = wire.AppendUint32(append(b, constrainLifetime), uint32(c.Lifetime/time.Second))
	}
	if c.Confirm {
		b = append(b, constrainConfirm)
	}
	if c.Destinations == nil {
		return b
	}
	var list []byte
	for _, d := range c.Destinations {
		list = wire.AppendBytes(list, d.append(nil))
	}
	return wire.AppendBytes(wire.AppendString(append(b, constrainExtension), extensionDestinations), list)
}

// parse reads all that r has left. One that is unknown, or comes twice, is
// ErrConstraint: a key must not be kept without what was to protect it.
func (c *Constraints) parse(r *wire.Reader) error {
	for r.Len() > 0 {
		kind := r.Byte("constraint")
		switch {
		case kind == constrainLifetime && c.Lifetime == 0:
			seconds := r.Uint32("lifetime")
			if r.Err() == nil && seconds == 0 {
				return because(ErrConstraint, "lifetime of 0 seconds")
			}
			c.Lifetime = time.Duration(seconds) * time.Second
		case kind == constrainConfirm && !c.Confirm:
			c.Confirm = true
		case kind == constrainExtension:
			if err := c.parseExtension(r); err != nil {
				return err
			}
		default:
			return because(ErrConstraint, "type %d, unknown or a second time", kind)
		}
	}
	if err := r.Done(); err != nil {
		return err
	}
	return c.check()
}

func (c *Constraints) parseExtension(r *wire.Reader) error {
	name, body := r.String("extension"), []byte(nil)
	if name != extensionDestinations || c.Destinations != nil {
		if r.Err() != nil {
			return r.Err()
		}
		// Among them sk-provider@openssh.com: no library is loaded because a
		// peer names it (CVE-2023-38408).
		return because(ErrConstraint, "extension %q, unknown or a second time", wire.Escape(name, wire.MaxName))
	}
	body = r.Bytes("destinations")
	if r.Err() != nil {
		return r.Err()
	}
	list := wire.NewFieldReader(body, "destinations")
	c.Destinations = []Destination{}
	for list.Len() > 0 {
		if len(c.Destinations) == MaxDestinations {
			return because(ErrConstraint, "more than %d destinations", MaxDestinations)
		}
		var d Destination
		if err := d.parse(list.Bytes("destination")); err != nil {
			return err
		}
		if list.Err() != nil {
			break
		}
		c.Destinations = append(c.Destinations, d)
	}
	return list.Done()
}
