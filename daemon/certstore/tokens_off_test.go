//go:build !(pkcs11 && cgo)

package certstore

const withTokens = false
