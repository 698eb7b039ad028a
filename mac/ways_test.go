package mac

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestWays has all other tests mean what they seem to where GODEBUG turns a feature of the processor off: nothing that
// needs it is in use. golang.org/x/sys/cpu has no name
// for the SHA extensions, so it is one of the others that is turned off.
func TestWays(t *testing.T) {
	off := func(feature string) bool {
		settings := strings.Split(os.Getenv("GODEBUG"), ",")
		return slices.Contains(settings, "cpu.all=off") || slices.Contains(settings, "cpu."+feature+"=off")
	}
	var used []string
	if hasSHA256() {
		used = append(used, "hasSHA256")
	}
	if len(used) > 0 && (off("ssse3") || off("sse41")) {
		t.Errorf("%v, and GODEBUG has turned off what it needs", used)
	}
	if _, pairs := newHMACSHA256(32)(make([]byte, 32)).(PairAuthenticator); pairs != hasSHA256() {
		t.Errorf("two packets at once: %v", pairs)
	}
	t.Logf("in use: %v", used)
}
