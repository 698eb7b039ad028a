package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

// message is a parsed message of package wire.
type message interface{ Append(b []byte) []byte }

// parser reads one type of message.
type parser struct {
	name  string
	parse func(p []byte) (message, error)
}

func parserOf[T message, P interface {
	*T
	Parse(p []byte) error
}]() parser {
	var zero T
	return parser{fmt.Sprintf("%T", zero), func(p []byte) (message, error) {
		var m T
		err := P(&m).Parse(p)
		return m, err
	}}
}

func parsers() []parser {
	return []parser{
		parserOf[wire.Disconnect](), parserOf[wire.Ignore](), parserOf[wire.Unimplemented](), parserOf[wire.Debug](),
		parserOf[wire.ServiceRequest](), parserOf[wire.ServiceAccept](), parserOf[wire.ExtInfo](), parserOf[wire.Ping](),
		parserOf[wire.Pong](), parserOf[wire.KexInit](), parserOf[wire.NewKeys](), parserOf[wire.KexECDHInit](),
		parserOf[wire.KexECDHReply](), parserOf[wire.KexGexRequest](), parserOf[wire.KexGexRequestOld](),
		parserOf[wire.KexGexGroup](), parserOf[wire.KexGexInit](), parserOf[wire.KexGexReply](),
		parserOf[wire.KexRSAPubKey](), parserOf[wire.KexRSASecret](), parserOf[wire.KexRSADone](),
		parserOf[wire.UserauthRequest](), parserOf[wire.UserauthFailure](), parserOf[wire.UserauthSuccess](),
		parserOf[wire.UserauthBanner](), parserOf[wire.UserauthPKOK](), parserOf[wire.UserauthPasswdChangeReq](),
		parserOf[wire.UserauthInfoRequest](), parserOf[wire.UserauthInfoResponse](), parserOf[wire.UserauthPassword](),
		parserOf[wire.UserauthPublicKey](), parserOf[wire.UserauthInteractive](), parserOf[wire.GlobalRequest](),
		parserOf[wire.RequestSuccess](), parserOf[wire.RequestFailure](), parserOf[wire.ChannelOpen](),
		parserOf[wire.ChannelOpenConfirmation](), parserOf[wire.ChannelOpenFailure](), parserOf[wire.ChannelWindowAdjust](),
		parserOf[wire.ChannelData](), parserOf[wire.ChannelExtendedData](), parserOf[wire.ChannelEOF](),
		parserOf[wire.ChannelClose](), parserOf[wire.ChannelRequest](), parserOf[wire.ChannelSuccess](),
		parserOf[wire.ChannelFailure](), parserOf[wire.PtyReq](), parserOf[wire.Env](), parserOf[wire.Exec](),
		parserOf[wire.Subsystem](), parserOf[wire.WindowChange](), parserOf[wire.XonXoff](), parserOf[wire.Signal](),
		parserOf[wire.ExitStatus](), parserOf[wire.ExitSignal](), parserOf[wire.X11Req](), parserOf[wire.X11Open](), parserOf[wire.Break](),
		parserOf[wire.DirectTCPIP](), parserOf[wire.TCPIPForward](), parserOf[wire.TCPIPForwardReply](),
		parserOf[wire.DirectStreamLocal](), parserOf[wire.ForwardedStreamLocal](), parserOf[wire.StreamLocalForward](),
		parserOf[wire.HostKeys](),
	}
}

// FuzzMessages gives the same bytes to the parsers of all messages. What one accepts, it writes again with the same
// length and reads again as the same bytes (FUZ-04); what it refuses is the peer's fault.
func FuzzMessages(f *testing.F) {
	for _, script := range append(serverSeeds(), join(clientAlphabet()...)) {
		for _, p := range split(script) {
			f.Add(p)
		}
	}
	for _, p := range split(join(wire.KexGexGroup{P: []byte{23}, G: []byte{2}}.Append(nil), wire.KexGexRequest{}.Append(nil))) {
		f.Add(p)
	}
	all := parsers()
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, parser := range all {
			m, err := parser.parse(p)
			if err != nil {
				wantReason(t, err, wire.ReasonProtocolError)
				continue
			}
			once := m.Append(nil)
			again, err := parser.parse(once)
			if err != nil || len(once) != len(p) || !bytes.Equal(again.Append(nil), once) {
				t.Fatalf("%s: %x is written as %x, and read again: %v", parser.name, p, once, err)
			}
		}
	})
}

func wantReason(t *testing.T, err error, reason wire.Reason) {
	t.Helper()
	var fault *wire.ProtocolError
	if !errors.As(err, &fault) || fault.Reason != reason {
		t.Fatalf("error %v, want reason %d", err, reason)
	}
}

// FuzzNegotiation puts two KEXINITs together. Both sides come to the same result, whichever of them computes it, and
// nothing is chosen that one of them does not have.
func FuzzNegotiation(f *testing.F) {
	client, server := attacker(nil, wire.Client, 0), attacker(nil, wire.Server, 1)
	f.Add(client.Init.Append(nil), client.Init.Append(nil))
	f.Add(client.Init.Append(nil), server.Init.Append(nil))
	f.Add((&wire.KexInit{}).Append(nil), (&wire.KexInit{}).Append(nil))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var client, server wire.KexInit
		if client.Parse(a) != nil || server.Parse(b) != nil {
			return
		}
		for _, aead := range []func(string) bool{func(string) bool { return true }, func(string) bool { return false }} {
			got, err := kex.Negotiate(&client, &server, aead)
			if err != nil {
				var nothing *kex.NegotiationError
				if wantReason(t, err, wire.ReasonKeyExchangeFailed); !errors.As(err, &nothing) || len(err.Error()) > 1<<10 {
					t.Fatalf("%v", err)
				}
				continue
			}
			up, down := got.ClientToServer, got.ServerToClient
			for _, c := range []struct {
				name string
				in   [2]wire.NameList
			}{
				{got.Kex, [2]wire.NameList{client.Kex, server.Kex}},
				{got.HostKey, [2]wire.NameList{client.HostKey, server.HostKey}},
				{up.Cipher, [2]wire.NameList{client.CipherCS, server.CipherCS}},
				{down.Cipher, [2]wire.NameList{client.CipherSC, server.CipherSC}},
				{up.Compression, [2]wire.NameList{client.CompressionCS, server.CompressionCS}},
				{down.Compression, [2]wire.NameList{client.CompressionSC, server.CompressionSC}},
			} {
				if !c.in[0].Contains(c.name) || !c.in[1].Contains(c.name) {
					t.Fatalf("%q is not in %s and %s", c.name, c.in[0], c.in[1])
				}
			}
			if (up.MAC == "") != aead(up.Cipher) || (down.MAC == "") != aead(down.Cipher) {
				t.Fatalf("%+v", got)
			}
		}
	})
}

// FuzzParameters reads typed parameters out of arbitrary payloads by arbitrary names, and builds them from arbitrary
// values: what was built is read again as it was given.
func FuzzParameters(f *testing.F) {
	f.Add(wire.TCPIPForward{Host: "h", Port: 22}.Append(nil), "%s,i", "i", "22")
	f.Add(wire.DirectTCPIP{Host: "h", Port: 22}.Append(nil), "HostToConnect", "s", "h")
	f.Add(wire.X11Req{Protocol: "p"}.Append(nil), "%s,f", "f", "true")
	f.Add([]byte{0, 0, 0, 9}, "%m,l,i,s", "m", "0x80")
	f.Add([]byte{}, "%", "", "")
	f.Fuzz(func(t *testing.T, payload []byte, field, typ, value string) {
		kept := bytes.Clone(payload)
		text, err := wire.ParamString(payload, field)
		raw, err2 := wire.ParamBytes(payload, field)
		if !bytes.Equal(kept, payload) {
			t.Fatal("the payload was changed")
		}
		if len(raw) > len(payload) || err2 == nil && err == nil && len(text) > 8*len(payload)+64 {
			t.Fatalf("%d bytes and %d characters in a payload of %d", len(raw), len(text), len(payload))
		}
		built, err := wire.AppendParam([]byte("x"), typ, value)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(built, []byte("x")) {
			t.Fatalf("AppendParam changed what was there: %x", built)
		}
		back, err := wire.ParamString(built[1:], "%"+typ)
		if err != nil {
			t.Fatalf("%s %q is written as %x and not read again: %v", typ, value, built[1:], err)
		}
		rebuilt, err := wire.AppendParam(nil, typ, back)
		if err != nil || !bytes.Equal(rebuilt, built[1:]) {
			t.Fatalf("%s %q: %x is read as %q, which is written as %x, %v", typ, value, built[1:], back, rebuilt, err)
		}
	})
}
