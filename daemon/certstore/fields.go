package certstore

import (
	"bytes"
	"encoding/pem"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Some formats give keys as numbers. They are put into OpenSSH's form, whose
// parser checks their sizes before it calculates, and that they belong
// together.

// numbers appends big-endian numbers as SSH has them (RFC 4251 §5).
func numbers(b []byte, list ...[]byte) []byte {
	for _, v := range list {
		b = wire.AppendMpint(b, bytes.TrimLeft(v, "\x00"))
	}
	return b
}

// plainKey is a key of a type of SSH, as numbers and strings.
type plainKey struct {
	name    string // the type
	public  []byte // fields of the blob, behind the type
	private []byte // fields of OpenSSH's private form, behind the type; nil without
}

// rsaKey has a private half if d is there.
func rsaKey(n, e, d, p, q []byte) plainKey {
	k := plainKey{name: "ssh-rsa", public: numbers(nil, e, n)}
	if len(d) > 0 {
		k.private = numbers(nil, n, e, d, nil, p, q) // the coefficient is calculated anew
	}
	return k
}

// dsaKey has a private half if x is there.
func dsaKey(p, q, g, y, x []byte) plainKey {
	k := plainKey{name: "ssh-dss", public: numbers(nil, p, q, g, y)}
	if len(x) > 0 {
		k.private = numbers(slices.Clone(k.public), x)
	}
	return k
}

// ecKey is a key on one of nistp256, nistp384, nistp521; it has a private half
// if d is there.
func ecKey(curve string, point, d []byte) plainKey {
	k := plainKey{name: "ecdsa-sha2-" + curve}
	k.public = wire.AppendBytes(wire.AppendString(nil, curve), point)
	if len(d) > 0 {
		k.private = numbers(slices.Clone(k.public), d)
	}
	return k
}

// edKey is a key of type ssh-ed25519 or ssh-ed448; it has a private half if
// seed is there.
func edKey(name string, point, seed []byte) plainKey {
	k := plainKey{name: name, public: wire.AppendBytes(nil, point)}
	if len(seed) > 0 {
		k.private = wire.AppendBytes(wire.AppendBytes(nil, point), slices.Concat(seed, point))
	}
	return k
}

// blob returns the key blob (RFC 4253 §6.6).
func (k plainKey) blob() []byte { return append(wire.AppendString(nil, k.name), k.public...) }

// key returns the key under that name.
func (k plainKey) key(name string) (*Key, error) {
	if k.private == nil {
		return publicBlob(name, k.blob())
	}
	defer clear(k.private)
	plain := append(make([]byte, 8), wire.AppendString(nil, k.name)...) // two check integers
	plain = wire.AppendString(append(plain, k.private...), "")
	for i := byte(1); len(plain)%8 != 0; i++ {
		plain = append(plain, i)
	}
	defer clear(plain)
	file := []byte("openssh-key-v1\x00")
	file = wire.AppendString(wire.AppendString(wire.AppendString(file, "none"), "none"), "")
	file = wire.AppendBytes(wire.AppendBytes(wire.AppendUint32(file, 1), k.blob()), plain)
	defer clear(file)
	return privateKey(name, &pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: file}, "")
}

// publicBlob returns a key without private half.
func publicBlob(name string, blob []byte) (*Key, error) {
	public, err := accepted.ParsePublicKey(blob)
	if err != nil {
		return nil, keyError(err)
	}
	return publicOnly(name, public)
}

func publicOnly(name string, public sshkey.PublicKey) (*Key, error) {
	k := &Key{Name: name, Public: public.CryptoPublicKey()}
	if x, ok := public.(*sshkey.X509Key); ok {
		k.Chain = x.Certificates()
	}
	if k.Public == nil {
		return nil, because(ErrUnsupported, "public key of type %s", public.Type())
	}
	return k, nil
}
