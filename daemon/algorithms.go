package daemon

import (
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Profile names a set of algorithms, for Config("AlgorithmProfile=NAME").
type Profile string

// The profiles. A list that is set afterwards goes its own way.
const (
	// ProfileModern is the default: the secure defaults of the layers below.
	ProfileModern Profile = "modern"
	// ProfileCompat2022 has the default lists of the reference document, with
	// SHA-1, MD5, CBC, arcfour, DSA and zlib among them.
	ProfileCompat2022 Profile = "compat2022"
	// ProfileAll has everything that is built, the secure first.
	ProfileAll Profile = "all"
)

// algorithmSet are the algorithms that a connection may negotiate.
type algorithmSet struct {
	profile                                  Profile
	kex, ciphers, macs, compression, hostKey algorithmList
}

// algorithmList is a list of names in order of preference.
type algorithmList struct {
	kind   algorithmKind
	names  []string
	chosen bool // by the program: otherwise the transport's own default applies
}

// algorithmKind tells the lists apart.
type algorithmKind int

const (
	kexKind algorithmKind = iota
	cipherKind
	macKind
	compressionKind
	hostKeyKind
)

// compat2022 are the default lists of the reference document.
var compat2022 = [...]string{
	kexKind: "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1," +
		"diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1," +
		"ecdh-sha2-nistp256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,ecdh-sha2-nistp384,ecdh-sha2-nistp521",
	cipherKind: "aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc,3des-ctr,3des-cbc,blowfish-cbc," +
		"arcfour256,arcfour128,arcfour,cast128-cbc,aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com",
	macKind: "hmac-sha2-256,hmac-sha2-512,hmac-sha1,hmac-md5,hmac-ripemd160,hmac-sha1-96,hmac-md5-96,hmac-sha2-256-96," +
		"hmac-sha2-512-96,hmac-ripemd160-96,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
	compressionKind: "none,zlib",
	hostKeyKind: "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512," +
		"ssh-rsa,ssh-dss,x509v3-sign-rsa,x509v3-sign-dss",
}

// modernAlgorithms are the secure defaults of the layers below.
func modernAlgorithms() algorithmSet {
	return algorithmSet{
		profile:     ProfileModern,
		kex:         algorithmList{kind: kexKind, names: kexNames(kex.Default())},
		ciphers:     algorithmList{kind: cipherKind, names: cipherNames(cipher.Default())},
		macs:        algorithmList{kind: macKind, names: macNames(mac.Default())},
		compression: algorithmList{kind: compressionKind, names: transport.DefaultCompression()},
		hostKey:     algorithmList{kind: hostKeyKind, names: sshkey.DefaultAlgorithms()},
	}
}

// profileAlgorithms returns the lists of a profile.
func profileAlgorithms(name string) (algorithmSet, error) {
	set := modernAlgorithms()
	var namesOf func(algorithmKind) []string
	switch profile := Profile(strings.ToLower(name)); profile {
	case ProfileModern:
		return set, nil
	case ProfileCompat2022:
		set.profile, namesOf = profile, func(kind algorithmKind) []string { return strings.Split(compat2022[kind], ",") }
	case ProfileAll:
		set.profile, namesOf = profile, builtNames
	default:
		return set, invalid("AlgorithmProfile is modern, compat2022 or all")
	}
	for _, l := range set.lists() {
		l.names, l.chosen = namesOf(l.kind), true
	}
	return set, nil
}

func (s *algorithmSet) lists() []*algorithmList {
	return []*algorithmList{&s.kex, &s.ciphers, &s.macs, &s.compression, &s.hostKey}
}

// String returns the names with commas between them.
func (l algorithmList) String() string { return strings.Join(l.names, ",") }

// set replaces the names. A name that nobody knows is an error, and so is a
// list of which nothing is built; names of the reference that are not built
// are kept and left out of negotiations.
func (l *algorithmList) set(list string) error {
	var names []string
	usable, built := false, nameable(l.kind)
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		known := slices.Contains(built, name)
		usable = usable || known
		if !known && !slices.Contains(strings.Split(compat2022[l.kind], ","), name) {
			return invalid("unknown algorithm " + quote(name))
		}
		names = append(names, name)
	}
	if !usable {
		return invalid("the list has no supported algorithm")
	}
	l.names, l.chosen = names, true
	return nil
}

// usable returns the names that are built, in their order.
func (l algorithmList) usable() []string {
	built := nameable(l.kind)
	return slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return !slices.Contains(built, n) })
}

// builtNames returns all names of a kind that are built, secure ones first.
func builtNames(kind algorithmKind) []string {
	switch kind {
	case kexKind:
		return kexNames(append(append(kex.Default(), kex.Optional()...), kex.Insecure()...))
	case cipherKind:
		return cipherNames(append(cipher.Default(), cipher.Insecure()...))
	case macKind:
		return macNames(append(mac.Default(), mac.Insecure()...))
	case compressionKind:
		return transport.CompressionNames()
	default:
		return append(append(sshkey.DefaultAlgorithms(), sshkey.OptionalAlgorithms()...), sshkey.InsecureAlgorithms()...)
	}
}

// nameable returns what a list may name: all that is built, and the cipher and
// the MAC that are none, which no profile has.
func nameable(kind algorithmKind) []string {
	if kind == cipherKind || kind == macKind {
		return append(builtNames(kind), "none")
	}
	return builtNames(kind)
}

// apply puts the lists that the program has chosen into a transport
// configuration.
func (s *algorithmSet) apply(cfg *transport.Config) error {
	var err error
	if s.kex.chosen {
		if cfg.Kex, err = kex.Lookup(s.kex.usable()...); err != nil {
			return err
		}
	}
	if s.ciphers.chosen {
		if cfg.Ciphers, err = cipher.Lookup(s.ciphers.usable()...); err != nil {
			return err
		}
	}
	if s.macs.chosen {
		if cfg.MACs, err = mac.Lookup(s.macs.usable()...); err != nil {
			return err
		}
	}
	if s.compression.chosen {
		cfg.Compression = s.compression.usable()
	}
	if s.hostKey.chosen {
		cfg.HostKeyAlgorithms = s.hostKey.usable()
		cfg.HostKeys = signing(cfg.HostKeys, cfg.HostKeyAlgorithms)
	} else {
		// Keys with X.509 certificates go only to clients that ask for them.
		cfg.HostKeyAlgorithms = append(sshkey.DefaultAlgorithms(), sshkey.X509Algorithms()...)
	}
	return nil
}

// signing returns keys with the algorithms that were named, ssh-rsa among
// them, which a key does not sign with by itself. A key that fits none stays
// as it is: it will not be offered.
func signing(keys []sshkey.Signer, names []string) []sshkey.Signer {
	keys = slices.Clone(keys)
	for i, key := range keys {
		if named, err := sshkey.WithAlgorithms(key, names...); err == nil {
			keys[i] = named
		}
	}
	return keys
}

func kexNames(list []kex.Method) (names []string) {
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}

func cipherNames(list []cipher.Cipher) (names []string) {
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

func macNames(list []mac.MAC) (names []string) {
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}
