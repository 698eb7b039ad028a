package sshkey

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
)

// KnownBad finds keys of generators that were broken: their owner is not the
// only one who has the private half. It is for those who let keys in or sign
// with them, and costs little; nothing in this package asks it by itself. The
// zero value knows the keys that can be told by themselves, those of ROCA
// (CVE-2017-15361).
type KnownBad struct {
	prints map[[10]byte]struct{} // ends of MD5 fingerprints
	moduli []*big.Int
}

// BadKeyError says that a key is of a broken generator.
type BadKeyError struct {
	Key PublicKey
	Why string
}

// Error names the key and what is wrong with it.
func (e *BadKeyError) Error() string {
	return fmt.Sprintf("sshkey: %s key %s is not secret: %s", e.Key.Type(), Fingerprint(e.Key), e.Why)
}

// AddBlocklist adds a list in the form of openssh-vulnkey(1), as distributions
// have it for the keys of Debian's generator of 2006 to 2008 (CVE-2008-0166):
// the last 20 digits of an MD5 fingerprint on each line, '#' starts a comment.
// The error is that of the reader, or says which line is malformed; nothing is
// added then. It must not be called while Check is.
func (b *KnownBad) AddBlocklist(r io.Reader) error {
	file, err := io.ReadAll(io.LimitReader(r, MaxListFile+1))
	if err != nil {
		return fmt.Errorf("sshkey: list of known-bad keys: %w", err)
	}
	if len(file) > MaxListFile {
		return ErrListTooLarge
	}
	prints := map[[10]byte]struct{}{}
	n := 0
	for line := range strings.SplitSeq(string(file), "\n") {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		v, err := hex.DecodeString(line)
		if err != nil || len(v) != 10 {
			return fmt.Errorf("sshkey: line %d of a list of known-bad keys is malformed", n)
		}
		prints[[10]byte(v)] = struct{}{}
	}
	if b.prints == nil {
		b.prints = prints
		return nil
	}
	for v := range prints {
		b.prints[v] = struct{}{}
	}
	return nil
}

// AddKey adds a key with which others must not share a factor, such as the
// other host keys that are known: with a bad source of randomness two devices
// make the same prime, and then everybody can calculate it. Keys that are not
// RSA keys have no factors. It must not be called while Check is.
func (b *KnownBad) AddKey(key PublicKey) {
	if n := modulusOf(key); n != nil {
		b.moduli = append(b.moduli, n)
	}
}

// Check returns a *BadKeyError if the key, or the one in its certificate, is
// known to be bad. Its time is proportional to the number of keys added.
func (b *KnownBad) Check(key PublicKey) error {
	if key == nil {
		return errNoKey
	}
	sum := md5.Sum(plainBlob(key))
	if b != nil {
		if _, ok := b.prints[[10]byte(sum[6:])]; ok {
			return &BadKeyError{Key: key, Why: "it is on a list of such keys"}
		}
	}
	n := modulusOf(key)
	if n == nil {
		return nil
	}
	if isROCA(n) {
		return &BadKeyError{Key: key, Why: "its modulus has the form of CVE-2017-15361"}
	}
	if b != nil && sharesFactor(n, b.moduli) {
		return &BadKeyError{Key: key, Why: "its modulus shares a factor with another"}
	}
	return nil
}

func sharesFactor(n *big.Int, moduli []*big.Int) bool {
	gcd, one := new(big.Int), big.NewInt(1)
	for _, m := range moduli {
		if gcd.GCD(nil, nil, n, m).Cmp(one) != 0 && gcd.Cmp(n) != 0 {
			return true
		}
	}
	return false
}

// PlainBlob returns the blob of the plain key that key is, or that is in its
// certificate. Two keys with the same one are the same credential: who holds
// one holds the other.
func PlainBlob(key PublicKey) []byte { return slices.Clone(plainBlob(key)) }

func plainBlob(key PublicKey) []byte {
	switch k := key.(type) {
	case *Certificate:
		return k.key.blob
	case *X509Key:
		return k.plainBlob()
	}
	return key.Marshal()
}

// modulusOf returns the modulus of an RSA key, nil of others.
func modulusOf(key PublicKey) *big.Int {
	if key == nil {
		return nil
	}
	k, err := Limits{MinRSABits: LowestMinRSABits}.parsePublicKey(plainBlob(key))
	if err != nil {
		return nil
	}
	if r, ok := k.key.(rsaKey); ok {
		return r.n
	}
	return nil
}

// rocaPrimes are primes that divide the constant of the generator for every
// size of key: its primes are powers of 65537 modulo each of them.
var rocaPrimes = [...]uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
	107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// isROCA reports whether n is a power of 65537 modulo each of the primes, as a
// product of two such primes is, and another number hardly ever.
func isROCA(n *big.Int) bool {
	for _, p := range rocaPrimes {
		rest := new(big.Int).Mod(n, new(big.Int).SetUint64(p)).Uint64()
		power := uint64(1)
		for power != rest {
			if power = power * 65537 % p; power == 1 {
				return false // all powers have been seen
			}
		}
	}
	return true
}
