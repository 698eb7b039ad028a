package agent

import (
	"github.com/hawser-ssh/hawser/wire"
)

// Numbers of messages (RFC 9987). Requests come from the client; those that are
// not here, of SSH 1 and of smart cards, are refused by number alone.
const (
	msgFailure           = 5
	msgSuccess           = 6
	msgRequestIdentities = 11
	msgIdentitiesAnswer  = 12
	msgSignRequest       = 13
	msgSignResponse      = 14
	msgAdd               = 17
	msgRemove            = 18
	msgRemoveAll         = 19
	msgLock              = 22
	msgUnlock            = 23
	msgAddConstrained    = 25
	msgExtension         = 27
	msgExtensionFailure  = 28
	msgExtensionResponse = 29
)

// Numbers by which other agents say no.
const (
	msgFailureSSH2   = 30  // of early OpenSSH versions
	msgFailureSSHCom = 102 // of ssh.com's agent
)

// Flags of a sign request: which hash an RSA key signs with. Without one it is
// SHA-1.
const (
	flagRSASHA256 = 1 << 1
	flagRSASHA512 = 1 << 2
)

// Extensions.
const (
	extensionQuery       = "query"
	extensionSessionBind = "session-bind@openssh.com"
)

// signFlags are the algorithms that a request asks for by flags.
var signFlags = [...]struct {
	algorithm string
	flags     uint32
}{
	{"rsa-sha2-256", flagRSASHA256},
	{"rsa-sha2-512", flagRSASHA512},
	{"rsa-sha2-256-cert-v01@openssh.com", flagRSASHA256},
	{"rsa-sha2-512-cert-v01@openssh.com", flagRSASHA512},
}

// flagsFor returns the flags that ask for an algorithm.
func flagsFor(algorithm string) uint32 {
	for _, f := range signFlags {
		if f.algorithm == algorithm {
			return f.flags
		}
	}
	return 0
}

// signRequest is SSH_AGENTC_SIGN_REQUEST; slices are views.
type signRequest struct {
	key, data []byte
	flags     uint32
}

func (m signRequest) append(b []byte) []byte {
	b = wire.AppendBytes(wire.AppendBytes(append(b, msgSignRequest), m.key), m.data)
	return wire.AppendUint32(b, m.flags)
}

func (m *signRequest) parse(body []byte) error {
	r := wire.NewFieldReader(body, "sign request")
	m.key, m.data, m.flags = r.Bytes("key"), r.Bytes("data"), r.Uint32("flags")
	return r.Done()
}

// identity is one entry of SSH_AGENT_IDENTITIES_ANSWER; blob is a view.
type identity struct {
	blob    []byte
	comment string
}

func (m identity) size() int { return 8 + len(m.blob) + len(m.comment) }

func appendIdentities(b []byte, list []identity) []byte {
	b = wire.AppendUint32(append(b, msgIdentitiesAnswer), uint32(len(list)))
	for _, i := range list {
		b = wire.AppendString(wire.AppendBytes(b, i.blob), i.comment)
	}
	return b
}

// identitiesHeader is the number of the answer and that of its entries.
const identitiesHeader = 5

func parseIdentities(body []byte) ([]identity, error) {
	r := wire.NewFieldReader(body, "identities answer")
	n := r.Uint32("number of keys")
	if r.Err() == nil && n > MaxKeys {
		return nil, protocolError("%d keys, at most %d are accepted", n, MaxKeys)
	}
	var list []identity
	for range n {
		list = append(list, identity{r.Bytes("key"), r.String("comment")})
		if r.Err() != nil {
			break // and not a loop over a number that nothing stands behind
		}
	}
	return list, r.Done()
}

// sessionBind is the extension of OpenSSH PROTOCOL.agent §1; slices are views.
type sessionBind struct {
	hostKey, sessionID, signature []byte
	forwarding                    bool
}

func (m sessionBind) append(b []byte) []byte {
	b = wire.AppendString(append(b, msgExtension), extensionSessionBind)
	b = wire.AppendBytes(wire.AppendBytes(b, m.hostKey), m.sessionID)
	return wire.AppendBool(wire.AppendBytes(b, m.signature), m.forwarding)
}

// parse reads what stands behind the extension's name.
func (m *sessionBind) parse(body []byte) error {
	r := wire.NewFieldReader(body, "session-bind")
	m.hostKey, m.sessionID = r.Bytes("host key"), r.BytesMax("session identifier", MaxSessionID)
	m.signature, m.forwarding = r.Bytes("signature"), r.Bool("is forwarding")
	return r.Done()
}
