package certstore

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

var update = flag.Bool("update", false, "make the files in testdata/keys anew")

// keysDir holds the files that the commands below have made.
const keysDir = "../../testdata/keys"

// password is that of all files which have one.
const password = "sesame"

// recipe is a file and the command that makes it.
type recipe struct {
	file    string
	command string // of a shell, in a directory with the files above it
	t       Type   // the ...Blob; 0 is a file that others are made from and that no store type is about
	key     string // the file with the same key in PEM or OpenSSH's form; empty is any
	subject string // selects the key
	count   int    // keys and certificates in it; 0 stands for 1
	public  bool   // there is no private key
	err     error  // opening it fails with this
}

// kitchen is a program and what it makes.
type kitchen struct {
	tools   []string
	recipes []recipe
}

const subjectOf = `/C=NL/O=Ships, boats/CN=`

// kitchens list all files, in an order in which they can be made.
var kitchens = []kitchen{
	{[]string{"openssl"}, openssl},
	{[]string{"ssh-keygen"}, sshKeygen},
	{[]string{"puttygen"}, puttygen},
	{[]string{"java", "javac"}, java},
	{[]string{"node"}, node},
	{[]string{"mcs", "mono"}, mono},
}

var openssl = []recipe{
	{file: "rsa.pem", command: "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "ec256.pem", command: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec256.pem", t: PEMKeyBlob, key: "ec256.pem"},
	{file: "ec384.pem", command: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ec384.pem", t: PEMKeyBlob, key: "ec384.pem"},
	{file: "ec521.pem", command: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out ec521.pem", t: PEMKeyBlob, key: "ec521.pem"},
	{file: "ed25519.pem", command: "openssl genpkey -algorithm ED25519 -out ed25519.pem", t: PEMKeyBlob, key: "ed25519.pem"},
	{file: "ed448.pem", command: "openssl genpkey -algorithm ED448 -out ed448.pem", t: PEMKeyBlob, key: "ed448.pem"},
	{file: "dsa.pem", command: "openssl genpkey -quiet -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -pkeyopt dsa_paramgen_q_bits:160 | openssl genpkey -paramfile /dev/stdin -out dsa.pem", t: PEMKeyBlob, key: "dsa.pem"},
	{file: "ca.key", command: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key", t: PEMKeyBlob, key: "ca.key"},
	{file: "ca.crt", command: "openssl req -x509 -new -key ca.key -subj '/CN=Example CA' -days 36500 -out ca.crt", t: PublicKeyBlob, key: "ca.key", public: true},
	certRecipe("rsa"), certRecipe("ec256"), certRecipe("ec384"), certRecipe("ed25519"), certRecipe("ed448"), certRecipe("dsa"),

	{file: "rsa-pkcs1.pem", command: "openssl rsa -in rsa.pem -traditional -out rsa-pkcs1.pem", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "rsa-pkcs1-aes256.pem", command: "openssl rsa -in rsa.pem -traditional -aes256 -passout pass:sesame -out rsa-pkcs1-aes256.pem", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "rsa-pkcs1-3des.pem", command: "openssl rsa -in rsa.pem -traditional -des3 -passout pass:sesame -out rsa-pkcs1-3des.pem", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "ec384-sec1.pem", command: "openssl ec -in ec384.pem -out ec384-sec1.pem", t: PEMKeyBlob, key: "ec384.pem"},
	{file: "ec256-sec1-aes128.pem", command: "openssl ecparam -name prime256v1 >ec256-sec1-aes128.pem; openssl ec -in ec256.pem -aes128 -passout pass:sesame >>ec256-sec1-aes128.pem", t: PEMKeyBlob, key: "ec256.pem"},
	{file: "dsa-traditional.pem", command: "openssl dsa -in dsa.pem -out dsa-traditional.pem", t: PEMKeyBlob, key: "dsa.pem"},
	{file: "dsa-aes192.pem", command: "openssl dsa -in dsa.pem -aes192 -passout pass:sesame -out dsa-aes192.pem", t: PEMKeyBlob, key: "dsa.pem"},
	pkcs8Recipe("rsa", "pbes2", "-v2 aes-256-cbc"),
	pkcs8Recipe("ed25519", "pbes2-sha512", "-v2 aes-128-cbc -v2prf hmacWithSHA512"),
	pkcs8Recipe("ed448", "pbes2-3des", "-v2 des3 -v2prf hmacWithSHA1"),
	pkcs8Recipe("ec521", "pbes2-scrypt", "-scrypt -scrypt_N 1024"),
	pkcs8Recipe("rsa", "pbes1-md5-des", "-v1 PBE-MD5-DES"),
	pkcs8Recipe("rsa", "pbes1-md5-rc2", "-v1 PBE-MD5-RC2-64"),
	pkcs8Recipe("ec256", "pbes1-sha1-des", "-v1 PBE-SHA1-DES"),
	pkcs8Recipe("ec256", "pbes1-sha1-rc2", "-v1 PBE-SHA1-RC2-64"),
	pkcs8Recipe("dsa", "pbe-sha1-3des", "-v1 PBE-SHA1-3DES"),
	pkcs8Recipe("dsa", "pbe-sha1-2des", "-v1 PBE-SHA1-2DES"),
	pkcs8Recipe("ec384", "pbe-sha1-rc4", "-v1 PBE-SHA1-RC4-128"),
	{file: "rsa.der", command: "openssl pkcs8 -topk8 -nocrypt -in rsa.pem -outform DER -out rsa.der", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "ec256-pbes2.der", command: "openssl pkcs8 -topk8 -in ec256.pem -passout pass:sesame -outform DER -out ec256-pbes2.der", t: PEMKeyBlob, key: "ec256.pem"},
	{file: "rsa-pkcs1.der", command: "openssl rsa -in rsa.pem -traditional -outform DER -out rsa-pkcs1.der", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "ec384-sec1.der", command: "openssl ec -in ec384.pem -outform DER -out ec384-sec1.der", t: PEMKeyBlob, key: "ec384.pem"},
	{file: "dsa-traditional.der", command: "openssl dsa -in dsa.pem -outform DER -out dsa-traditional.der", t: PEMKeyBlob, key: "dsa.pem"},
	{file: "rsa-with-chain.pem", command: "cat ca.crt rsa-pbes2.pem rsa.crt >rsa-with-chain.pem", t: PEMKeyBlob, key: "rsa.pem", subject: "CN=rsa.example.org"},
	{file: "two.pem", command: "cat rsa.pem ec256.pem rsa.crt ec256.crt >two.pem", t: PEMKeyBlob, key: "ec256.pem", subject: `C=NL, O="Ships, boats", CN=ec256.example.org`, count: 2},

	{file: "rsa-public.pem", command: "openssl pkey -in rsa.pem -pubout -out rsa-public.pem", t: PublicKeyBlob, key: "rsa.pem", public: true},
	{file: "ed448-public.der", command: "openssl pkey -in ed448.pem -pubout -outform DER -out ed448-public.der", t: PublicKeyBlob, key: "ed448.pem", public: true},
	{file: "dsa-public.der", command: "openssl pkey -in dsa.pem -pubout -outform DER -out dsa-public.der", t: PublicKeyBlob, key: "dsa.pem", public: true},
	{file: "rsa-public-pkcs1.pem", command: "openssl rsa -in rsa.pem -RSAPublicKey_out -out rsa-public-pkcs1.pem", t: PublicKeyBlob, key: "rsa.pem", public: true},
	{file: "rsa-public-pkcs1.der", command: "openssl rsa -in rsa.pem -RSAPublicKey_out -outform DER -out rsa-public-pkcs1.der", t: PublicKeyBlob, key: "rsa.pem", public: true},
	{file: "ec256-crt.der", command: "openssl x509 -in ec256.crt -outform DER -out ec256-crt.der", t: PublicKeyBlob, key: "ec256.pem", public: true},
	{file: "ec256-trusted.crt", command: "openssl x509 -in ec256.crt -trustout -addtrust serverAuth -out ec256-trusted.crt", t: PublicKeyBlob, key: "ec256.pem", public: true},
	{file: "chain.p7b", command: "openssl crl2pkcs7 -nocrl -certfile rsa.crt -certfile ca.crt -outform DER -out chain.p7b", t: P7BBlob, key: "rsa.pem", subject: "CN=rsa.example.org", count: 2, public: true},
	{file: "chain-pem.p7b", command: "openssl crl2pkcs7 -nocrl -certfile rsa.crt -certfile ca.crt -out chain-pem.p7b", t: P7BBlob, key: "rsa.pem", subject: "CN=rsa.example.org", count: 2, public: true},
	{file: "signed.p7b", command: "echo text | openssl cms -sign -signer ec256.crt -inkey ec256.pem -nodetach -binary -stream -outform DER -out signed.p7b", t: P7BBlob, key: "ec256.pem", public: true},

	pfxRecipe("rsa", "", ""), pfxRecipe("ec256", "", ""), pfxRecipe("ec384", "", ""), pfxRecipe("dsa", "", ""),
	pfxRecipe("ed25519", "", ""), pfxRecipe("ed448", "", ""),
	pfxRecipe("rsa", "-legacy", "-legacy"), // RC2-40 and 3DES
	pfxRecipe("rsa", "-rc2-128", "-provider legacy -provider default -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC4-40"),
	pfxRecipe("rsa", "-2des", "-provider legacy -provider default -keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-RC4-128"),
	pfxRecipe("ec256", "-sha512", "-macalg SHA512 -iter 10 -keypbe AES-128-CBC -certpbe AES-192-CBC"),
	pfxRecipe("ec256", "-plain", "-keypbe NONE -certpbe NONE"),
	pfxRecipe("ec256", "-nomac", "-nomac"),
	{file: "rsa-empty-password.p12", command: "openssl pkcs12 -export -inkey rsa.pem -in rsa.crt -legacy -passout pass: -out rsa-empty-password.p12", t: PFXBlob, key: "rsa.pem"},
	{file: "certificates.p12", command: "openssl pkcs12 -export -nokeys -in rsa.crt -certfile ca.crt -passout pass:sesame -out certificates.p12", t: PFXBlob, key: "rsa.pem", subject: "CN=rsa.example.org", count: 2, public: true},
}

func certRecipe(name string) recipe {
	return recipe{file: name + ".crt", t: PublicKeyBlob, key: name + ".pem", public: true,
		command: fmt.Sprintf("openssl req -new -key %s.pem -subj '%s%s.example.org' | openssl x509 -req -CA ca.crt -CAkey ca.key -set_serial 0x1$(openssl rand -hex 8) -days 36500 -out %s.crt 2>/dev/null", name, subjectOf, name, name)}
}

func pkcs8Recipe(name, form, flags string) recipe {
	file := name + "-" + form + ".pem"
	return recipe{file: file, t: PEMKeyBlob, key: name + ".pem",
		command: fmt.Sprintf("openssl pkcs8 -topk8 -provider legacy -provider default %s -in %s.pem -passout pass:sesame -out %s", flags, name, file)}
}

func pfxRecipe(name, suffix, flags string) recipe {
	file := name + suffix + ".p12"
	return recipe{file: file, t: PFXBlob, key: name + ".pem", subject: `CN=` + name + `.example.org, O="Ships, boats", C=NL`,
		command: fmt.Sprintf("openssl pkcs12 -export %s -inkey %s.pem -in %s.crt -certfile ca.crt -name server -passout pass:sesame -out %s", flags, name, name, file)}
}

var sshKeygen = []recipe{
	{file: "ssh-ed25519", command: "ssh-keygen -q -t ed25519 -N '' -C me@example.org -f ssh-ed25519", t: PEMKeyBlob, key: "ssh-ed25519", subject: "me@example.org"},
	{file: "ssh-ed25519.pub", command: "ssh-keygen -y -f ssh-ed25519 >ssh-ed25519.pub", t: SSHPublicKeyBlob, key: "ssh-ed25519", public: true},
	{file: "ssh-ed25519.rfc4716", command: "ssh-keygen -e -f ssh-ed25519.pub >ssh-ed25519.rfc4716", t: SSHPublicKeyBlob, key: "ssh-ed25519", public: true},
	{file: "ssh-rsa-encrypted", command: "cp rsa-pkcs1.pem ssh-rsa-encrypted; chmod 600 ssh-rsa-encrypted; ssh-keygen -q -p -a 4 -N sesame -C rsa -f ssh-rsa-encrypted", t: PEMKeyBlob, key: "rsa.pem"},
	{file: "ssh-rsa.pub", command: "ssh-keygen -i -m PKCS8 -f rsa-public.pem >ssh-rsa.pub", t: SSHPublicKeyBlob, key: "rsa.pem", public: true},
	{file: "ssh-rsa.rfc4716", command: "ssh-keygen -e -f ssh-rsa.pub >ssh-rsa.rfc4716", t: SSHPublicKeyBlob, key: "rsa.pem", public: true},
	{file: "ssh-cert.pub", command: "cp ssh-ed25519.pub cert-key.pub; ssh-keygen -q -s ssh-ed25519 -I id -h -n example.org cert-key.pub; mv cert-key-cert.pub ssh-cert.pub", t: SSHPublicKeyBlob, key: "ssh-ed25519", public: true},
}

var puttygen = []recipe{
	ppkRecipe("rsa-pkcs1.pem", "rsa-v3.ppk", "", "rsa.pem"),
	ppkRecipe("rsa-pkcs1.pem", "rsa-v3-argon2id.ppk", "kdf=argon2id,memory=64,passes=2", "rsa.pem"),
	ppkRecipe("ec384-sec1.pem", "ec384-argon2i.ppk", "kdf=argon2i,memory=64,passes=3,parallelism=2", "ec384.pem"),
	ppkRecipe("ssh-ed25519", "ed25519-argon2d.ppk", "kdf=argon2d,memory=160,passes=3,parallelism=4", "ssh-ed25519"),
	ppkRecipe("dsa-traditional.pem", "dsa-argon2d.ppk", "kdf=argon2d,memory=64,passes=1", "dsa.pem"),
	ppkRecipe("rsa-pkcs1.pem", "rsa-v2.ppk", "version=2", "rsa.pem"),
	ppkRecipe("ec384-sec1.pem", "ec384-v2.ppk", "version=2", "ec384.pem"),
	{file: "ed448.ppk", command: "puttygen -q -t ed448 -C comment -o ed448.ppk --new-passphrase /dev/null --random-device /dev/urandom", t: PPKBlob, key: "ed448-putty", subject: "comment"},
	{file: "ed448-putty", command: "puttygen ed448.ppk -O private-openssh-new -o ed448-putty", t: PEMKeyBlob, key: "ed448-putty"},
	{file: "putty.rfc4716", command: "puttygen rsa-v3.ppk -O public -o putty.rfc4716", t: SSHPublicKeyBlob, key: "rsa.pem", public: true},
	{file: "sshcom", command: "puttygen rsa-v3.ppk -O private-sshcom -o sshcom", t: SSHPublicKeyBlob, err: ErrUnsupported},
}

// ppkRecipe encrypts where there are parameters, other than those of a plain file.
func ppkRecipe(from, file, params, key string) recipe {
	command := "echo sesame >pass; puttygen " + from + " -O private -C 'a comment' -o " + file + " --random-device /dev/urandom"
	if params != "" {
		command += " --new-passphrase pass --ppk-param " + params
	}
	return recipe{file: file, command: command, t: PPKBlob, key: key}
}

var java = []recipe{
	{file: "rsa.jks", command: "java -XX:TieredStopAtLevel=1 --add-exports java.base/sun.security.tools.keytool=ALL-UNNAMED -cp /usr/share/java/bcprov.jar $TESTDATA/MakeStores.java sesame rsa ec256 ed25519 ed448 dsa >/dev/null 2>&1", t: JKSBlob, key: "rsa.pem", subject: "rsa"},
	{file: "several.jks", t: JKSBlob, key: "dsa.pem", subject: "CN=dsa.example.org", count: 3},
	{file: "keytool.jks", t: JKSBlob, key: "rsa.pem", subject: "server"},
	{file: "generated.jks", t: JKSBlob, subject: "CN=keytool, C=NL"},
	{file: "trusted.jks", t: JKSBlob, key: "ca.key", public: true},
	{file: "empty.jks", t: JKSBlob, count: -1},
	{file: "rsa.jceks", t: JKSBlob, err: ErrUnsupported},
	{file: "bouncy.p12", t: PFXBlob, key: "ed25519.pem", subject: "ed25519", count: 2},
	{file: "several.bcfks", t: BCFKSBlob, key: "ed448.pem", subject: "CN=ed448.example.org", count: 2},
	{file: "rsa-kwp.bcfks", t: BCFKSBlob, key: "rsa.pem"},
	{file: "rsa-scrypt.bcfks", t: BCFKSBlob, key: "rsa.pem"},
}

var node = []recipe{
	{file: "rsa.jwk", command: "node $TESTDATA/make_jwk.js rsa ec256 ec384 ec521 ed25519 ed448", t: JWKBlob, key: "rsa.pem", subject: "rsa"},
	{file: "ec256.jwk", t: JWKBlob, key: "ec256.pem"},
	{file: "ed448.jwk", t: JWKBlob, key: "ed448.pem"},
	{file: "set.jwk", t: JWKBlob, key: "ec521.pem", subject: "ec521", count: 6},
	{file: "public.jwk", t: JWKBlob, key: "rsa.pem", public: true},
}

var mono = []recipe{
	{file: "rsa.xml", command: "mcs -out:MakeXML.exe $TESTDATA/MakeXML.cs && mono MakeXML.exe", t: XMLBlob},
	{file: "rsa-public.xml", t: XMLBlob, public: true},
	{file: "dsa.xml", t: XMLBlob},
}

// eachRecipe calls f for all files.
func eachRecipe(f func(recipe)) {
	for _, k := range kitchens {
		for _, r := range k.recipes {
			f(r)
		}
	}
}

// costly are files whose programs spend much on deriving keys: too much for when time is short.
var costly = []string{"bouncy.p12", "several.bcfks", "rsa-kwp.bcfks", "rsa-scrypt.bcfks", "ssh-rsa-encrypted", "keytool.jks", "generated.jks"}

// TestMadeFiles opens the files of testdata/keys.
func TestMadeFiles(t *testing.T) {
	for _, k := range kitchens {
		checkRecipes(t, keysDir, k.recipes, !testing.Short())
	}
}

// TestMadeAnew makes the files again with the programs at hand, whose versions may be others.
func TestMadeAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("short: only the files of testdata/keys are opened")
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, k := range kitchens {
		for _, tool := range k.tools {
			peertest.Lookup(t, tool)
		}
		script := "set -e -o pipefail\nexport TESTDATA=" + testdata + "\n"
		for _, r := range k.recipes {
			script += r.command + "\n"
		}
		if r := (peertest.Cmd{Path: "bash", Args: []string{"-c", script}, Dir: dir, Timeout: 5 * time.Minute}).Run(t); r.Code != 0 {
			t.Fatalf("%s: status %d, %s%s", k.tools[0], r.Code, r.Stdout, r.Stderr)
		}
		checkRecipes(t, dir, k.recipes, false)
	}
	if *update {
		replaceFiles(t, dir)
	}
}

// replaceFiles puts what was made into testdata/keys, and how into its README.
func replaceFiles(t *testing.T, dir string) {
	readme := readmeText()
	os.RemoveAll(keysDir)
	if err := os.MkdirAll(keysDir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(file string, text []byte) {
		if err := os.WriteFile(filepath.Join(keysDir, file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	eachRecipe(func(r recipe) { write(r.file, readFileT(t, dir, r.file)) })
	write("README.md", []byte(readme))
}

// readmeText lists the files and the commands.
func readmeText() string {
	var b strings.Builder
	b.WriteString("# Keys in all formats\n\nKeys for tests, which protect nothing; the password is `sesame`. Each file was made by the command " +
		"beside it, in this\norder, in one directory, with TESTDATA=daemon/certstore/testdata. A file without a command came with the one above it.\n" +
		"`go test ./daemon/certstore -run MadeAnew -update` makes them all again.\n\n")
	eachRecipe(func(r recipe) {
		if r.command == "" {
			fmt.Fprintf(&b, "- %s\n", r.file)
		} else {
			fmt.Fprintf(&b, "- %s: `%s`\n", r.file, r.command)
		}
	})
	return b.String()
}

func TestReadmeOfKeys(t *testing.T) {
	if got := string(readFileT(t, keysDir, "README.md")); got != readmeText() {
		t.Error("README.md does not list the commands of this file: run TestMadeAnew with -update")
	}
}

func readFileT(t testing.TB, dir, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// checkRecipes opens the files, in every way that fits if it has to be thorough. It says nothing new to do that with files
// that take long.
func checkRecipes(t *testing.T, dir string, recipes []recipe, thorough bool) {
	t.Helper()
	for _, r := range recipes {
		if testing.Short() && slices.Contains(costly, r.file) {
			continue
		}
		text := readFileT(t, dir, r.file)
		var public crypto.PublicKey
		if r.key != "" {
			public = publicOfFile(t, dir, r.key)
		}
		in64 := base64.StdEncoding.EncodeToString(text)
		type source struct {
			t    Type
			text string
		}
		sources := []source{{Auto, filepath.Join(dir, r.file)}}
		if thorough {
			sources = append(sources, source{r.t, string(text)})
		}
		if thorough && r.t != BCFKSBlob {
			sources = append(sources, source{r.t, in64}, source{fileType(r.t), filepath.Join(dir, r.file)}, source{Auto, in64})
		}
		for _, s := range sources {
			if err := checkRecipe(r, s.t, s.text, public); err != nil {
				t.Errorf("%s as %v: %v", r.file, s.t, err)
			}
		}
	}
}

// fileType returns the type of a file with contents of the type.
func fileType(t Type) Type {
	if t == SSHPublicKeyBlob {
		return SSHPublicKeyFile
	}
	return t - 1
}

// publicOfFile returns the public half of a key in PEM, as sshkey reads it.
func publicOfFile(t testing.TB, dir, file string) crypto.PublicKey {
	key, _, err := accepted.ParsePrivateKey(readFileT(t, dir, file), []byte(password))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return key.Public()
}

func checkRecipe(r recipe, typ Type, source string, public crypto.PublicKey) error {
	pass := password
	if strings.Contains(r.file, "empty-password") {
		pass = ""
	}
	store, err := Open(typ, []byte(source), pass)
	if r.err != nil {
		if !errors.Is(err, r.err) {
			return fmt.Errorf("error %w", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer store.Close()
	keys, err := store.Keys()
	if err != nil || len(keys) != max(r.count, 0) && !(r.count == 0 && len(keys) == 1) {
		return fmt.Errorf("%d keys, %w", len(keys), err)
	}
	if len(keys) == 0 {
		return nil
	}
	if r.public {
		return checkPublic(r, store, keys, public)
	}
	k, err := Find(store, r.subject)
	if err != nil {
		return err
	}
	if public != nil && !samePublic(k.Public, public) {
		return errors.New("it is another key")
	}
	return signs(k)
}

func checkPublic(r recipe, store Store, keys []*Key, public crypto.PublicKey) error {
	if _, err := Find(store, r.subject); !errors.Is(err, ErrNoPrivateKey) {
		return fmt.Errorf("finding a private key: %w", err)
	}
	for _, k := range keys {
		if (public == nil || samePublic(k.Public, public)) && k.contains(r.subject) {
			return nil
		}
	}
	return errors.New("it is another key")
}

// signs checks that the private key belongs to the public one and to the certificate.
func signs(k *Key) error {
	if len(k.Chain) > 0 && !samePublic(publicKey(k.Chain[0]), k.Public) {
		return errors.New("certificate for another key")
	}
	signers, err := k.SignersWithin(sshkey.Limits{})
	if err != nil {
		return err
	}
	for _, s := range signers {
		algorithm := sshkey.AlgorithmsFor(s.PublicKey().Type())[0]
		signature, err := s.Sign(nil, algorithm, []byte("data"))
		if err != nil {
			return err
		}
		if err := s.PublicKey().Verify(algorithm, []byte("data"), signature); err != nil {
			return err
		}
	}
	public, err := sshkey.NewPublicKey(k.Public)
	if err != nil || !bytes.Equal(public.Marshal(), signers[0].PublicKey().Marshal()) {
		return fmt.Errorf("public half: %w", err)
	}
	return nil
}
