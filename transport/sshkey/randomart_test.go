package sshkey

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// picture returns art without the ends of its lines, as the vectors have it.
func picture(art string) string { return strings.ReplaceAll(art, "\n", "") }

// TestRandomartVectors compares with what ssh-keygen printed.
func TestRandomartVectors(t *testing.T) {
	for _, v := range vectors(t, "randomart_openssh.txt") {
		k, err := Limits{MinRSABits: 1024}.parseKeyLine(v["key"])
		if err != nil {
			t.Fatal(err)
		}
		if got := DescribeKey(k.Key, k.Comment); got != v["sha256"] {
			t.Errorf("got  %s\nwant %s", got, v["sha256"])
		}
		if !strings.Contains(v["md5"], FingerprintMD5(k.Key)) {
			t.Errorf("MD5 %s, want %s", FingerprintMD5(k.Key), v["md5"])
		}
		if got := Randomart(k.Key); picture(got) != v["art"] || strings.Count(got, "\n") != 10 {
			t.Errorf("%s\n%s\nwant %s", v["sha256"], got, v["art"])
		}
		if got := RandomartMD5(k.Key); picture(got) != v["art_md5"] {
			t.Errorf("%s\n%s\nwant %s", v["md5"], got, v["art_md5"])
		}
	}
}

// TestPeerRandomart compares the pictures of many keys with those that
// ssh-keygen draws now.
func TestPeerRandomart(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	const many = 200
	var file, want, wantMD5 strings.Builder
	for i := range many {
		point := make(ed25519.PublicKey, ed25519.PublicKeySize)
		rand.Read(point)
		key := must(NewPublicKey(point))
		comment := fmt.Sprintf("key %d", i)
		file.Write(must(AuthorizedKey{Key: key, Comment: comment}.Marshal()))
		fmt.Fprintf(&want, "%s\n%s\n", DescribeKey(key, comment), Randomart(key))
		fmt.Fprintf(&wantMD5, "256 %s %s (ED25519)\n%s\n", FingerprintMD5(key), comment, RandomartMD5(key))
	}
	path := write(t, filepath.Join(t.TempDir(), "keys"), []byte(file.String()))
	for hash, want := range map[string]string{"sha256": want.String(), "md5": wantMD5.String()} {
		if got := run(t, keygen, "-lv", "-E", hash, "-f", path); got != want {
			t.Errorf("%s: ssh-keygen has other pictures than we", hash)
		}
	}
}

// TestDescribeKeyOfOthers names what ssh-keygen has no name for.
func TestDescribeKeyOfOthers(t *testing.T) {
	key := must(NewPublicKey(testSigners()["ed448"].Public()))
	if got, want := DescribeKey(key, "a\x1bb"), "448 "+Fingerprint(key)+` a\x1bb (ED448)`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if art := Randomart(key); !strings.HasPrefix(art, "+---[ED448 448]---+\n") {
		t.Error(art)
	}
}
