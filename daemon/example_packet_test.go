package daemon_test

import (
	"github.com/hawser-ssh/hawser/daemon"
)

// A packet built by hand, here for a command that a signal has ended (RFC 4254
// §6.10), and fields read out of one that came.
func ExampleDaemon_SendSSHPacket() {
	d := daemon.New()
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		if command, err := d.GetSSHParam(e.Packet, "Command"); err != nil || command != "crash" {
			return
		}
		var payload []byte
		for _, field := range [][2]string{
			{"s", "exit-signal"}, {"f", "false"}, // type, and no reply wanted
			{"s", "SEGV"}, {"f", "true"}, {"s", "it crashed"}, {"s", "en"},
		} {
			var err error
			if payload, err = d.SetSSHParam(payload, field[0], field[1]); err != nil {
				return
			}
		}
		d.SendSSHPacket(e.ChannelID, 98, payload)
		d.CloseChannel(e.ChannelID)
	}
}
