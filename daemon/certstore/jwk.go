package certstore

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// JSON Web Keys (RFC 7517, 7518 §6, 8037 §2) and sets of them, plain or
// encrypted with a password (RFC 7517 §7, PBES2 of RFC 7518 §4.8).

// jweMark is how a compact JWE begins: {" in base64.
const jweMark = "eyJ"

// jwk has the members that are read. Those of symmetric keys are not.
type jwk struct {
	Kty, Kid, Crv string
	N, E, D, P, Q number
	X, Y          number
	X5c           [][]byte `json:"x5c"`
	Ciphertext    string   // of a JWE, which is no key
	Keys          []jwk    // of a set
	Oth           json.RawMessage
}

// number is a number or a point in base64url.
type number []byte

// UnmarshalText decodes base64url, whose padding should not be there.
func (n *number) UnmarshalText(text []byte) (err error) {
	*n, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(string(text), "="))
	return err
}

// jwkTypes are the values of kty that SSH has keys for.
var jwkTypes = map[string]func(*jwk) (plainKey, error){"RSA": (*jwk).rsa, "EC": (*jwk).ec, "OKP": (*jwk).okp}

// jwkCurves are the values of crv: what SSH calls them, and their size in bytes.
var jwkCurves = map[string]struct {
	kty, name string
	size      int
}{
	"P-256":   {"EC", "nistp256", 32},
	"P-384":   {"EC", "nistp384", 48},
	"P-521":   {"EC", "nistp521", 66},
	"Ed25519": {"OKP", "ssh-ed25519", 32},
	"Ed448":   {"OKP", "ssh-ed448", 57},
}

// parseJWK reads a key, a set, a list of keys, or one of these in a JWE.
func parseJWK(in *input) ([]*Key, error) {
	data := []byte(strings.TrimSpace(string(in.data)))
	var top jwk
	switch {
	case strings.HasPrefix(string(data), "["):
		if err := json.Unmarshal(data, &top.Keys); err != nil {
			return nil, malformed("JWK: %w", err)
		}
	case !strings.HasPrefix(string(data), jweMark):
		if err := json.Unmarshal(data, &top); err != nil {
			return nil, malformed("JWK: %w", err)
		}
	}
	if strings.HasPrefix(string(data), jweMark) || top.Ciphertext != "" {
		plain, err := in.openJWE(string(data))
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		top = jwk{}
		if err := json.Unmarshal(plain, &top); err != nil {
			return nil, malformed("JWK: %w", err)
		}
	}
	var c collector
	if top.Keys == nil {
		top.Keys = []jwk{top}
	}
	for i := range top.Keys {
		if err := top.Keys[i].add(&c); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// openJWE decrypts with the password.
func (in *input) openJWE(text string) ([]byte, error) {
	kinds := []jose.KeyAlgorithm{jose.PBES2_HS256_A128KW, jose.PBES2_HS384_A192KW, jose.PBES2_HS512_A256KW}
	ciphers := []jose.ContentEncryption{jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512, jose.A128GCM, jose.A192GCM, jose.A256GCM}
	read := jose.ParseEncryptedJSON
	if strings.HasPrefix(text, jweMark) {
		read = jose.ParseEncryptedCompact
	}
	object, err := read(text, kinds, ciphers)
	if err != nil {
		return nil, malformed("encrypted JWK: %w", err)
	}
	if in.password == "" {
		return nil, because(ErrPassword, "the JWK is encrypted")
	}
	count, _ := object.Header.ExtraHeaders["p2c"].(float64) // RFC 7518 §4.8.1.2
	if err := in.spend(int(min(max(count, 0), MaxIterations+1))); err != nil {
		return nil, err
	}
	plain, err := object.Decrypt([]byte(in.password))
	if err != nil {
		return nil, because(ErrPassword, "encrypted JWK: %w", err)
	}
	return plain, nil
}

// add takes the key and its certificates.
func (j *jwk) add(c *collector) error {
	build := jwkTypes[j.Kty]
	if build == nil {
		return c.add(nil, because(ErrUnsupported, "JWK of type %s", quoted(j.Kty)))
	}
	k, err := build(j)
	if err != nil {
		return c.add(nil, err)
	}
	for _, der := range j.X5c {
		if err := c.addCertificate(j.Kid, der); err != nil {
			return err
		}
	}
	return c.add(k.key(j.Kid))
}

func (j *jwk) rsa() (plainKey, error) {
	if j.Oth != nil {
		return plainKey{}, because(ErrUnsupported, "RSA key with more than two primes")
	}
	if len(j.D) > 0 && (len(j.P) == 0 || len(j.Q) == 0) {
		if max(len(j.N), len(j.E), len(j.D)) > sshkey.MaxRSABits/8 {
			return plainKey{}, malformed("RSA key of %d bytes", max(len(j.N), len(j.E), len(j.D)))
		}
		if j.P, j.Q = rsaPrimes(j.N, j.E, j.D); j.P == nil {
			return plainKey{}, malformed("RSA key without primes, whose d does not fit")
		}
	}
	return rsaKey(j.N, j.E, j.D, j.P, j.Q), nil
}

func (j *jwk) ec() (plainKey, error) {
	curve, ok := jwkCurves[j.Crv]
	switch {
	case !ok || curve.kty != j.Kty:
		return plainKey{}, because(ErrUnsupported, "JWK on the curve %s", quoted(j.Crv))
	case len(j.X) > curve.size || len(j.Y) > curve.size:
		return plainKey{}, malformed("JWK with a point of another size than the curve's")
	}
	point := make([]byte, 1+2*curve.size) // some programs leave zeros out in front
	point[0] = 4
	copy(point[1+curve.size-len(j.X):], j.X)
	copy(point[1+2*curve.size-len(j.Y):], j.Y)
	return ecKey(curve.name, point, j.D), nil
}

func (j *jwk) okp() (plainKey, error) {
	curve, ok := jwkCurves[j.Crv]
	switch {
	case !ok || curve.kty != j.Kty:
		return plainKey{}, because(ErrUnsupported, "JWK on the curve %s", quoted(j.Crv))
	case len(j.X) != curve.size || len(j.D) > 0 && len(j.D) != curve.size:
		return plainKey{}, malformed("JWK with numbers of another size than the curve's")
	}
	return edKey(curve.name, j.X, j.D), nil
}
