package transport

import "github.com/hawser-ssh/hawser/wire"

// phase is how far a connection has come. A packet is judged by message number,
// phase and the role of who reads it, before anything else looks at it.
type phase uint8

const (
	phaseKex  phase = iota // the first exchange: nothing is protected
	phaseAuth              // encrypted; services and authentication
	phaseOpen              // authenticated; the connection protocol
	phaseCount
)

// verdict is what happens to a message.
type verdict uint8

const (
	refuse        verdict = iota // it may not come now: disconnect
	unimplemented                // nobody knows it: UNIMPLEMENTED
	handle                       // the transport's own business
	deliver                      // for the layer above
	ignore                       // without effect, and without an answer
)

// rule gives the verdict for the messages first to last, read by a client
// (first string) and by a server, a letter for each phase: refuse '-',
// unimplemented 'u', handle 'h', deliver 'd', ignore 'i'.
type rule struct {
	first, last    wire.Msg
	client, server string
}

// rules covers all numbers, in order (RFC 4250 §4.1.2). What an exchange in
// progress allows is decided in handshake.go: while it runs, nothing else is
// read.
var rules = [...]rule{
	{0, 0, "---", "---"},
	{wire.MsgDisconnect, wire.MsgDebug, "hhh", "hhh"},
	{wire.MsgServiceRequest, wire.MsgServiceRequest, "---", "-du"},
	{wire.MsgServiceAccept, wire.MsgServiceAccept, "-d-", "---"},
	{wire.MsgExtInfo, wire.MsgExtInfo, "-hh", "-hh"},
	{8, 19, "uuu", "uuu"},
	{wire.MsgKexInit, wire.MsgKexInit, "hhh", "hhh"},
	{wire.MsgNewKeys, wire.MsgNewKeys, "---", "---"},
	{22, 29, "uuu", "uuu"},
	{wire.MsgKexFirst, wire.MsgKexLast, "---", "---"},
	{wire.MsgUserauthRequest, wire.MsgUserauthRequest, "---", "-dd"},
	{wire.MsgUserauthFailure, wire.MsgUserauthBanner, "-d-", "---"},
	{54, 59, "-uu", "-uu"},
	{60, 66, "-du", "-du"},
	{67, 79, "-uu", "-uu"},
	{wire.MsgGlobalRequest, wire.MsgRequestFailure, "--d", "--d"},
	{83, 89, "--u", "--u"},
	{wire.MsgChannelOpen, wire.MsgChannelFailure, "--d", "--d"},
	{101, 127, "--u", "--u"},
	{128, 191, "uuu", "uuu"},
	{wire.MsgPing, wire.MsgPing, "-hh", "-hh"},
	{wire.MsgPong, wire.MsgPong, "-ii", "-ii"},
	{194, 255, "uuu", "uuu"},
}

// verdicts is rules, spread out for the look-up of every packet.
var verdicts = spread(rules[:])

type verdictTable [wire.Server + 1][phaseCount][256]verdict

func spread(rules []rule) (t verdictTable) {
	for _, r := range rules {
		for p := range phaseCount {
			for m := int(r.first); m <= int(r.last); m++ {
				t[wire.Client][p][m] = verdictOf(r.client[p])
				t[wire.Server][p][m] = verdictOf(r.server[p])
			}
		}
	}
	return t
}

func verdictOf(letter byte) verdict {
	switch letter {
	case 'u':
		return unimplemented
	case 'h':
		return handle
	case 'd':
		return deliver
	case 'i':
		return ignore
	}
	return refuse
}

// judge returns the verdict for a message that role reads in phase p.
func judge(role wire.Role, p phase, m wire.Msg) verdict { return verdicts[role][p][m] }
