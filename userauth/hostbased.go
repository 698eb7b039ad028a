package userauth

import (
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// MethodHostBased is the method of RFC 4252 §9. It is off unless asked for, in
// both roles: the server trusts what another machine says of its users.
const MethodHostBased = "hostbased"

// maxHostName is the longest name of a host, with a dot at its end (RFC 1035
// §2.3.4).
const maxHostName = 254

// hostBased judges a request by hostbased. As in publickey, what is malformed
// inside the fields fails like a key that nobody knows.
func (s *server) hostBased(req *request, a *Attempt) verdict {
	var body wire.UserauthHostBased
	if err := body.Parse(req.payload); err != nil {
		return broken(err)
	}
	key, reason := s.admitHost(&body)
	v := denied(reason)
	v.step.Key, v.step.Algorithm = key, body.Algorithm
	if reason != "" {
		return v
	}
	if err := key.Verify(body.Algorithm, hostBasedData(s.t.SessionID(), req, &body), body.Signature); err != nil {
		v.result.Reason = "signature of the host does not verify"
		return v
	}
	host := strings.TrimSuffix(body.Host, ".")
	v.result = s.call("HostBased", func() Result {
		return s.cfg.HostBased(s.ctx, a, key, body.Algorithm, host, body.HostUser)
	})
	return v
}

// admitHost parses the key and returns why the callback is not asked, or "".
// The key does not refer to the packet.
func (s *server) admitHost(body *wire.UserauthHostBased) (key sshkey.PublicKey, reason string) {
	if !slices.Contains(s.cfg.SignatureAlgorithms, body.Algorithm) || slices.Contains(sshkey.SecurityKeyAlgorithms(), body.Algorithm) {
		return nil, "signature algorithm is not accepted"
	}
	key, err := s.cfg.KeyLimits.ParsePublicKey(body.Key)
	if err != nil {
		return nil, "key is malformed"
	}
	cert, isCert := key.(*sshkey.Certificate)
	switch {
	case sshkey.KeyType(body.Algorithm) != key.Type():
		return key, "signature algorithm is not for this type of key"
	case isCert && cert.Purpose != sshkey.HostCertificate:
		return key, "certificate is not for hosts"
	case s.progress.used(key):
		return key, "key has been used as a factor"
	case hostFault(body.Host):
		return key, "no host can have this name"
	}
	if fault := userFault([]byte(body.HostUser), s.limits.user); fault != "" {
		return key, "on the client's host: " + fault
	}
	return key, ""
}

// hostFault reports whether no host can have this name or address.
func hostFault(host string) bool {
	odd := func(r rune) bool {
		return r > '~' || !strings.ContainsRune("-.:_%", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	return host == "" || host == "." || len(host) > maxHostName || strings.ContainsFunc(host, odd)
}

// hostBasedData is what the host signs: the session identifier and the request
// up to the signature.
func hostBasedData(sessionID []byte, req *request, body *wire.UserauthHostBased) []byte {
	return body.AppendUnsigned(req.signed(sessionID))
}

// HostBased is the method hostbased: the keys of the machine that we run on
// say that its user hostUser is asking. host is its fully qualified name, to
// which some servers want a dot appended. The keys are tried in order, each
// with the algorithm that PublicKeys would choose. Reading them takes the
// rights of the machine's administrator.
func HostBased(host, hostUser string, signers ...sshkey.Signer) Method {
	return hostBasedMethod{host: host, user: hostUser, signers: slices.Clone(signers)}
}

type hostBasedMethod struct {
	host, user string
	signers    []sshkey.Signer
}

func (hostBasedMethod) Name() string   { return MethodHostBased }
func (m hostBasedMethod) begin() offer { return &hostOffer{hostBasedMethod: m} }

// hostOffer is what is left of the host's keys in one authentication.
type hostOffer struct {
	hostBasedMethod
	loaded bool
	left   []candidate
}

func (o *hostOffer) next(c *client) (reply, bool, error) {
	if !o.loaded {
		o.loaded = true
		for _, signer := range o.signers {
			if signer != nil {
				o.left = c.appendCandidates(o.left, signer)
			}
		}
	}
	for len(o.left) > 0 {
		k := o.left[0]
		o.left = o.left[1:]
		r, ok, err := o.offer(c, &k)
		if ok || err != nil {
			return r, ok, err
		}
	}
	return reply{}, false, nil
}

// offer signs with one key. ok is false if the signer failed.
func (o *hostOffer) offer(c *client, k *candidate) (r reply, ok bool, err error) {
	req := request{user: []byte(c.cfg.User), service: []byte(serviceConnection), method: MethodHostBased}
	body := wire.UserauthHostBased{Algorithm: k.algorithm, Key: k.blob, Host: o.host, HostUser: o.user}
	return k.prove(c, req.method, hostBasedData(c.t.SessionID(), &req, &body), func(signature []byte) []byte {
		body.Signature = signature
		return body.Append(nil)
	})
}
