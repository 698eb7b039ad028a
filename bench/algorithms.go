package main

import (
	"os/exec"
	"slices"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// algorithms are the names that a peer knows.
type algorithms struct {
	All                bool // that there are, instead
	Ciphers, MACs, Kex []string
}

// algorithmsOf asks a peer.
func algorithmsOf(peer string) algorithms {
	switch peer {
	case xcrypto:
		safe, insecure := xssh.SupportedAlgorithms(), xssh.InsecureAlgorithms()
		return algorithms{
			Ciphers: slices.Concat(safe.Ciphers, insecure.Ciphers),
			MACs:    slices.Concat(safe.MACs, insecure.MACs),
			Kex:     slices.Concat(safe.KeyExchanges, insecure.KeyExchanges),
		}
	case openssh:
		return algorithms{Ciphers: sshQuery("cipher"), MACs: sshQuery("mac"), Kex: sshQuery("kex")}
	case dropbear:
		return dropbearAlgorithms()
	case asyncssh:
		return asyncsshAlgorithms()
	}
	return algorithms{All: true}
}

// sshQuery returns the names of a kind that the program ssh knows.
func sshQuery(kind string) []string {
	out, _ := exec.Command("ssh", "-Q", kind).Output()
	return strings.Fields(string(out))
}

func (a algorithms) have(j job) bool {
	return a.All || slices.Contains(a.Ciphers, j.Suite.Cipher) && slices.Contains(a.Kex, j.Kex) &&
		(j.Suite.MAC == "" || slices.Contains(a.MACs, j.Suite.MAC))
}

// can reports whether a server, and the client of the job, have the algorithms of the job.
func (b *bench) can(server string, j job) bool {
	b.complete(&j)
	for _, peer := range []string{server, j.Peer} {
		known, asked := b.known[peer]
		if !asked {
			known = algorithmsOf(peer)
			b.known[peer] = known
		}
		if !known.have(j) {
			return false
		}
	}
	return true
}
