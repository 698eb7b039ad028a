package sshkey

import (
	"crypto"
	"encoding/asn1"
	"encoding/pem"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What crypto/x509 does not read: id-dsa of RFC 3279 §2.3.2, and id-Ed448 of
// RFC 8410 §3.
var (
	oidDSA   = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}
	oidEd448 = asn1.ObjectIdentifier{1, 3, 101, 113}
)

// parseDSAPEM reads the form that OpenSSL has for DSA keys: a sequence of
// zero, p, q, g, y and x.
func (l Limits) parseDSAPEM(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	return l.parseDER(b, passphrase, Limits.dsaDER)
}

func (l Limits) dsaDER(der []byte) (crypto.Signer, error) {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, badFile("not a DSA key in DER")
	}
	n, ok := readDERNumbers(&seq, 6)
	if !ok || !seq.Empty() || n[0].Sign() != 0 {
		return nil, badFile("not a DSA key in DER")
	}
	return dsaFromNumbers(n[1], n[2], n[3], n[4], n[5])
}

// pkcs8DSA reads the parameters of RFC 3279 §2.3.2 behind the algorithm's
// name, and the secret of RFC 5958 §2. The public number is calculated.
func pkcs8DSA(params, inner cryptobyte.String) (crypto.Signer, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return nil, badFile("DSA parameters missing")
	}
	n, ok := readDERNumbers(&seq, 3)
	x, ok2 := readDERNumbers(&inner, 1)
	if !ok || !ok2 || !seq.Empty() || !inner.Empty() {
		return nil, badFile("DSA parameters in DER")
	}
	p := n[0]
	if x[0].BitLen() > dsaOrderBits || p.Bit(0) == 0 {
		return nil, badFile("DSA private key out of range")
	}
	if p.BitLen() != dsaModulusBits { // before there is a calculation with it
		return nil, &WeakKeyError{Type: "ssh-dss", Bits: p.BitLen(), Min: dsaModulusBits, Max: dsaModulusBits}
	}
	return dsaFromNumbers(p, n[1], n[2], new(big.Int).Exp(n[2], x[0], p), x[0])
}

// readDERNumbers reads n numbers that are not negative and have no more bits
// than an RSA modulus may have.
func readDERNumbers(s *cryptobyte.String, n int) ([]*big.Int, bool) {
	list := make([]*big.Int, n)
	for i := range list {
		list[i] = new(big.Int)
		var raw cryptobyte.String
		peek := *s
		if !peek.ReadASN1(&raw, cbasn1.INTEGER) || len(raw) > MaxRSABits/8+1 ||
			!s.ReadASN1Integer(list[i]) || list[i].Sign() < 0 {
			return nil, false
		}
	}
	return list, true
}

func dsaFromNumbers(p, q, g, y, x *big.Int) (crypto.Signer, error) {
	public, err := newDSA(p.Bytes(), q.Bytes(), g.Bytes(), y.Bytes())
	if err != nil {
		return nil, keyFileError(err)
	}
	return newDSAPrivate(public.(dsaKey).key, x.Bytes())
}
