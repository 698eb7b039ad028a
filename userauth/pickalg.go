package userauth

import (
	"bytes"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// appendCandidates appends the algorithms by which to offer a key, the first
// one first; none if the key is there already or the server can use none.
func (c *client) appendCandidates(list []candidate, signer sshkey.Signer) []candidate {
	key := signer.PublicKey()
	blob := key.Marshal()
	if slices.ContainsFunc(list, func(k candidate) bool { return bytes.Equal(k.blob, blob) }) {
		return list
	}
	_, announced := c.t.PeerExtension(wire.ExtensionServerSigAlgs)
	for _, name := range pickAlgorithms(signer.Algorithms(), key.Type(), c.t.PeerSigAlgs(), announced) {
		list = append(list, candidate{signer: signer, algorithm: name, blob: blob})
	}
	return list
}

// pickAlgorithms applies the rules that are in the doc of PublicKeys.
func pickAlgorithms(own []string, keyType string, peer []string, announced bool) []string {
	defaults := sshkey.DefaultAlgorithms()
	beyond := func(name string) bool { return !slices.Contains(defaults, name) }
	if len(own) == 0 {
		return nil
	}
	if !announced {
		picked := own[:1:1]
		for _, name := range own[1:] {
			if beyond(name) {
				picked = append(picked, name)
			}
		}
		return picked
	}
	for _, name := range own {
		if slices.Contains(peer, name) || slices.Contains(peer, sshkey.PlainAlgorithm(name)) {
			return []string{name}
		}
	}
	if len(own) == 1 && own[0] == keyType && !beyond(own[0]) {
		return own[:1:1]
	}
	return nil
}

// boundTo returns the host key to bind signatures to, or nil if the server does
// not offer that.
func (c *client) boundTo() []byte {
	version, ok := c.t.PeerExtension(wire.ExtensionHostBound)
	key := c.t.HostKey()
	if !ok || string(version) != "0" || key == nil {
		return nil
	}
	return key.Marshal()
}
