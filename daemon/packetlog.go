package daemon

import (
	"log/slog"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// The levels of LogLevel for packets: 2 tells what each one says, 3 its bytes
// as well.
const (
	logPackets = 2
	logBytes   = 3
)

// packetLab returns lab, and where LogLevel asks for it one that tells OnLog of
// the packets besides. Both may be nil, which costs nothing.
func (c *conn) packetLab(lab *transport.Lab) *transport.Lab {
	if c.d.OnLog == nil || c.opt.logLevel < logPackets {
		return lab
	}
	var both transport.Lab
	if lab != nil {
		both = *lab
	}
	both.Message = func(e transport.LabEvent) [][]byte {
		c.logPacket(e) // as it came, or as we say it
		if lab == nil || lab.Message == nil {
			return e.Pass()
		}
		return lab.Message(e)
	}
	return &both
}

// logPacket tells OnLog of a packet. It runs where the packets pass, so it only
// queues. Secrets do not come into it: wire.Describe and wire.Dump leave them
// out.
func (c *conn) logPacket(e transport.LabEvent) {
	words := "sent "
	if e.Direction == transport.Incoming {
		words = "received "
	}
	c.log(&LogEvent{
		ConnectionID: c.id, LogLevel: logPackets, LogType: slog.LevelDebug.String(),
		Message: words + cut(wire.Describe(e.Bytes).String()),
	}, true)
	if c.opt.logLevel >= logBytes {
		c.log(&LogEvent{
			ConnectionID: c.id, LogLevel: logBytes, LogType: levelBytes.String(),
			Message: words + "bytes " + wire.Dump(e.Bytes, c.opt.logChannelData),
		}, true)
	}
}

// levelBytes is what slog would call the level of bytes.
const levelBytes = slog.LevelDebug - 4

// cut keeps a message within its bound.
func cut(text string) string { return text[:min(len(text), maxText)] }
