package certstore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/hawser-ssh/hawser/wire"
)

// found returns the only private key in a store.
func found(t *testing.T, typ Type, source []byte) *Key {
	t.Helper()
	store, err := Open(typ, source, password)
	if err != nil {
		t.Errorf("%v: %v", typ, err)
		return &Key{}
	}
	k, err := Find(store, "")
	if err != nil {
		t.Errorf("%v: %v", typ, err)
		return &Key{}
	}
	return k
}

// TestTextEncodings: editors and PowerShell put marks in front, and write UTF-16; mail changes line ends.
func TestTextEncodings(t *testing.T) {
	for file, typ := range map[string]Type{"rsa.xml": XMLBlob, "ec256.jwk": JWKBlob, "ec384-v2.ppk": PPKBlob, "ec256.pem": PEMKeyBlob} {
		text := readFileT(t, keysDir, file)
		want := found(t, typ, text)
		units := utf16.Encode([]rune(string(text)))
		little, big := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
		for _, u := range units {
			little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
		}
		forms := [][]byte{append([]byte("\xef\xbb\xbf"), text...), little, big, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))}
		if typ == PPKBlob {
			forms = append(forms, bytes.ReplaceAll(text, []byte("\n"), []byte("\r")))
		}
		for i, form := range forms {
			for _, typ := range []Type{typ, Auto} {
				if got := found(t, typ, form); !samePublic(got.Public, want.Public) {
					t.Errorf("%s, form %d, as %v: another key", file, i, typ)
				}
			}
		}
	}
	declared := strings.Replace("<?xml version='1.0' encoding='utf-16'?>\n"+string(readFileT(t, keysDir, "rsa.xml")), "><", ">\n  <", -1)
	found(t, XMLBlob, []byte(declared))
}

// TestXMLSignature: a key and its certificate among other elements, as an XML signature has them.
func TestXMLSignature(t *testing.T) {
	key := string(readFileT(t, keysDir, "rsa.xml"))
	block, _ := pem.Decode(readFileT(t, keysDir, "ca.crt"))
	doc := `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyInfo><KeyName>n</KeyName><KeyValue>` + key +
		`</KeyValue><X509Data><X509Certificate>` + strings.TrimSpace(string(base64Lines(block.Bytes))) + `</X509Certificate></X509Data></KeyInfo></Signature>`
	store, err := Open(Auto, []byte(doc), "")
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := store.Keys(); err != nil || len(keys) != 2 || keys[0].Signer == nil || keys[1].Subject() != "CN=Example CA" {
		t.Error(keys, err)
	}
}

// base64Lines returns base64 in lines, as in PEM.
func base64Lines(b []byte) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: b})
	lines := bytes.Split(text, []byte("\n"))
	return bytes.Join(lines[1:len(lines)-2], []byte("\n"))
}

// TestJWKForms: a list is a set, zeros in front may be missing, and what is no key of ours is left out.
func TestJWKForms(t *testing.T) {
	text := readFileT(t, keysDir, "ec256.jwk")
	want := found(t, JWKBlob, text)
	for name, form := range map[string]string{
		"list":         "[" + string(text) + "]",
		"with another": `{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},` + string(text) + `]}`,
		"padded":       strings.Replace(string(text), `","y"`, `=","y"`, 1),
	} {
		if got := found(t, JWKBlob, []byte(form)); !samePublic(got.Public, want.Public) {
			t.Errorf("%s: another key", name)
		}
	}
	var j jwk
	if err := json.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	whole, err := j.ec()
	if err != nil {
		t.Fatal(err)
	}
	j.X[0], j.X = 0, append(number{0}, j.X[1:]...)
	padded, err := j.ec()
	if err != nil {
		t.Fatal(err)
	}
	j.X = j.X[1:]
	if short, err := j.ec(); err != nil || !bytes.Equal(short.public, padded.public) || bytes.Equal(short.public, whole.public) {
		t.Errorf("without the zero: %x, %v", short.public, err)
	}
	for form, want := range map[string]error{
		`{"kty":"oct","k":"AAAA"}`: ErrUnsupported, `{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}`: ErrMalformed,
		`{"kty":"RSA","oth":[{}]}`: ErrUnsupported, `{"kty":"OKP","crv":"P-256"}`: ErrUnsupported, `{"kty":"OKP","crv":"Ed25519","x":"AA"}`: ErrMalformed,
		`{"kty":"EC","crv":"P-256","x":"!"}`: ErrMalformed, `{`: ErrMalformed, `[1]`: ErrMalformed, `eyJ.a.b.c.d`: ErrMalformed,
	} {
		if _, err := Open(JWKBlob, []byte(form), ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", form, err, want)
		}
	}
}

// TestAutoFindsFiles: a name is tried as that of a file first, whatever it looks like.
func TestAutoFindsFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"AAAA", "server key.pfx", "ключ", "c2VydmVy"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, readFileT(t, keysDir, "ec256.p12"), 0o600); err != nil {
			t.Fatal(err)
		}
		found(t, Auto, []byte(file))
	}
	t.Chdir(dir)
	found(t, Auto, []byte("AAAA"))
	if _, err := Open(Auto, []byte("AAAB"), ""); !errors.Is(err, ErrMalformed) {
		t.Errorf("neither a file nor a key: %v", err)
	}
}

// TestPuTTYShortSeed: PuTTY leaves the last zeros of a seed out.
func TestPuTTYShortSeed(t *testing.T) {
	seed := bytes.Repeat([]byte{9}, 32)
	seed[31], seed[30] = 0, 0
	k, err := edKey("ssh-ed25519", publicOfSeed(seed), seed).key("")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{30, 31, 32} {
		data := ppkData(publicOfSeed(seed), seed[:n])
		if got := found(t, PPKBlob, ppkWith(data)); !samePublic(got.Public, k.Public) {
			t.Errorf("%d bytes of the seed: another key", n)
		}
	}
	if _, err := Open(PPKBlob, ppkWith(ppkData(publicOfSeed(seed), seed[:29])), ""); !errors.Is(err, ErrMalformed) {
		t.Errorf("one byte too few: %v", err)
	}
}

func publicOfSeed(seed []byte) []byte {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}

// ppkData is what ppkWith takes, for an Ed25519 key.
func ppkData(point, seed []byte) []byte {
	public := wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), point)
	b := wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), public)
	return wire.AppendBytes(b, wire.AppendBytes(nil, seed))
}
