package certstore

import (
	"bytes"
	"crypto/pbkdf2"
	"encoding/asn1"
	"hash"
	"math/big"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// spend takes the cost of a key derivation from what the store may cost.
func (in *input) spend(iterations int) error {
	if iterations < 1 {
		return malformed("%d iterations of a key derivation", iterations)
	}
	if iterations > in.iterations {
		return because(ErrTooCostly, "more than %d iterations of key derivations", MaxIterations)
	}
	in.iterations -= iterations
	return nil
}

func checkSalt(salt []byte) error {
	if len(salt) > sshkey.MaxKDFSalt {
		return because(ErrTooCostly, "salt of %d bytes", len(salt))
	}
	return nil
}

// bmp returns a password as PKCS #12 and Java have it: UTF-16 and a zero.
func bmp(password string) []byte {
	var b []byte
	for _, u := range append(utf16.Encode([]rune(password)), 0) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// The purposes of keys that pkcs12KDF derives (RFC 7292 App. B.3).
const (
	forKey = 1
	forIV  = 2
	forMAC = 3
)

// pkcs12KDF is RFC 7292 App. B.2. password is what bmp returns, or empty.
func pkcs12KDF(newHash func() hash.Hash, purpose byte, password, salt []byte, iterations, size int) []byte {
	h := newHash()
	v := h.BlockSize()
	diversifier := bytes.Repeat([]byte{purpose}, v)
	state := append(fill(salt, v), fill(password, v)...)
	defer clear(state)
	var out []byte
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(state)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		b := fill(a, v)[:v]
		for i := 0; i < len(state); i += v {
			addOne(state[i:i+v], b)
		}
	}
}

// fill repeats p up to a multiple of v bytes; nothing stays nothing.
func fill(p []byte, v int) []byte {
	n := (len(p) + v - 1) / v * v
	out := make([]byte, 0, n)
	for len(out) < n {
		out = append(out, p[:min(len(p), n-len(out))]...)
	}
	return out
}

// addOne adds b and 1 to a, big-endian numbers of the same size.
func addOne(a, b []byte) {
	carry := 1
	for i := len(a) - 1; i >= 0; i-- {
		carry += int(a[i]) + int(b[i])
		a[i] = byte(carry)
		carry >>= 8
	}
}

// pbkdf1 is RFC 8018 §5.1.
func pbkdf1(newHash func() hash.Hash, password, salt []byte, iterations int) []byte {
	h := newHash()
	h.Write(password)
	h.Write(salt)
	t := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(t)
		t = h.Sum(t[:0])
	}
	return t
}

// derivation is a KDF that is given by an AlgorithmIdentifier.
type derivation struct {
	oid    asn1.ObjectIdentifier
	derive func(in *input, params cryptobyte.String, password []byte, size int) ([]byte, error)
}

var derivations = [...]derivation{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, (*input).derivePBKDF2},
	{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, (*input).deriveScrypt},
}

// derive derives a key of size bytes as a KeyDerivationFunc says. A size of 0
// leaves it to the parameters.
func (in *input) derive(kdf cryptobyte.String, password []byte, size int) ([]byte, error) {
	oid, params, err := readAlgorithm(&kdf)
	if err != nil {
		return nil, err
	}
	for _, d := range derivations {
		if d.oid.Equal(oid) {
			return d.derive(in, params, password, size)
		}
	}
	return nil, because(ErrUnsupported, "key derivation %v", oid)
}

// keySize decides between the size that is wanted and the one that is given.
func keySize(given, wanted int) (int, error) {
	const most = 128 // bytes, the block of the largest hash
	if given == 0 {
		given = wanted
	}
	if given < 1 || given > most || wanted != 0 && given != wanted {
		return 0, malformed("key derivation of %d bytes, %d needed", given, wanted)
	}
	return given, nil
}

// derivePBKDF2 reads PBKDF2-params (RFC 8018 App. A.2).
func (in *input) derivePBKDF2(params cryptobyte.String, password []byte, size int) ([]byte, error) {
	var seq, salt cryptobyte.String
	var iterations, given int
	newHash := hashes[0].new // HMAC with SHA-1 is the default
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.ReadASN1Integer(&iterations) ||
		seq.PeekASN1Tag(cbasn1.INTEGER) && !seq.ReadASN1Integer(&given) {
		return nil, malformed("PBKDF2 parameters")
	}
	if !seq.Empty() {
		oid, _, err := readAlgorithm(&seq)
		if err != nil {
			return nil, err
		}
		if newHash, err = lookupHMAC(oid); err != nil {
			return nil, err
		}
	}
	size, err := keySize(given, size)
	if err != nil {
		return nil, err
	}
	if err := checkSalt(salt); err != nil {
		return nil, err
	}
	blocks := (size-1)/newHash().Size() + 1
	if iterations > MaxIterations {
		iterations = MaxIterations + 1 // the product below must not overflow
	}
	if err := in.spend(iterations * blocks); err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(newHash, string(password), salt, iterations, size)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	return key, nil
}

// deriveScrypt reads scrypt-params (RFC 7914 §7).
func (in *input) deriveScrypt(params cryptobyte.String, password []byte, size int) ([]byte, error) {
	var seq, salt cryptobyte.String
	var given int
	n, r, p := new(big.Int), new(big.Int), new(big.Int)
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.ReadASN1Integer(n) || !seq.ReadASN1Integer(r) || !seq.ReadASN1Integer(p) ||
		!seq.Empty() && !seq.ReadASN1Integer(&given) || !seq.Empty() {
		return nil, malformed("scrypt parameters")
	}
	size, err := keySize(given, size)
	if err != nil {
		return nil, err
	}
	if err := checkSalt(salt); err != nil {
		return nil, err
	}
	if in.bouncy {
		p = r // as it is there, whatever the parameters say
	}
	return in.scrypt(password, salt, n, r, p, size)
}

// scrypt derives a key, if that takes no more than MaxMemory and counts as no
// more iterations than are left: one for every 2 KiB of work.
func (in *input) scrypt(password, salt []byte, n, r, p *big.Int, size int) ([]byte, error) {
	memory := new(big.Int).Mul(n, r)
	memory.Mul(memory, big.NewInt(128))
	if n.Sign() <= 0 || r.Sign() <= 0 || p.Sign() <= 0 {
		return nil, malformed("scrypt parameters")
	}
	if memory.Cmp(big.NewInt(MaxMemory)) > 0 {
		return nil, because(ErrTooCostly, "scrypt in more than %d bytes of memory", MaxMemory)
	}
	work := new(big.Int).Mul(memory, p)
	work.Add(work.Rsh(work, 11), big.NewInt(1))
	if work.Cmp(big.NewInt(MaxIterations)) > 0 {
		work.SetInt64(MaxIterations + 1)
	}
	if err := in.spend(int(work.Int64())); err != nil {
		return nil, err
	}
	key, err := scrypt.Key(password, salt, int(n.Int64()), int(r.Int64()), int(p.Int64()), size)
	if err != nil {
		return nil, malformed("scrypt parameters: %w", err)
	}
	return key, nil
}
