package sshkey

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// RevokedError says that a list revokes a key or a certificate.
type RevokedError struct {
	Key PublicKey
	Why string // what of it is in the list: "key", "serial number", "key id", ...
}

// Error names the key and what of it is in the list.
func (e *RevokedError) Error() string {
	return fmt.Sprintf("sshkey: %s key %s is revoked by its %s", wire.Escape(e.Key.Type(), maxShown), Fingerprint(e.Key), e.Why)
}

// CheckRevoked returns nil if the list does not revoke key; see Revocation.
// Otherwise it returns a *RevokedError, or ErrKRL from a list that could not
// be read.
func (k *KRL) CheckRevoked(key PublicKey) error {
	switch {
	case k == nil || !k.loaded:
		return fmt.Errorf("%w: it revokes everything", ErrKRL)
	case key == nil:
		return errNoKey
	}
	why := ""
	switch key := key.(type) {
	case *Certificate:
		why = cmp.Or(k.revokesKey(key.key.blob), k.revokesCertificate(key))
		if why == "" && k.revokesKey(key.authority.blob) != "" {
			why = "authority"
		}
	case *X509Key:
		why = cmp.Or(k.revokesKey(key.blob), k.revokesKey(key.plainBlob()))
	default:
		why = k.revokesKey(key.Marshal())
	}
	if why != "" {
		return &RevokedError{Key: key, Why: why}
	}
	return nil
}

// revokesKey returns by what a plain key is revoked, or "".
func (k *KRL) revokesKey(blob []byte) string {
	if _, ok := k.keys[string(blob)]; ok {
		return "key"
	}
	if len(k.hashes) == 0 {
		return ""
	}
	old, sum := sha1.Sum(blob), sha256.Sum256(blob)
	_, ok1 := k.hashes[string(old[:])]
	_, ok2 := k.hashes[string(sum[:])]
	if ok1 || ok2 {
		return "fingerprint"
	}
	return ""
}

// revokesCertificate returns by what a certificate is revoked among those of
// its authority, or of all, or "".
func (k *KRL) revokesCertificate(cert *Certificate) string {
	for _, authority := range []string{string(cert.authority.blob), ""} {
		c := k.certs[authority]
		if c == nil {
			continue
		}
		if _, ok := c.ids[cert.KeyID]; ok {
			return "key id"
		}
		if c.revokes(cert.Serial) {
			return "serial number"
		}
	}
	return ""
}

// revokes reports whether a serial number is revoked. 0 stands for none, so
// that no list can mean it.
func (c *krlCerts) revokes(serial uint64) bool {
	if serial == 0 {
		return false
	}
	i, found := slices.BinarySearchFunc(c.ranges, serial, func(r serialRange, s uint64) int { return cmp.Compare(r.low, s) })
	if found || i > 0 && serial <= c.ranges[i-1].high {
		return true
	}
	return slices.ContainsFunc(c.bitmaps, func(b serialBitmap) bool { return b.has(serial) })
}

// has reports whether the bit of a serial number is set.
func (b serialBitmap) has(serial uint64) bool {
	if serial < b.offset || serial-b.offset >= uint64(len(b.bits))*8 {
		return false
	}
	n := serial - b.offset
	return b.bits[uint64(len(b.bits))-1-n/8]>>(n%8)&1 == 1
}

// finish sorts the ranges and joins those that overlap, for revokes.
func (c *krlCerts) finish() {
	slices.SortFunc(c.ranges, func(a, b serialRange) int { return cmp.Compare(a.low, b.low) })
	joined := c.ranges[:0]
	for _, r := range c.ranges {
		if n := len(joined); n > 0 && r.low <= joined[n-1].high {
			joined[n-1].high = max(joined[n-1].high, r.high)
			continue
		}
		joined = append(joined, r)
	}
	c.ranges = joined
}
