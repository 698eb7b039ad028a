package daemon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hawser-ssh/hawser"

// below lists, for each package of the house, the packages of ours it may import. A missing row may import nothing.
var below = map[string][]string{
	"wire":                    {},
	"mac":                     {},
	"cipher":                  {"mac"},
	"kex":                     {"wire"},
	"transport/sshkey":        {"wire"},
	"transport":               {"wire", "mac", "cipher", "kex", "transport/sshkey"},
	"transport/transporttest": {"wire", "mac", "cipher", "kex", "transport/sshkey", "transport"},
	"userauth":                {"wire", "transport/sshkey"},
	"connection":              {"wire"},
	"connection/agent":        {"wire", "transport/sshkey"},
	"connection/peertest":     {"wire", "transport/sshkey"},
	"connection/sshclient":    protocol,
	"daemon/certstore":        {"wire", "transport/sshkey"},
	"daemon":                  append([]string{"daemon/certstore"}, protocol...),
	"daemon/metrics":          {"daemon", "kex"},
	"daemon/cmd/hawserd":      append([]string{"daemon", "daemon/metrics", "daemon/certstore"}, protocol...),
	"fuzz":                    append([]string{"daemon"}, protocol...),
	"bench":                   append([]string{"daemon", "connection/sshclient"}, protocol...),
}

// protocol is what an assembling package stands on.
var protocol = []string{"wire", "mac", "cipher", "kex", "transport/sshkey", "transport", "userauth", "connection", "connection/agent"}

// testOnly packages are for _test.go files alone.
var testOnly = []string{"transport/transporttest", "connection/peertest", "fuzz", "bench"}

// foreign modules a protocol package may use besides the standard library.
var foreign = []string{"golang.org/x/crypto/", "golang.org/x/sys/", "github.com/cloudflare/circl/", "github.com/klauspost/compress/"}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// listPackages runs go list in the module's root directory.
func listPackages(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-buildvcs=false", "-json=ImportPath,Standard,Imports,Deps"}, args...)...)
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// ours returns the path of an import inside the module, "." for its root.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImportsOnlyGoDown(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		from, _ := ours(p.ImportPath)
		for _, imported := range p.Imports {
			to, inside := ours(imported)
			switch {
			case inside && slices.Contains(testOnly, to):
				t.Errorf("%s imports %s, which is for tests", from, to)
			case inside && !slices.Contains(below[from], to):
				t.Errorf("%s imports %s: not an edge of the design", from, to)
			}
		}
	}
}

func TestNoForeignSSH(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		from, _ := ours(p.ImportPath)
		if from == "bench" || strings.HasPrefix(from, "bench/") {
			continue
		}
		deps := p.Deps
		if from == "daemon/cmd/hawserd" {
			deps = p.Imports // github.com/pkg/sftp names it in its client, which hawserd does not use
		}
		for _, dep := range deps {
			if dep == "golang.org/x/crypto/ssh" || strings.HasPrefix(dep, "golang.org/x/crypto/ssh/") {
				t.Errorf("%s depends on %s", from, dep)
			}
		}
	}
}

func TestProtocolDependencies(t *testing.T) {
	allowed := func(p goPackage) bool {
		_, inside := ours(p.ImportPath)
		return p.Standard || inside || slices.ContainsFunc(foreign, func(prefix string) bool {
			return strings.HasPrefix(p.ImportPath, prefix)
		})
	}
	patterns := []string{"-deps"}
	for _, name := range append([]string{"connection/sshclient"}, protocol...) {
		patterns = append(patterns, "./"+name)
	}
	for _, p := range listPackages(t, patterns...) {
		if !allowed(p) {
			t.Errorf("a protocol package depends on %s", p.ImportPath)
		}
	}
}

func TestTopLevel(t *testing.T) {
	allowed := []string{
		"go.mod", "go.sum", "transport", "kex", "cipher", "mac", "userauth", "connection", "wire", "daemon", "testdata",
		"fuzz", "bench", "README.md", "LICENSE", "CONTRIBUTING.md",
		"hawserd", "hawserd.exe", // what go build leaves; ignored by git
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	const limit = 500
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if path.Ext(d.Name()) != ".go" || strings.HasSuffix(d.Name(), "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if n := bytes.Count(text, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines, the limit is %d", name, n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
