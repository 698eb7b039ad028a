package certstore

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hawser-ssh/hawser/wire"
)

// checkOpened is the oracle: an error is of a known kind, and a private key has the public half that is beside it.
func checkOpened(t *testing.T, keys []*Key, err error) {
	t.Helper()
	if err != nil {
		if !knownError(err) {
			t.Fatalf("error of no kind: %v", err)
		}
		return
	}
	for _, k := range keys {
		if k.Signer != nil && !samePublic(k.Public, k.Signer.Public()) {
			t.Fatalf("%T with another public half", k.Signer)
		}
		k.Subject()
	}
}

// FuzzParse parses anything as Auto does.
func FuzzParse(f *testing.F) {
	for _, c := range cheap {
		if text := readFileT(f, keysDir, c.file); len(text) < 3000 {
			f.Add(text)
		}
	}
	f.Add(pbes2Of(f, pbkdf2Of(f, 1)))
	f.Add(pbes2Of(f, scryptOf(f, 2, 1, 1)))
	f.Add(ppkOf("8", "1", "1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		keys, err := parseAny(&input{data: plain(data), password: password, iterations: 200})
		checkOpened(t, keys, err)
		if !bytes.Equal(data, before) {
			t.Fatal("the input was changed")
		}
	})
}

// behind are the parsers behind a password: of what a digest or a MAC covers, or what was decrypted.
var behind = []func(in *input, data []byte) ([]*Key, error){
	func(in *input, data []byte) ([]*Key, error) { // JKS with its digest
		body := append([]byte{0xfe, 0xed, 0xfe, 0xed}, data...)
		in.data = append(body, sha1Of(utf16Bytes(password), []byte(jksWhitener), body)...)
		return parseJKS(in)
	},
	func(in *input, data []byte) ([]*Key, error) { // a safe of PKCS #12
		var c collector
		if err := in.readBags(&c, data, 0); err != nil {
			return nil, err
		}
		return c.finish()
	},
	func(in *input, data []byte) ([]*Key, error) { // what is encrypted in BCFKS
		in.bouncy = true
		return in.readBCFKS(cryptobyte.String(data))
	},
	func(in *input, data []byte) ([]*Key, error) { // the private part of PuTTY's keys, with its MAC
		in.data = ppkWith(data)
		return parsePPK(in)
	},
}

// ppkWith returns a plain PuTTY key of version 3: the name of the type, the public part and the private one, each a string.
func ppkWith(data []byte) []byte {
	r := wire.NewFieldReader(data, "")
	name, public, private := strings.TrimSpace(r.String("")), r.Bytes(""), r.Bytes("")
	name = strings.Map(func(c rune) rune { return max(c, ' ') }, name)
	b := wire.AppendString(wire.AppendString(wire.AppendString(nil, name), "none"), "c")
	b = wire.AppendBytes(wire.AppendBytes(b, public), private)
	return []byte("PuTTY-User-Key-File-3: " + name + "\nEncryption: none\nComment: c\nPublic-Lines: 1\n" +
		base64.StdEncoding.EncodeToString(public) + "\nPrivate-Lines: 1\n" + base64.StdEncoding.EncodeToString(private) +
		"\nPrivate-MAC: " + hex.EncodeToString(mac(sha256.New, nil, b)) + "\n")
}

// FuzzBehindPassword parses what only who knows the password can have made.
func FuzzBehindPassword(f *testing.F) {
	jks := readFileT(f, keysDir, "rsa.jks")
	f.Add(byte(0), jks[4:len(jks)-sha1.Size])
	f.Add(byte(0), jksOf(1, []byte{0, 0, 0, 2, 0, 1, 'a'})[4:])
	key, cert := readFileT(f, keysDir, "ec384-sec1.der"), readFileT(f, keysDir, "ec256-crt.der")
	pkcs8 := seq(der(f, 0), seq(der(f, oidECDSA), der(f, keyCurves[1])), tlv(0x04, key))
	name := seq(der(f, oidFriendlyName), tlv(0x31, tlv(30, []byte{0, 'a'})))
	f.Add(byte(1), seq(
		seq(der(f, oidKeyBag), tlv(0xa0, pkcs8), tlv(0x31, name)),
		seq(der(f, oidCertBag), tlv(0xa0, seq(der(f, oidX509Certificate), tlv(0xa0, tlv(0x04, cert))))),
		seq(der(f, oidSafeBag), tlv(0xa0, seq()))))
	date := tlv(0x18, []byte("20260101000000Z"))
	f.Add(byte(2), slices.Concat(der(f, 1), seq(der(f, oidData)), date, date,
		seq(seq(der(f, bcfksCertificate), tlv(0x0c, []byte("a")), date, date, tlv(0x04, cert)))))
	point := bytes.Repeat([]byte{7}, 32)
	public := wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), point)
	f.Add(byte(3), wire.AppendBytes(wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), public), wire.AppendBytes(nil, point)))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		keys, err := behind[int(which)%len(behind)](&input{password: password, iterations: 200}, data)
		checkOpened(t, keys, err)
	})
}

// FuzzNames: a name that is written is read again as it was, and DER stays what it is.
func FuzzNames(f *testing.F) {
	f.Add("www.example.org", `Ships, "boats"`, []byte{0x24, 0x80, 0x04, 0x01, 'a', 0x04, 0x01, 'b', 0, 0})
	f.Add(" a=b+c ", "\n", seq(der(f, 1), der(f, oidData)))
	f.Add(`""`, "", []byte{0x30, 0x80, 0x30, 0x81, 0x00, 0, 0})
	f.Fuzz(func(t *testing.T, cn, o string, b []byte) {
		want := []attribute{{"CN", cn}, {"O", o}}
		if got, ok := parseName(format(want)); !ok || !slices.Equal(got, want) {
			t.Fatalf("%q is read as %q", format(want), got)
		}
		parseName(cn)
		once, err := toDER(b)
		if err != nil {
			return
		}
		if twice, err := toDER(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x is %x, and that %x: %v", b, once, twice, err)
		}
	})
}
