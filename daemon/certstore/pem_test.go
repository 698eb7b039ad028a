package certstore

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

func TestPEM(t *testing.T) {
	k := newKey(t, pkix.Name{CommonName: "a"}, "")
	text, err := sshkey.PrivateKeyFormat{Rounds: 1}.MarshalPrivateKey(k.Signer, "comment", []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Chain[0].Raw})
	both := slices.Concat(cert, text)
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		t      Type
		source string
	}{
		{PEMKeyFile, file}, {PEMKeyBlob, string(both)}, {PEMKeyBlob, base64.StdEncoding.EncodeToString(both)},
		{Auto, file}, {Auto, string(both)}, {Auto, base64.StdEncoding.EncodeToString(both)},
	} {
		store, err := Open(c.t, []byte(c.source), "pass")
		if err != nil {
			t.Errorf("%v: %v", c.t, err)
			continue
		}
		found, err := Find(store, "")
		if err != nil || found.Name != "comment" || found.Subject() != "CN=a" || !samePublic(found.Public, k.Public) {
			t.Errorf("%v: %v, %v", c.t, found, err)
		}
		if _, err := Open(c.t, []byte(c.source), ""); !errors.Is(err, ErrPassword) {
			t.Errorf("%v without password: %v", c.t, err)
		}
	}
	for _, typ := range []Type{PEMKeyFile, Auto} {
		if _, err := Open(typ, []byte(file+"x"), ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

func TestPlatformStores(t *testing.T) {
	if _, err := Open(Type(23), nil, ""); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	if Type(23).Known() || !Auto.Known() || Auto.String() != "automatic (99)" || Type(23).String() != "type 23" {
		t.Error("names of types")
	}
}
