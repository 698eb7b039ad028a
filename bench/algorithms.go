package main

import (
	"os/exec"
	"slices"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// algorithms are the names that a peer knows; all is true for one that knows everything.
type algorithms struct {
	all                bool
	ciphers, macs, kex []string
}

// algorithmsOf asks a peer.
func algorithmsOf(peer string) algorithms {
	switch peer {
	case xcrypto:
		safe, insecure := xssh.SupportedAlgorithms(), xssh.InsecureAlgorithms()
		return algorithms{
			ciphers: slices.Concat(safe.Ciphers, insecure.Ciphers),
			macs:    slices.Concat(safe.MACs, insecure.MACs),
			kex:     slices.Concat(safe.KeyExchanges, insecure.KeyExchanges),
		}
	case openssh:
		return algorithms{ciphers: sshQuery("cipher"), macs: sshQuery("mac"), kex: sshQuery("kex")}
	}
	return algorithms{all: true}
}

// sshQuery returns the names of a kind that the program ssh knows.
func sshQuery(kind string) []string {
	out, _ := exec.Command("ssh", "-Q", kind).Output()
	return strings.Fields(string(out))
}

// can reports whether a peer has the algorithms of a job.
func (b *bench) can(peer string, j job) bool {
	known, asked := b.known[peer]
	if !asked {
		known = algorithmsOf(peer)
		b.known[peer] = known
	}
	return known.all || slices.Contains(known.ciphers, j.Suite.Cipher) &&
		(j.Suite.MAC == "" || slices.Contains(known.macs, j.Suite.MAC)) &&
		(j.Kex == "" || slices.Contains(known.kex, j.Kex))
}
