package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
)

// suite is the protection of a connection under measurement.
type suite struct {
	Name   string // in flags and tables
	Cipher string
	MAC    string // empty with an AEAD
}

// defaultSuites are the ciphers of bulk unless told otherwise.
const defaultSuites = "aes128-gcm,aes256-gcm,chacha20-poly1305,aes128-ctr+etm,aes128-ctr+mac,aes256-cbc+hmac-sha1,3des-cbc+hmac-sha1"

// allSuites is the name of everything that is built; see everySuite.
const allSuites = "all"

// vendor ends the names that OpenSSH gave; suites may be named without.
const vendor = "@openssh.com"

// macNames are the short names of the MACs that count most.
var macNames = map[string]string{"etm": mac.HMACSHA256EtM, "mac": mac.HMACSHA256}

// parseSuites takes the list of a flag apart.
func parseSuites(list string) ([]suite, error) {
	if list == allSuites {
		return everySuite(), nil
	}
	var found []suite
	for _, name := range strings.Split(list, ",") {
		s, err := findSuite(name)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

// findSuite looks "cipher" or "cipher+mac" up in the tables.
func findSuite(name string) (suite, error) {
	cipherName, macName, paired := strings.Cut(name, "+")
	c, err := lookup(cipher.Lookup, cipherName)
	if err != nil {
		return suite{}, fmt.Errorf("no cipher %q", cipherName)
	}
	if c.AEAD != !paired {
		return suite{}, fmt.Errorf("%q: an AEAD takes no MAC, and every other cipher takes one, as in %s+etm", name, cipher.AES128CTR)
	}
	s := suite{Name: name, Cipher: c.Name}
	if !paired {
		return s, nil
	}
	if long := macNames[macName]; long != "" {
		macName = long
	}
	m, err := lookup(mac.Lookup, macName)
	if err != nil {
		return suite{}, fmt.Errorf("no MAC %q", macName)
	}
	s.MAC = m.Name
	return s, nil
}

// lookup finds a row of a table by its name, or by its name without the vendor.
func lookup[Row any](table func(...string) ([]Row, error), name string) (row Row, err error) {
	rows, err := table(name)
	if err != nil {
		rows, err = table(name + vendor)
	}
	if err != nil {
		return row, err
	}
	return rows[0], nil
}

// everySuite is each cipher of the tables once, with the first MAC where it needs one, and each MAC once more with
// aes128-ctr.
func everySuite() []suite {
	var all []suite
	first := mac.Default()[0]
	for _, c := range slices.Concat(cipher.Default(), cipher.Insecure()) {
		s := suite{Name: strings.TrimSuffix(c.Name, vendor), Cipher: c.Name}
		if !c.AEAD {
			s = pair(c.Name, first.Name)
		}
		all = append(all, s)
	}
	for _, m := range slices.Concat(mac.Default(), mac.Insecure()) {
		if m.Name != first.Name {
			all = append(all, pair(cipher.AES128CTR, m.Name))
		}
	}
	return all
}

func pair(cipherName, macName string) suite {
	short := strings.TrimSuffix(macName, vendor)
	if m, err := lookup(mac.Lookup, short); err != nil || m.Name != macName {
		short = macName // another one is called so
	}
	return suite{Name: cipherName + "+" + short, Cipher: cipherName, MAC: macName}
}

// standardSuite is the suite of what measures something else than ciphers.
func standardSuite(peer string) suite {
	if peer == dropbear { // has no AES-GCM
		return suite{Name: "aes128-ctr+mac", Cipher: cipher.AES128CTR, MAC: mac.HMACSHA256}
	}
	return suite{Name: "aes128-gcm", Cipher: cipher.AES128GCM}
}

// share is the part of a transfer's bytes that goes under a suite: what is many times slower carries less.
func (s suite) share(bytes int64) int64 {
	for _, slow := range [...]string{"3des", "blowfish", "cast128", "twofish", "arcfour"} {
		if strings.HasPrefix(s.Cipher, slow) {
			return max(bytes/16, 1)
		}
	}
	return bytes
}
