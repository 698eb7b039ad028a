// Package cipher holds the packet ciphers of the SSH transport layer: how one binary packet (RFC 4253 §6) is sealed and
// opened under a set of keys. It does no framing of its own, no I/O, and keeps no packet.
//
// A Cipher is a row of a table: a name, sizes, constructors. Together with a MAC, where it is no AEAD, it makes a Sealer
// for one direction and an Opener for the other:
//
//	construction      length field    tag covers                      package file
//	none              clear           -                               none.go
//	encrypt and MAC   encrypted       seq, plaintext packet           encmac.go
//	encrypt then MAC  clear           seq, length, ciphertext         encmac.go
//	GCM (RFC 5647)    clear           length, ciphertext              gcm.go
//	chacha20-poly1305 encrypted apart encrypted length, ciphertext    chachapoly.go
//
// The ciphers that need a MAC are transforms in SDCTR (ctr.go, aesctr.go), CBC (cbc.go, aescbc.go) or RC4 (arcfour.go);
// those with blocks of 64 bits (tripledes.go, blowfish.go, cast128.go) have both modes in block64.go, some blocks at a
// time. Default lists what a connection offers unless told otherwise, Insecure what must be asked for by name and why;
// "none" is in no list. Where the processor can, packets with a MAC go two at a time (pair.go), and AES-GCM, AES in
// counter mode (VAES: gcmvector.go, aesctr.go), ChaCha20 and Poly1305 (AVX2 or AVX-512: chachavector.go, poly1305.go)
// many blocks at a time. Elsewhere the standard library and x/crypto serve. Each assembly function has a twin in Go that
// the tests compare it with.
//
// With encrypt-and-MAC the length is decrypted before the tag can be checked. In CBC that would tell an attacker what a
// block of his choice decrypts to; Layout.HideLength says what the framing code does about it (CVE-2008-5161).
//
// # Who owns the bytes
//
// Everything happens in place in the caller's buffer and nothing is kept after a call returns but the tag that OpenAhead
// computes for the next packet, so a packet may live in any buffer, a pooled one included.
//
//	call           bytes that come in                              bytes that go out
//	Seal           length, padding length, payload, padding,       ciphertext and tag, the same slice
//	               then Layout().Tag spare bytes
//	Length         the first Layout().Head bytes as received       the same slice, perhaps decrypted; to be handed on
//	Open           head as Length left it, rest, tag as received   plaintext from byte 4 on; the length field and
//	                                                               the tag are used up
//	SealPair       as Seal, two packets                            as Seal
//	OpenAhead      as Open, and what has arrived behind it         as Open; what is behind is left as it is, and has
//	                                                               to stay so
//	constructors   key, iv and macKey are copied                   the caller clears its slices
//
// After ErrTag the content of the packet is unspecified and must not be looked at. With an AEAD or encrypt-then-MAC it
// holds no plaintext: the tag is checked before the cipher runs, or, in GCM, what was computed is cleared. Neither Seal,
// Length nor Open allocates, but for the first one behind a Rest.
//
// Sealers and Openers are not for concurrent use. Keys live as long as they do, and what is computed from them until a
// Rest; the standard library's cipher states cannot be cleared, so dropping the last reference is all that can be done.
package cipher
