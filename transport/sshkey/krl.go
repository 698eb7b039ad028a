package sshkey

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// Key revocation lists in OpenSSH's form (PROTOCOL.krl).

const krlMagic = "SSHKRL\n\x00"

// The types of sections, and of those in a section about certificates.
const (
	krlCertificates = 1
	krlKeys         = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5
	krlExtension    = 255

	krlSerials       = 0x20
	krlSerialRange   = 0x21
	krlSerialBitmap  = 0x22
	krlKeyIDs        = 0x23
	krlCertExtension = 0x39
)

// KRL is a list of revoked keys. It is not changed after it was made, so it is
// safe for concurrent use. The zero value and nil revoke everything: they stand
// for a list that could not be read.
type KRL struct {
	Version   uint64 // of the content, counted up by who maintains it
	Generated uint64 // seconds since 1970
	Comment   string
	SignedBy  []PublicKey // whose signatures were in the list, and good

	loaded bool
	keys   map[string]struct{} // blobs of plain keys
	hashes map[string]struct{} // SHA-1 and SHA-256 of such
	certs  map[string]*krlCerts
}

// krlCerts are revoked certificates of one authority, or of all.
type krlCerts struct {
	ranges  []serialRange // in order, not overlapping, once the list is read
	bitmaps []serialBitmap
	ids     map[string]struct{}
}

type serialRange struct{ low, high uint64 } // both inclusive

// serialBitmap revokes offset + N for each bit N, the last of bits being those
// for 0 to 7.
type serialBitmap struct {
	offset uint64
	bits   []byte
}

// ParseKRL parses a list. If it returns an error it also returns a list that
// revokes everything. Memory is bounded by a small multiple of the file, which
// may have MaxListFile bytes. Signatures are verified, that anybody trusts who
// made them is for the caller to check.
func ParseKRL(file []byte) (*KRL, error) { return Limits{}.ParseKRL(file) }

// ParseKRL is like the function of that name, under limits of the caller.
func (l Limits) ParseKRL(file []byte) (*KRL, error) {
	k := &KRL{keys: map[string]struct{}{}, hashes: map[string]struct{}{}, certs: map[string]*krlCerts{}}
	if err := k.parse(l, file); err != nil {
		return new(KRL), fmt.Errorf("%w: %w", ErrKRL, err)
	}
	for _, c := range k.certs {
		c.finish()
	}
	k.loaded = true
	return k, nil
}

// ParseRevokedKeys parses what sshd takes as RevokedKeys: a list in OpenSSH's
// form, or a text with a public key on each line. A line of it that is not
// understood is an error: it might be the one that counts. Errors and their
// results are those of ParseKRL.
func ParseRevokedKeys(file []byte) (*KRL, error) {
	if bytes.HasPrefix(file, []byte(krlMagic)) {
		return ParseKRL(file)
	}
	k := &KRL{keys: map[string]struct{}{}, loaded: true}
	var w warnings
	err := eachLine(bytes.NewReader(file), &w, func(_ int, line string) error {
		blob, err := revokedBlob(line)
		k.keys[string(blob)] = struct{}{}
		return err
	})
	if err == nil && len(w.list) > 0 {
		err = errors.New(w.list[0].String())
	}
	if err != nil {
		return new(KRL), fmt.Errorf("%w: %w", ErrKRL, err)
	}
	return k, nil
}

// revokedBlob returns the plain key of a line. One that is weak or not built
// can still be revoked.
func revokedBlob(line string) ([]byte, error) {
	declared, rest := cutField(line)
	text, _ := cutField(rest)
	blob, err := decodeBlob(declared, text)
	if err != nil {
		return nil, err
	}
	key, err := Limits{MinRSABits: LowestMinRSABits}.ParsePublicKey(blob)
	if cert, ok := key.(*Certificate); ok {
		return cert.key.blob, nil
	}
	_, unsupported := errors.AsType[*UnsupportedError](err)
	_, weak := errors.AsType[*WeakKeyError](err)
	if unsupported || weak {
		return blob, nil
	}
	return blob, err
}

// LoadRevokedKeys is ParseRevokedKeys for a file. One that cannot be read
// revokes everything too, and so does one that does not exist.
func LoadRevokedKeys(path string) (*KRL, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return new(KRL), fmt.Errorf("%w: %w", ErrKRL, err)
	}
	return ParseRevokedKeys(file)
}

func (k *KRL) parse(l Limits, file []byte) error {
	if len(file) > MaxListFile {
		return ErrListTooLarge
	}
	body, ok := bytes.CutPrefix(file, []byte(krlMagic))
	if !ok {
		return errors.New("not a revocation list")
	}
	r := wire.NewFieldReader(body, "revocation list")
	if v := r.Uint32("format"); r.Err() == nil && v != 1 {
		return &UnsupportedError{What: "revocation list of format", Name: fmt.Sprint(v)}
	}
	k.Version, k.Generated = r.Uint64("version"), r.Uint64("generated")
	r.Uint64("flags")
	r.Bytes("reserved")
	k.Comment = r.String("comment")
	for r.Len() > 0 {
		if err := k.parseSection(l, &r, file); err != nil {
			return err
		}
	}
	return r.Done()
}

func (k *KRL) parseSection(l Limits, r *wire.Reader, file []byte) error {
	kind := r.Byte("section")
	data := r.Bytes("section")
	if err := r.Err(); err != nil {
		return err
	}
	if kind != krlSignature && len(k.SignedBy) > 0 {
		return errors.New("section behind a signature")
	}
	s := wire.NewFieldReader(data, "revocation list section")
	switch kind {
	case krlCertificates:
		k.parseCertificates(&s)
	case krlKeys:
		eachString(&s, 0, func(b []byte) { k.keys[string(b)] = struct{}{} })
	case krlSHA1:
		eachString(&s, 20, func(b []byte) { k.hashes[string(b)] = struct{}{} })
	case krlSHA256:
		eachString(&s, 32, func(b []byte) { k.hashes[string(b)] = struct{}{} })
	case krlSignature:
		signed := file[:len(file)-r.Len()]
		return k.parseSignature(l, data, r.Bytes("signature"), signed, r.Err())
	case krlExtension:
		parseKRLExtension(&s)
	default:
		return &UnsupportedError{What: "section of a revocation list", Name: fmt.Sprint(kind)}
	}
	return s.Done()
}

var (
	errKRLEmpty    = errors.New("empty")
	errKRLSize     = errors.New("wrong size")
	errKRLCritical = errors.New("critical extension is not known")
	errKRLKind     = errors.New("unknown kind")
	errKRLRange    = errors.New("out of order, or beyond 2^64")
)

// eachString calls f with each string of a section, of which there must be
// one, and which must be of that size unless it is 0.
func eachString(r *wire.Reader, size int, f func(b []byte)) {
	if r.Len() == 0 {
		r.Fail("section", errKRLEmpty)
	}
	for r.Len() > 0 {
		b := r.Bytes("entry")
		if r.Err() != nil {
			return
		}
		if len(b) == 0 || size != 0 && len(b) != size {
			r.Fail("entry", errKRLSize)
			return
		}
		f(b)
	}
}

func parseKRLExtension(r *wire.Reader) {
	r.Bytes("name")
	critical := r.Bool("critical")
	r.Bytes("content")
	if r.Err() == nil && critical {
		r.Fail("extension", errKRLCritical)
	}
}

// parseSignature verifies a signature over what precedes it.
func (k *KRL) parseSignature(l Limits, blob, signature, signed []byte, err error) error {
	if err != nil {
		return err
	}
	if len(k.SignedBy) >= maxKRLSignatures {
		return errors.New("too many signatures")
	}
	key, err := l.parsePublicKey(blob)
	if err != nil {
		return err
	}
	r := wire.NewFieldReader(signature, "signature")
	label := r.String("label")
	if !slices.Contains(DefaultAuthorityAlgorithms(), label) {
		return fmt.Errorf("%w: signature with %q", ErrAlgorithm, wire.Escape(label, maxShown))
	}
	if err := key.Verify(label, signed, signature); err != nil {
		return err
	}
	k.SignedBy = append(k.SignedBy, key)
	return nil
}

// maxKRLSignatures bounds what a list can make us calculate.
const maxKRLSignatures = 8

// parseCertificates reads a section about certificates. Those of all
// authorities are kept under the empty blob.
func (k *KRL) parseCertificates(r *wire.Reader) {
	authority := r.Bytes("authority")
	r.Bytes("reserved")
	if r.Err() != nil {
		return
	}
	c := k.certs[string(authority)]
	if c == nil {
		c = &krlCerts{ids: map[string]struct{}{}}
		k.certs[string(authority)] = c
	}
	for r.Len() > 0 {
		kind := r.Byte("kind")
		s := wire.NewFieldReader(r.Bytes("certificates"), "revoked certificates")
		if r.Err() != nil {
			return
		}
		c.parse(kind, &s)
		if err := s.Done(); err != nil {
			r.Fail("certificates", err)
		}
	}
}

func (c *krlCerts) parse(kind byte, r *wire.Reader) {
	switch kind {
	case krlSerials:
		for r.Len() > 0 {
			serial := r.Uint64("serial")
			c.ranges = append(c.ranges, serialRange{serial, serial})
		}
	case krlSerialRange:
		s := serialRange{r.Uint64("low"), r.Uint64("high")}
		if r.Err() == nil && s.low > s.high {
			r.Fail("range", errKRLRange)
		}
		c.ranges = append(c.ranges, s)
	case krlSerialBitmap:
		c.parseBitmap(r)
	case krlKeyIDs:
		eachString(r, 0, func(b []byte) { c.ids[string(b)] = struct{}{} })
	case krlCertExtension:
		parseKRLExtension(r)
	default:
		r.Fail("kind", errKRLKind)
	}
}

func (c *krlCerts) parseBitmap(r *wire.Reader) {
	b := serialBitmap{offset: r.Uint64("offset"), bits: bytes.Clone(r.Mpint("bitmap"))}
	if r.Err() != nil || len(b.bits) == 0 {
		return
	}
	if b.offset+uint64(bitLen(b.bits)-1) < b.offset {
		r.Fail("bitmap", errKRLRange)
		return
	}
	c.bitmaps = append(c.bitmaps, b)
}
