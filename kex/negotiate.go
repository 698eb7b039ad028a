package kex

import (
	"bytes"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Names in kex_algorithms that are no methods but signals. They are never selected.
const (
	ExtInfoClient = "ext-info-c"                   // a client that reads EXT_INFO (RFC 8308 §2.1)
	ExtInfoServer = "ext-info-s"                   // a server that reads EXT_INFO (RFC 8308 §2.1)
	StrictClient  = "kex-strict-c-v00@openssh.com" // strict key exchange (OpenSSH PROTOCOL §1.9)
	StrictServer  = "kex-strict-s-v00@openssh.com" // strict key exchange (OpenSSH PROTOCOL §1.9)
)

// markerPrefixes cover the signals above and later versions of them.
var markerPrefixes = []string{"ext-info-", "kex-strict-"}

// aeadPrefixes cover the ciphers of RFC 5647, which stand among the MACs too, to say that they are their own (§5.1). As
// the MAC of another cipher they mean nothing.
var aeadPrefixes = []string{"AEAD_AES_"}

// Algorithms is the outcome of a negotiation.
type Algorithms struct {
	Kex            string // key exchange method
	HostKey        string // host key (signature) algorithm
	ClientToServer Direction
	ServerToClient Direction
}

// Direction is what protects the packets of one direction.
type Direction struct {
	Cipher      string
	MAC         string // empty where the cipher authenticates by itself
	Compression string
	Language    string // the tag of a language that both prefer; mostly empty
}

// NegotiationError says that the two sides have nothing in common for What. All names are escaped and safe to log.
type NegotiationError struct {
	What   string   // such as "server-to-client cipher"
	Client []string // what the client offers
	Server []string // what the server offers
}

// maxListText bounds the part of a list that an error text shows. The lists of real programs fit: which name is missing
// there is what an operator looks for.
const maxListText = 2 << 10

// Error returns a single line that names both lists, cut to a readable length.
func (e *NegotiationError) Error() string {
	return "kex: no common " + e.What + ": client offers " + listText(e.Client) + "; server offers " + listText(e.Server)
}

func listText(names []string) string {
	text := strings.Join(names, ",")
	if len(text) > maxListText {
		return "[" + text[:maxListText] + "...]"
	}
	return "[" + text + "]"
}

// Negotiate chooses the algorithms (RFC 4253 §7.1): in each list the first name of the client's that the server has too,
// separately for each direction. The MAC of a direction is left empty, and need not be in common, where aead reports
// that the cipher authenticates by itself (OpenSSH PROTOCOL §1.6). Languages need not be in common either.
//
// Any host key algorithm of ours fits any method of ours, so that the host keys which the server has are enough of a
// condition: it lists no others. The error is a *wire.ProtocolError with wire.ReasonKeyExchangeFailed around a
// *NegotiationError. Neither message is kept.
func Negotiate(client, server *wire.KexInit, aead func(cipher string) bool) (Algorithms, error) {
	var c chooser
	a := Algorithms{
		Kex:     c.choose("key exchange method", client.Kex, server.Kex, markerPrefixes...),
		HostKey: c.choose("host key algorithm", client.HostKey, server.HostKey),
	}
	toServer, toClient := &a.ClientToServer, &a.ServerToClient
	toServer.Cipher = c.choose("client-to-server cipher", client.CipherCS, server.CipherCS)
	toClient.Cipher = c.choose("server-to-client cipher", client.CipherSC, server.CipherSC)
	if !aead(toServer.Cipher) {
		toServer.MAC = c.choose("client-to-server MAC", client.MACCS, server.MACCS, aeadPrefixes...)
	}
	if !aead(toClient.Cipher) {
		toClient.MAC = c.choose("server-to-client MAC", client.MACSC, server.MACSC, aeadPrefixes...)
	}
	toServer.Compression = c.choose("client-to-server compression", client.CompressionCS, server.CompressionCS)
	toClient.Compression = c.choose("server-to-client compression", client.CompressionSC, server.CompressionSC)
	if c.err != nil {
		return Algorithms{}, failed(c.err)
	}
	toServer.Language = common(client.LanguagesCS, server.LanguagesCS)
	toClient.Language = common(client.LanguagesSC, server.LanguagesSC)
	return a, nil
}

// GuessedRight reports whether a packet sent on a guess (first_kex_packet_follows) is to be used, which is the case
// where both sides name the same method and the same host key algorithm first (RFC 4253 §7). A marker is no guess.
func GuessedRight(client, server *wire.KexInit) bool {
	method, key := client.Kex.First(), client.HostKey.First()
	return len(method) > 0 && len(key) > 0 && !hasPrefix(method, markerPrefixes) &&
		bytes.Equal(method, server.Kex.First()) && bytes.Equal(key, server.HostKey.First())
}

// chooser makes one choice after the other and keeps the first failure.
type chooser struct{ err *NegotiationError }

// choose returns what both lists have in common.
func (c *chooser) choose(what string, client, server wire.NameList, never ...string) string {
	if c.err != nil {
		return ""
	}
	if name := common(client, server, never...); name != "" {
		return name
	}
	c.err = &NegotiationError{What: what, Client: escaped(client), Server: escaped(server)}
	return ""
}

// common returns the first name of the client's that the server has and that begins with none of never, or "".
func common(client, server wire.NameList, never ...string) string {
	for name := range client.All() {
		if has(server, name) && !hasPrefix(name, never) {
			return string(name)
		}
	}
	return ""
}

func has(list wire.NameList, name []byte) bool {
	for n := range list.All() {
		if bytes.Equal(n, name) {
			return true
		}
	}
	return false
}

func hasPrefix(name []byte, prefixes []string) bool {
	for _, prefix := range prefixes {
		if len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// escaped copies the names of a list in a form that is safe to log, whoever sent it.
func escaped(list wire.NameList) []string {
	names := list.Strings()
	for i, name := range names {
		names[i] = wire.Escape(name, wire.MaxName)
	}
	return names
}
