//go:build pkcs11 && cgo

package certstore

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

const withTokens = true

const (
	userPIN = "1234"
	soPIN   = "5678"
)

// softHSM returns the library of SoftHSM, with tokens of its own for the test.
func softHSM(t *testing.T, labels ...string) string {
	t.Helper()
	library := ""
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib*/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 && library == "" {
			library = found[0]
		}
	}
	if library == "" {
		peertest.Missing(t, "libsofthsm2.so")
	}
	dir := t.TempDir()
	tokens, conf := filepath.Join(dir, "tokens"), filepath.Join(dir, "softhsm2.conf")
	err := errors.Join(os.Mkdir(tokens, 0o700), os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nlog.level = ERROR\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	for _, label := range labels {
		r := peertest.Cmd{Path: "softhsm2-util", Env: []string{"SOFTHSM2_CONF=" + conf},
			Args: []string{"--init-token", "--free", "--label", label, "--pin", userPIN, "--so-pin", soPIN}}.Run(t)
		if r.Code != 0 {
			t.Fatalf("softhsm2-util: %s%s", r.Stdout, r.Stderr)
		}
	}
	return library
}

func attr(kind uint, value any) *pkcs11.Attribute { return pkcs11.NewAttribute(kind, value) }

// generators make the kinds of keys that a token may have.
var generators = map[string]struct {
	mechanism uint
	params    []*pkcs11.Attribute
}{
	"ssh-rsa":             {pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, []*pkcs11.Attribute{attr(pkcs11.CKA_MODULUS_BITS, 2048), attr(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1})}},
	"ecdsa-sha2-nistp256": {pkcs11.CKM_EC_KEY_PAIR_GEN, []*pkcs11.Attribute{attr(pkcs11.CKA_EC_PARAMS, oidDER(1, 2, 840, 10045, 3, 1, 7))}},
	"ecdsa-sha2-nistp521": {pkcs11.CKM_EC_KEY_PAIR_GEN, []*pkcs11.Attribute{attr(pkcs11.CKA_EC_PARAMS, oidDER(1, 3, 132, 0, 35))}},
	"ssh-ed25519":         {0x1055, []*pkcs11.Attribute{attr(pkcs11.CKA_EC_PARAMS, []byte("\x13\x0cedwards25519"))}},
}

func oidDER(oid ...int) []byte {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(oid))
	if err != nil {
		panic(err)
	}
	return der
}

// onToken runs f in a session that may change the token.
func onToken(t *testing.T, store *token, f func(ctx *pkcs11.Ctx, s pkcs11.SessionHandle)) {
	t.Helper()
	ctx := store.lib.(*pkcs11.Ctx)
	slot, err := store.find()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	defer ctx.CloseSession(s)
	f(ctx, s)
}

// addTokenKey makes a key that cannot be read out of the token.
func addTokenKey(t *testing.T, store *token, kind, label string) {
	t.Helper()
	g := generators[kind]
	onToken(t, store, func(ctx *pkcs11.Ctx, s pkcs11.SessionHandle) {
		public := append([]*pkcs11.Attribute{attr(pkcs11.CKA_TOKEN, true), attr(pkcs11.CKA_VERIFY, true),
			attr(pkcs11.CKA_ID, label), attr(pkcs11.CKA_LABEL, label)}, g.params...)
		private := []*pkcs11.Attribute{attr(pkcs11.CKA_TOKEN, true), attr(pkcs11.CKA_PRIVATE, true), attr(pkcs11.CKA_SENSITIVE, true),
			attr(pkcs11.CKA_EXTRACTABLE, false), attr(pkcs11.CKA_SIGN, true), attr(pkcs11.CKA_ID, label), attr(pkcs11.CKA_LABEL, label)}
		if _, _, err := ctx.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(g.mechanism, nil)}, public, private); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	})
}

// addTokenCertificate signs a certificate with a key of the token and stores it
// there.
func addTokenCertificate(t *testing.T, store *token, label, name string) {
	t.Helper()
	key := findToken(t, store, label)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public, key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	onToken(t, store, func(ctx *pkcs11.Ctx, s pkcs11.SessionHandle) {
		_, err := ctx.CreateObject(s, []*pkcs11.Attribute{attr(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), attr(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
			attr(pkcs11.CKA_TOKEN, true), attr(pkcs11.CKA_PRIVATE, false), attr(pkcs11.CKA_ID, label), attr(pkcs11.CKA_LABEL, label),
			attr(pkcs11.CKA_SUBJECT, []byte{0x30, 0}), attr(pkcs11.CKA_VALUE, der)})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func openTestToken(t *testing.T, source string) *token {
	t.Helper()
	store, err := Open(SecurityKey, []byte(source), userPIN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*token)
}

func findToken(t *testing.T, store Store, subject string) *Key {
	t.Helper()
	key, err := Find(store, subject)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return key
}

// signsAll checks that a key signs as SSH needs it.
func signsAll(t *testing.T, key *Key) {
	t.Helper()
	signers, err := key.Signers()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signers {
		for _, algorithm := range s.Algorithms() {
			signature, err := s.Sign(nil, algorithm, []byte("data"))
			if err != nil || s.PublicKey().Verify(algorithm, []byte("data"), signature) != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
}

func TestTokenKeys(t *testing.T) {
	library := softHSM(t, "one")
	store := openTestToken(t, library)
	if keys, err := store.Keys(); err != nil || len(keys) != 0 {
		t.Fatalf("%v, %v", keys, err)
	}
	if _, err := Find(store, ""); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty token: %v", err)
	}
	for kind := range generators {
		addTokenKey(t, store, kind, kind)
		key := findToken(t, store, kind)
		public, err := sshkey.NewPublicKey(key.Public)
		if err != nil || public.Type() != kind {
			t.Errorf("%s: %v, %v", kind, public, err)
		}
		signsAll(t, key)
	}
	addTokenCertificate(t, store, "ecdsa-sha2-nistp256", "host.example")
	key := findToken(t, store, "CN=host.example")
	if len(key.Chain) != 1 || key.Name != "ecdsa-sha2-nistp256" {
		t.Errorf("%+v", key)
	}
	signsAll(t, key)
	var several *SeveralError
	if _, err := Find(store, ""); !errors.As(err, &several) || len(several.Subjects) != len(generators) {
		t.Errorf("no subject: %v", err)
	}
	rsaKey := findToken(t, store, "ssh-rsa")
	if _, err := rsaKey.Signer.Sign(nil, []byte("short"), crypto.SHA256); err == nil {
		t.Error("a digest of another size is signed")
	}
	store.Close()
	if _, err := rsaKey.Signer.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := store.Keys(); !errors.Is(err, ErrNotFound) || store.Close() != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestTokenChoice(t *testing.T) {
	library := softHSM(t, "one", "the other")
	uri := func(path string) string { return "pkcs11:" + path + "?module-path=" + library }
	for source, want := range map[string]error{
		uri("token=one"): nil, uri("token=the%20other"): nil, library: ErrNotFound, uri(""): ErrNotFound, uri("token=third"): ErrNotFound,
		uri("token=one;serial=0"): ErrNotFound, uri("object=x"): ErrMalformed, uri("slot-id=x"): ErrMalformed, uri("token=%zz"): ErrMalformed,
		"pkcs11:token=one": ErrMalformed, "": ErrMalformed, "/nowhere.so": ErrUnsupported, "/etc/passwd": ErrUnsupported,
	} {
		store, err := Open(SecurityKey, []byte(source), userPIN)
		if want == nil && err == nil {
			store.Close()
		} else if want == nil || !errors.Is(err, want) {
			t.Errorf("%s: %v", source, err)
		}
		if want == ErrNotFound && source == library && !strings.Contains(err.Error(), "the other") {
			t.Errorf("does not say which there are: %v", err)
		}
	}
}

func TestTokenPIN(t *testing.T) {
	library := softHSM(t, "one")
	if _, err := Open(SecurityKey, []byte(library), "0000"); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong PIN: %v", err)
	}
	openTestToken(t, library)
	for _, pin := range []string{"0000", ""} { // the token is logged in, and would not look at it
		if _, err := Open(SecurityKey, []byte(library), pin); !errors.Is(err, ErrPassword) {
			t.Errorf("wrong PIN %q beside a right one: %v", pin, err)
		}
	}
}

// TestTokenLogins uses two stores on one token from many goroutines.
func TestTokenLogins(t *testing.T) {
	library := softHSM(t, "one")
	stores := []*token{openTestToken(t, library), openTestToken(t, library)}
	addTokenKey(t, stores[0], "ecdsa-sha2-nistp256", "key")
	var running sync.WaitGroup
	for i := range 3 * maxTokenSessions {
		key := findToken(t, stores[i%2], "key")
		running.Go(func() {
			for range 5 {
				signsAll(t, key)
			}
		})
	}
	running.Wait()
	for _, s := range stores {
		if n := len(s.idle); n > maxTokenSessions {
			t.Errorf("%d sessions", n)
		}
	}
	stores[0].Close()
	signsAll(t, findToken(t, stores[1], "key"))
}

// drawer is a library whose token can be pulled out: then what was in use is
// void, and the token has forgotten who was logged in.
type drawer struct {
	*pkcs11.Ctx
	out    bool
	logins int
}

var errOut = pkcs11.Error(pkcs11.CKR_DEVICE_REMOVED)

func (d *drawer) pull(t *testing.T) {
	t.Helper()
	slots, err := d.Ctx.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range slots {
		d.Ctx.CloseAllSessions(slot) // which is a logout
	}
	d.out = true
}

func (d *drawer) GetSlotList(present bool) ([]uint, error) {
	if d.out {
		return nil, nil
	}
	return d.Ctx.GetSlotList(present)
}

func (d *drawer) OpenSession(slot, flags uint) (pkcs11.SessionHandle, error) {
	if d.out {
		return 0, errOut
	}
	return d.Ctx.OpenSession(slot, flags)
}

func (d *drawer) Login(s pkcs11.SessionHandle, user uint, pin string) error {
	d.logins++
	return d.Ctx.Login(s, user, pin)
}

func (d *drawer) FindObjectsInit(s pkcs11.SessionHandle, like []*pkcs11.Attribute) error {
	if d.out {
		return errOut
	}
	return d.Ctx.FindObjectsInit(s, like)
}

func TestTokenPulledOut(t *testing.T) {
	library := softHSM(t, "one")
	first := openTestToken(t, library)
	addTokenKey(t, first, "ssh-ed25519", "key")
	d := &drawer{Ctx: first.lib.(*pkcs11.Ctx)}
	store := newToken(tokenName{library: library, slot: -1}, d, userPIN, func() error { return nil })
	defer store.Close()
	logins.Lock() // the PIN that the token took from the first store
	slot, err := first.find()
	if err != nil {
		t.Fatal(err)
	}
	logins.hashes[loginKey{d, slot}] = logins.hashes[loginKey{first.lib, slot}]
	logins.Unlock()
	key := findToken(t, store, "key")
	signsAll(t, key)
	for range 3 {
		d.pull(t)
		if _, err := key.Signer.Sign(nil, []byte("data"), crypto.Hash(0)); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "not there") && !strings.Contains(err.Error(), "no such") {
			t.Errorf("pulled out: %v", err)
		}
		if _, err := store.Keys(); !errors.Is(err, ErrNotFound) {
			t.Errorf("pulled out: %v", err)
		}
		d.out = false
		signsAll(t, key)
	}
	t.Run("with another PIN", func(t *testing.T) {
		d.pull(t)
		d.out, d.logins = false, 0
		store.mu.Lock()
		store.pin = "0000" // it was changed elsewhere
		store.mu.Unlock()
		for range 5 {
			if _, err := key.Signer.Sign(nil, []byte("data"), crypto.Hash(0)); !errors.Is(err, ErrPassword) {
				t.Errorf("%v", err)
			}
		}
		if d.logins != 1 {
			t.Errorf("the wrong PIN was presented %d times", d.logins)
		}
	})
}

func TestTokenPoints(t *testing.T) {
	p256 := oidDER(1, 2, 840, 10045, 3, 1, 7)
	for name, c := range map[string]struct {
		params, point []byte
		want          error
	}{
		"bare Ed25519":  {[]byte("\x13\x0cedwards25519"), make([]byte, 32), nil},
		"by OID":        {oidDER(1, 3, 101, 112), append([]byte{4, 32}, make([]byte, 32)...), nil},
		"short Ed25519": {oidDER(1, 3, 101, 112), make([]byte, 31), ErrUnsupported},
		"off the curve": {p256, append([]byte{4}, bytes.Repeat([]byte{1}, 64)...), ErrMalformed},
		"unknown curve": {oidDER(1, 2, 3), make([]byte, 65), ErrUnsupported},
		"no curve":      {nil, make([]byte, 65), ErrUnsupported},
	} {
		if _, err := tokenPoint(c.params, c.point); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
