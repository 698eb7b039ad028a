package daemon

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"
)

// minIDs is how many connection ids there are at least before one is reused.
const minIDs = 64

// registry holds the open connections and channels by their ids. Channel ids
// and connection UIDs are never reused, connection ids after a while.
type registry struct {
	mu       sync.Mutex
	arriving map[*ticket]net.Conn // accepted, without an id yet
	conns    map[int]*conn
	chans    map[int]*channel
	lastConn int
	lastChan int
	lastUID  uint64
	empty    chan struct{} // closed while there is no connection
	ended    Totals        // of connections that are not in conns any more
}

func (r *registry) init() {
	r.arriving = make(map[*ticket]net.Conn)
	r.conns, r.chans = make(map[int]*conn), make(map[int]*channel)
	r.empty = make(chan struct{})
	close(r.empty)
}

// arrived announces a connection that will get its id later.
func (r *registry) arrived(t *ticket, nc net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arriving[t] = nc
}

// departed forgets a connection that may not have got an id.
func (r *registry) departed(t *ticket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.arriving, t)
}

// turnAway closes the connections that have no id yet. They will get none.
func (r *registry) turnAway() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, nc := range r.arriving {
		nc.Close()
	}
	clear(r.arriving)
}

// addConnection gives c its ids, unless it has been turned away meanwhile. At
// most limit connections are open.
func (r *registry) addConnection(c *conn, t *ticket, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.arriving[t]; !ok {
		return false
	}
	delete(r.arriving, t)
	for {
		r.lastConn = r.lastConn%max(2*limit, minIDs) + 1
		if _, used := r.conns[r.lastConn]; !used {
			break
		}
	}
	r.lastUID++
	c.id, c.uid = r.lastConn, r.lastUID
	if len(r.conns) == 0 {
		r.empty = make(chan struct{})
	}
	r.conns[c.id] = c
	return true
}

func (r *registry) removeConnection(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c.id)
	r.ended.add(c.transportState())
	if len(r.conns) == 0 {
		close(r.empty)
	}
}

// waitEmpty waits until there is no connection, or ctx ends.
func (r *registry) waitEmpty(ctx context.Context) bool {
	for {
		r.mu.Lock()
		empty, n := r.empty, len(r.conns)
		r.mu.Unlock()
		if n == 0 {
			return true
		}
		select {
		case <-empty:
		case <-ctx.Done():
			return false
		}
	}
}

// connection returns the connection with this id, or error 126.
func (r *registry) connection(id int) (*conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.conns[id]; c != nil {
		return c, nil
	}
	return nil, &Error{Code: CodeInvalidID}
}

// connections returns the open connections in the order of their UIDs.
func (r *registry) connections() []*conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*conn, 0, len(r.conns))
	for _, c := range r.conns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.uid, b.uid) })
	return all
}

// newChannelID returns an id that no channel has had.
func (r *registry) newChannelID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastChan++
	return r.lastChan
}

func (r *registry) addChannel(ch *channel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chans[ch.id] = ch
}

func (r *registry) removeChannel(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.chans, id)
}

// channel returns the channel with this id, or error 126.
func (r *registry) channel(id int) (*channel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ch := r.chans[id]; ch != nil {
		return ch, nil
	}
	return nil, &Error{Code: CodeInvalidID}
}

// channels returns the open channels of one connection, or of all where c is
// nil, in the order of their ids.
func (r *registry) channels(c *conn) []*channel {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*channel
	for _, ch := range r.chans {
		if c == nil || ch.c == c {
			all = append(all, ch)
		}
	}
	slices.SortFunc(all, func(a, b *channel) int { return cmp.Compare(a.id, b.id) })
	return all
}

func (r *registry) counts() (connections, channels int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns), len(r.chans)
}

// totals returns the sums over the connections that are open and those that
// have ended.
func (r *registry) totals() Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.ended
	for _, c := range r.conns {
		t.add(c.transportState())
	}
	return t
}
