package transport_test

import (
	"encoding/binary"
	"net"
	"os"
	"sync"
	"testing"
)

// capture records what the two ends of a connection write, in its order, and makes a file of it that looks like one of
// tcpdump's. So a test needs no privileges.
type capture struct {
	mu       sync.Mutex
	segments []segment
}

type segment struct {
	fromServer bool
	data       []byte
}

// tap returns nc with its writes recorded.
func (c *capture) tap(nc net.Conn, server bool) net.Conn { return &tapped{nc, c, server} }

type tapped struct {
	net.Conn
	c      *capture
	server bool
}

func (t *tapped) Write(p []byte) (int, error) {
	t.c.mu.Lock()
	t.c.segments = append(t.c.segments, segment{t.server, append([]byte(nil), p...)})
	t.c.mu.Unlock()
	return t.Conn.Write(p)
}

// maxSegment is the most that one IPv4 packet of the file carries.
const maxSegment = 32 << 10

// saveCaptures writes the file: the libpcap format with LINKTYPE_RAW (draft-ietf-opsawg-pcap §4). The clients have the TCP
// ports from firstPort on, the server has 22.
func saveCaptures(t testing.TB, name string, captures []*capture) {
	t.Helper()
	le := binary.LittleEndian
	f := le.AppendUint32(nil, 0xa1b2c3d4)
	f = le.AppendUint32(f, 2|4<<16) // version 2.4
	f = append(f, make([]byte, 8)...)
	f = le.AppendUint32(f, 65535)
	w := pcapWriter{file: le.AppendUint32(f, 101)}
	for i, c := range captures {
		w.connection(uint16(firstPort+i), c.segments)
	}
	if err := os.WriteFile(name, w.file, 0o600); err != nil {
		t.Fatal(err)
	}
}

const firstPort = 50000

type pcapWriter struct {
	file   []byte
	millis uint32
	port   uint16    // of the client
	next   [2]uint32 // sequence numbers of client and server
}

// Flags of TCP.
const (
	syn = 2
	ack = 16
)

func (w *pcapWriter) connection(port uint16, segments []segment) {
	w.port, w.next = port, [2]uint32{}
	w.packet(false, syn, nil)
	w.packet(true, syn|ack, nil)
	w.packet(false, ack, nil)
	for _, s := range segments {
		for data := s.data; len(data) > 0; {
			n := min(len(data), maxSegment)
			w.packet(s.fromServer, ack, data[:n])
			data = data[n:]
		}
	}
}

// packet appends one IPv4 packet without checksums.
func (w *pcapWriter) packet(fromServer bool, flags byte, data []byte) {
	me, source, target := 0, w.port, uint16(22)
	if fromServer {
		me, source, target = 1, 22, w.port
	}
	be := binary.BigEndian
	ip := make([]byte, 40, 40+len(data))
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	be.PutUint16(ip[2:], uint16(40+len(data)))
	copy(ip[12:], []byte{10, 0, 0, byte(1 + me), 10, 0, 0, byte(2 - me)})
	tcp := ip[20:]
	be.PutUint16(tcp, source)
	be.PutUint16(tcp[2:], target)
	be.PutUint32(tcp[4:], w.next[me])
	be.PutUint32(tcp[8:], w.next[1-me])
	tcp[12], tcp[13] = 5<<4, flags
	be.PutUint16(tcp[14:], 65535)
	ip = append(ip, data...)
	for _, v := range []uint32{w.millis / 1000, w.millis % 1000 * 1000, uint32(len(ip)), uint32(len(ip))} {
		w.file = binary.LittleEndian.AppendUint32(w.file, v)
	}
	w.file = append(w.file, ip...)
	w.millis++
	w.next[me] += uint32(len(data))
	if flags&syn != 0 {
		w.next[me]++
	}
}
