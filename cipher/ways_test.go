package cipher

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ways are the choices that the processor makes for this package, and the features that each needs, by GOARCH. GODEBUG
// turns features off by these names (golang.org/x/sys/cpu, and the standard library for its own), which .ci/run does
// with one after another.
var ways = map[string]struct {
	has   func() bool
	needs map[string][]string
}{
	"hasAES": {hasAES, map[string][]string{
		"amd64": {"aes", "pclmulqdq", "sse41", "ssse3"},
		"arm64": {"aes", "pmull"},
	}},
	"hasVectorAES": {hasVectorAES, map[string][]string{"amd64": {"aes", "avx2"}}},
	"hasVectorCBC": {hasVectorCBC, map[string][]string{"amd64": {"aes"}}},
	"hasAVX2":      {hasAVX2, map[string][]string{"amd64": {"avx2"}}},
	"hasAVX512":    {hasAVX512, map[string][]string{"amd64": {"avx512f", "avx512vl"}}},
	"hasIFMA":      {hasIFMA, map[string][]string{"amd64": {"avx512f", "avx512ifma"}}},
}

// turnedOff reports whether GODEBUG turns a feature of the processor off.
func turnedOff(feature string) bool {
	settings := strings.Split(os.Getenv("GODEBUG"), ",")
	return slices.Contains(settings, "cpu.all=off") || slices.Contains(settings, "cpu."+feature+"=off")
}

// TestWays has all other tests mean what they seem to where GODEBUG turns a feature off: nothing that needs it is in
// use.
func TestWays(t *testing.T) {
	var used []string
	for name, way := range ways {
		needs := way.needs[runtime.GOARCH]
		off := slices.ContainsFunc(needs, turnedOff)
		switch has := way.has(); {
		case has && off:
			t.Errorf("%s says yes, and GODEBUG has turned off one of %v", name, needs)
		case has:
			used = append(used, name)
		}
	}
	slices.Sort(used)
	t.Logf("in use: %v", used)
}

// TestWaysAreAll finds the functions in the source that TestWays does not know.
func TestWaysAreAll(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	function := regexp.MustCompile(`(?m)^func (has[A-Z]\w*)\(\) bool`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range function.FindAllSubmatch(source, -1) {
			if name := string(m[1]); ways[name].has == nil {
				t.Errorf("%s has %s, which is not among the ways", file, name)
			}
		}
	}
}
