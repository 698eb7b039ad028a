package transport

import (
	"bytes"
	"encoding/hex"
	"io"

	"github.com/hawser-ssh/hawser/wire"
)

// The key log of Wireshark's dissector of SSH. A line is the cookie of the
// KEXINIT of the side that writes, which names the exchange, and a secret:
//
//	COOKIE SHARED_SECRET K     the shared secret: all methods, newer releases
//	COOKIE PRIVATE             our ephemeral private key: releases up to 4.0,
//	                           which compute K by themselves, for the methods
//	                           with kex.Method.KeyAsDrawn
//
// All in hexadecimal. Of two lines with the same cookie a newer release takes
// the last, an older one the one it can read: K comes last.

// logKeys writes the secrets of this exchange to the key log, if there is one,
// with a single Write.
func (x *exchange) logKeys() error {
	w := x.c.cfg.KeyLogWriter
	if w == nil {
		return nil
	}
	secret := x.secret
	if !x.method.SecretAsString {
		secret = bytes.TrimLeft(secret, "\x00") // the magnitude of an mpint
	}
	line := make([]byte, 0, 512+2*(len(x.drawn)+len(secret))) // never grown: no copy stays behind
	defer clear(line[:cap(line)])
	if len(x.drawn) > 0 {
		line = hex.AppendEncode(line, x.ourInit.Cookie[:])
		line = append(line, ' ')
		line = append(hex.AppendEncode(line, x.drawn), '\n')
	}
	line = hex.AppendEncode(line, x.ourInit.Cookie[:])
	line = append(line, " SHARED_SECRET "...)
	line = append(hex.AppendEncode(line, secret), '\n')
	if _, err := w.Write(line); err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "key log", Err: err}
	}
	return nil
}

// rand returns where the method takes its randomness from; where a key log
// wants the private key, one that notes it down.
func (x *exchange) rand() io.Reader {
	if x.c.cfg.KeyLogWriter == nil || !x.method.KeyAsDrawn {
		return x.c.cfg.Rand
	}
	return noter{x}
}

// noter keeps a copy of what was read last.
type noter struct{ x *exchange }

// Read fills p, so that what a caller reads as a whole is noted as a whole.
func (n noter) Read(p []byte) (int, error) {
	k, err := io.ReadFull(n.x.c.cfg.Rand, p)
	clear(n.x.drawn)
	n.x.drawn = bytes.Clone(p[:k])
	return k, err
}
