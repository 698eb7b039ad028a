//go:build !(pkcs11 && cgo)

package certstore

// openToken opens a PKCS#11 token.
func openToken([]byte, string) (Store, error) {
	return nil, because(ErrUnsupported, "PKCS#11 tokens are not built in: build with cgo and -tags pkcs11")
}
