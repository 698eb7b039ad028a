package sshkey

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 an old key type that is only shown
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/hawser-ssh/hawser/wire"
)

// The field of the picture: the bishop of the "drunken bishop" walk starts in
// its middle (Loss, Limmer, von Gernler: "The drunken bishop", 2009).
const (
	artColumns = 17
	artRows    = 9
	// artSymbols show how often a square was visited; the last two mark where
	// the walk started and where it ended.
	artSymbols = " .o+=*BOX@%&#/^SE"
)

// Randomart returns the picture of the key's SHA-256 fingerprint that
// ssh-keygen -lv shows: eleven lines without an end of the last one. It is for
// comparing by eye. That of an OpenSSH certificate is of the key in it.
func Randomart(key PublicKey) string {
	sum := sha256.Sum256(printed(key))
	return randomart(artTitle(key), "[SHA256]", sum[:])
}

// RandomartMD5 returns the picture of FingerprintMD5.
func RandomartMD5(key PublicKey) string {
	sum := md5.Sum(printed(key))
	return randomart(artTitle(key), "[MD5]", sum[:])
}

// DescribeKey returns the line of ssh-keygen -l: size in bits, fingerprint,
// comment, escaped, and kind of key, "256 SHA256:... user@host (ED25519)".
func DescribeKey(key PublicKey, comment string) string {
	if comment == "" {
		comment = "no comment"
	}
	return fmt.Sprintf("%d %s %s (%s)", keyBits(key), Fingerprint(key), wire.Escape(comment, MaxKeyComment), kindName(key))
}

// randomart draws the walk that sum describes.
func randomart(title, hash string, sum []byte) string {
	field := bishopWalk(sum)
	var b strings.Builder
	border(&b, title)
	for _, row := range field {
		b.WriteByte('|')
		for _, n := range row {
			b.WriteByte(artSymbols[n])
		}
		b.WriteString("|\n")
	}
	border(&b, hash)
	return strings.TrimSuffix(b.String(), "\n")
}

// bishopWalk returns indexes into artSymbols. Each byte is four moves, the
// lowest two bits first: one for left or right, one for up or down.
func bishopWalk(sum []byte) (field [artRows][artColumns]uint8) {
	const start, end uint8 = uint8(len(artSymbols) - 2), uint8(len(artSymbols) - 1)
	column, row := artColumns/2, artRows/2
	for _, v := range sum {
		for range 4 {
			column = step(column, v&1 != 0, artColumns)
			row = step(row, v&2 != 0, artRows)
			if field[row][column] < start-1 {
				field[row][column]++
			}
			v >>= 2
		}
	}
	field[artRows/2][artColumns/2] = start
	field[row][column] = end
	return field
}

// step moves by one; at the wall it stays.
func step(at int, forward bool, size int) int {
	if forward {
		return min(at+1, size-1)
	}
	return max(at-1, 0)
}

// border writes a line with the text in its middle.
func border(b *strings.Builder, text string) {
	left := (artColumns - len(text)) / 2
	b.WriteString("+" + strings.Repeat("-", left) + text + strings.Repeat("-", artColumns-left-len(text)) + "+\n")
}

// artTitle returns kind and size, or the kind alone where both do not fit. What
// still does not fit loses its bracket, as in ssh-keygen.
func artTitle(key PublicKey) string {
	title := fmt.Sprintf("[%s %d]", kindName(key), keyBits(key))
	if len(title) > artColumns {
		title = "[" + kindName(key) + "]"
	}
	return title[:min(len(title), artColumns-1)]
}

// kindNames are the short names that ssh-keygen has for types of keys.
var kindNames = [...]struct{ keyType, name string }{
	{"ssh-ed25519", "ED25519"},
	{"ecdsa-sha2-nistp256", "ECDSA"},
	{"ecdsa-sha2-nistp384", "ECDSA"},
	{"ecdsa-sha2-nistp521", "ECDSA"},
	{"ssh-rsa", "RSA"},
	{"ssh-dss", "DSA"},
	{"sk-ssh-ed25519@openssh.com", "ED25519-SK"},
	{"sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK"},
	{"ssh-ed448", "ED448"}, // as PuTTY calls it: OpenSSH has none
}

// kindName returns the short name of the key's type, upper case.
func kindName(key PublicKey) string {
	name, suffix := key.Type(), ""
	switch k := key.(type) {
	case *Certificate:
		name, suffix = k.key.Type(), "-CERT"
	case *X509Key: // ssh-keygen has none
		name, suffix = k.kind.key, "-X509"
	}
	for _, k := range kindNames {
		if k.keyType == name {
			return k.name + suffix
		}
	}
	return strings.ToUpper(name) + suffix
}

// keyBits returns the size of the key as ssh-keygen -l counts it; 0 for a key
// that is not of this package.
func keyBits(key PublicKey) int {
	if cert, ok := key.(*Certificate); ok {
		key = cert.key
	}
	if plain, ok := key.(*publicKey); ok {
		switch k := plain.key.(type) {
		case skKey:
			return bitsOf(k.scheme.public())
		case rsaKey:
			return k.n.BitLen() // also where the exponent is too large for the library
		}
	}
	return bitsOf(key.CryptoPublicKey())
}

func bitsOf(key crypto.PublicKey) int {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return 256
	case ed448.PublicKey:
		return 448
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *dsa.PublicKey:
		return k.P.BitLen()
	}
	return 0
}
