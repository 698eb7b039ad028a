package certstore

import "strconv"

// Type says what kind of store it is and whether it is named or given.
type Type int

// The types of stores, with the numbers of SSHCertStoreType. A ...File is the
// name of a file, a ...Blob its contents, as they are or in base64.
const (
	User             Type = 0  // a store of the Windows user, by name such as MY
	Machine          Type = 1  // a store of the Windows machine
	PFXFile          Type = 2  // PKCS #12
	PFXBlob          Type = 3  //
	JKSFile          Type = 4  // Java's keystores of type JKS, and of type PKCS12
	JKSBlob          Type = 5  //
	PEMKeyFile       Type = 6  // a private key in PEM or OpenSSH's form, and certificates
	PEMKeyBlob       Type = 7  //
	PublicKeyFile    Type = 8  // a certificate or a public key, in PEM or DER
	PublicKeyBlob    Type = 9  //
	SSHPublicKeyBlob Type = 10 // a public key of SSH: one line, or RFC 4716
	P7BFile          Type = 11 // certificates in a PKCS #7 message
	P7BBlob          Type = 12 //
	SSHPublicKeyFile Type = 13 // as SSHPublicKeyBlob
	PPKFile          Type = 14 // PuTTY's private keys
	PPKBlob          Type = 15 //
	XMLFile          Type = 16 // .NET's RSAKeyValue and DSAKeyValue
	XMLBlob          Type = 17 //
	JWKFile          Type = 18 // JSON Web Keys and sets of them (RFC 7517)
	JWKBlob          Type = 19 //
	SecurityKey      Type = 20 // a PKCS #11 token
	BCFKSFile        Type = 21 // Bouncy Castle's FIPS keystores
	BCFKSBlob        Type = 22 //
	Auto             Type = 99 // a file or its contents, told by what is in it
)

// place says what the source of a store is.
type place int

const (
	inFile place = iota
	inBlob
	inEither // contents, or else the name of a file
)

// kind is one type of store. Either open or parse is set.
type kind struct {
	t     Type
	name  string
	place place
	parse func(*input) ([]*Key, error)
	open  func(source []byte, password string) (Store, error)
}

// kinds lists what can be opened.
var kinds = [...]kind{
	{t: User, name: "Windows user", open: openUser},
	{t: Machine, name: "Windows machine", open: openMachine},
	{t: PFXFile, name: "PKCS #12 file", place: inFile, parse: parsePFX},
	{t: PFXBlob, name: "PKCS #12", place: inBlob, parse: parsePFX},
	{t: JKSFile, name: "Java keystore file", place: inFile, parse: parseJKS},
	{t: JKSBlob, name: "Java keystore", place: inBlob, parse: parseJKS},
	{t: PEMKeyFile, name: "PEM file", place: inFile, parse: parsePEM},
	{t: PEMKeyBlob, name: "PEM", place: inBlob, parse: parsePEM},
	{t: PublicKeyFile, name: "public key file", place: inFile, parse: parsePEM},
	{t: PublicKeyBlob, name: "public key", place: inBlob, parse: parsePEM},
	{t: SSHPublicKeyBlob, name: "SSH public key", place: inBlob, parse: parseSSHPublic},
	{t: P7BFile, name: "PKCS #7 file", place: inFile, parse: parseP7B},
	{t: P7BBlob, name: "PKCS #7", place: inBlob, parse: parseP7B},
	{t: SSHPublicKeyFile, name: "SSH public key file", place: inFile, parse: parseSSHPublic},
	{t: PPKFile, name: "PuTTY key file", place: inFile, parse: parsePPK},
	{t: PPKBlob, name: "PuTTY key", place: inBlob, parse: parsePPK},
	{t: XMLFile, name: "XML file", place: inFile, parse: parseXML},
	{t: XMLBlob, name: "XML", place: inBlob, parse: parseXML},
	{t: JWKFile, name: "JWK file", place: inFile, parse: parseJWK},
	{t: JWKBlob, name: "JWK", place: inBlob, parse: parseJWK},
	{t: SecurityKey, name: "PKCS #11", open: openToken},
	{t: BCFKSFile, name: "BCFKS file", place: inFile, parse: parseBCFKS},
	{t: BCFKSBlob, name: "BCFKS", place: inBlob, parse: parseBCFKS},
	{t: Auto, name: "automatic", place: inEither, parse: parseAny},
}

func lookup(t Type) *kind {
	for i := range kinds {
		if kinds[i].t == t {
			return &kinds[i]
		}
	}
	return nil
}

// Known reports whether t is one of the types above.
func (t Type) Known() bool { return t >= User && t <= BCFKSBlob || t == Auto }

// String returns the name of the type and its number.
func (t Type) String() string {
	if k := lookup(t); k != nil {
		return k.name + " (" + strconv.Itoa(int(t)) + ")"
	}
	return "type " + strconv.Itoa(int(t))
}
