package daemon

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
)

// surfaceRow is a line of testdata/surface.tsv.
type surfaceRow struct {
	kind, name  string
	symbols     []string
	defaultText string
	tests       []string
}

// surface reads the table.
func surface(t testing.TB) []surfaceRow {
	t.Helper()
	text, err := os.ReadFile("testdata/surface.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var rows []surfaceRow
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			t.Fatalf("%d columns in %q", len(f), line)
		}
		rows = append(rows, surfaceRow{f[0], f[1], strings.Split(f[2], ", "), f[3], strings.Split(f[4], ", ")})
	}
	return rows[1:]
}

// source is what a package declares, by reading it.
type source struct {
	symbols map[string]string          // Name, Type.Method, Type.Field: the value where it is a string constant
	tests   map[string]map[string]bool // function of a test file: the identifiers and strings in it
}

// sources reads packages as they are asked for.
type sources map[string]*source

func (s sources) of(t testing.TB, dir string) *source {
	t.Helper()
	if s[dir] != nil {
		return s[dir]
	}
	src := &source{map[string]string{}, map[string]map[string]bool{}}
	s[dir] = src
	names, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("package %s: %d files, %v", dir, len(names), err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if strings.HasSuffix(name, "_test.go") {
				src.addTest(decl)
			} else {
				src.addDecl(decl)
			}
		}
	}
	return src
}

func (src *source) addTest(decl ast.Decl) {
	f, ok := decl.(*ast.FuncDecl)
	if !ok || f.Recv != nil {
		return
	}
	words := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			words[n.Name] = true
		case *ast.BasicLit:
			for _, w := range strings.FieldsFunc(n.Value, func(r rune) bool { return strings.ContainsRune("=[]\"` ,|", r) }) {
				words[w] = true
			}
		}
		return true
	})
	src.tests[f.Name.Name] = words
}

func (src *source) addDecl(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := d.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			if id, ok := receiver.(*ast.Ident); ok {
				name = id.Name + "." + name
			}
		}
		src.symbols[name] = ""
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			src.addSpec(spec)
		}
	}
}

func (src *source) addSpec(spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for i, id := range s.Names {
			src.symbols[id.Name] = ""
			if i < len(s.Values) {
				if lit, ok := s.Values[i].(*ast.BasicLit); ok {
					src.symbols[id.Name], _ = strconv.Unquote(lit.Value)
				}
			}
		}
	case *ast.TypeSpec:
		src.symbols[s.Name.Name] = ""
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, field := range st.Fields.List {
				for _, id := range field.Names {
					src.symbols[s.Name.Name+"."+id.Name] = ""
				}
			}
		}
	}
}

// mentions reports whether a test, or a helper that it uses, has one of the
// words in it.
func (src *source) mentions(test string, words []string, seen map[string]bool) bool {
	seen[test] = true
	in := src.tests[test]
	if slices.ContainsFunc(words, func(w string) bool { return in[w] }) {
		return true
	}
	for word := range in {
		if src.tests[word] != nil && !seen[word] && src.mentions(word, words, seen) {
			return true
		}
	}
	return false
}

// split splits "wire.ParamText" and "Daemon.Config" into the package, without
// one ours, and the name in it.
func split(name string) (dir, rest string) {
	first, rest, dotted := strings.Cut(name, ".")
	if dotted && strings.ToLower(first[:1]) == first[:1] {
		return first, rest
	}
	return "daemon", name
}

// TestSurface: each row has its symbols, and tests that exist and have to do
// with it.
func TestSurface(t *testing.T) {
	src := sources{}
	kinds := map[string]int{}
	for _, row := range surface(t) {
		kinds[row.kind]++
		for _, symbol := range row.symbols {
			dir, name := split(symbol)
			value, ok := src.of(t, dir).symbols[name]
			if !ok {
				t.Errorf("%s %s: there is no %s", row.kind, row.name, symbol)
			}
			if isAlgorithm(row.kind) && value != row.name {
				t.Errorf("%s %s: %s is %q", row.kind, row.name, symbol, value)
			}
		}
		if row.kind == "store" && row.tests[0] == "-" {
			continue // a kind of store that cannot be read yet
		}
		related := false
		for _, test := range row.tests {
			dir, name := split(test)
			if !strings.HasPrefix(name, "Test") || src.of(t, dir).tests[name] == nil {
				t.Errorf("%s %s: there is no test %s", row.kind, row.name, test)
			}
			related = related || len(row.words()) == 0 || src.of(t, dir).mentions(name, row.words(), map[string]bool{})
		}
		if !related {
			t.Errorf("%s %s: none of %v says any of %v", row.kind, row.name, row.tests, row.words())
		}
	}
	want := map[string]int{"property": 30, "method": 18, "event": 16, "config": 38, "cipher": 16, "kex": 12, "mac": 12, "compression": 3,
		"hostkey": 10, "userkey": 10, "auth": 5, "store": 24, "paramtype": 7, "paramfield": 20, "error": 16}
	if !maps.Equal(kinds, want) {
		t.Errorf("rows: %v, want %v", kinds, want)
	}
}

func isAlgorithm(kind string) bool {
	return slices.Contains([]string{"cipher", "kex", "mac", "compression", "hostkey", "userkey"}, kind)
}

// words are what a test of the row must have one of; none where it need not.
func (r *surfaceRow) words() []string {
	switch r.kind {
	case "property", "method", "event":
		var last []string
		for _, s := range r.symbols {
			last = append(last, s[strings.LastIndex(s, ".")+1:])
		}
		return last
	case "config":
		name, _, _ := strings.Cut(r.name, "[")
		return []string{name}
	case "paramtype":
		return []string{r.name}
	case "paramfield":
		return []string{strings.ReplaceAll(r.name, "%types", "%s")}
	case "error":
		return append(r.symbols[1:], strings.TrimSuffix(r.name, "-11004"), "codes")
	}
	return nil
}

// TestSurfaceDefaults: every property and setting starts as the table says.
func TestSurfaceDefaults(t *testing.T) {
	d := New()
	for _, row := range surface(t) {
		var got string
		switch receiver, name, _ := strings.Cut(row.symbols[0], "."); {
		case row.kind == "config" && !strings.Contains(row.name, "["):
			v, err := d.Config(row.name)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			got = v
		case row.kind == "property" && receiver == "Daemon":
			method := reflect.ValueOf(d).MethodByName(name)
			args := make([]reflect.Value, method.Type().NumIn()) // an index, if anything
			for i := range args {
				args[i] = reflect.ValueOf(0)
			}
			got = fmt.Sprintf("%v", method.Call(args)[0])
			if b, ok := method.Call(args)[0].Interface().([]byte); ok {
				got = string(b)
			}
		default:
			continue
		}
		want := row.defaultText
		switch want {
		case "see profile", "read-only":
			if got == "" {
				t.Errorf("%s is empty", row.name)
			}
			continue
		case "system":
			want = "0"
		case "True on Windows":
			want = formatBool(onWindows)
		case "SSH-2.0-hawser_<version>":
			want = transport.DefaultVersion
		}
		if got != want {
			t.Errorf("%s is %q, want %q", row.name, got, want)
		}
	}
}

// TestSurfaceConfig: Config knows each setting of the table, and the table each
// that Config knows but for our own.
func TestSurfaceConfig(t *testing.T) {
	own := []string{"AlgorithmProfile", "CompressionLevel", "LogChannelData", "LoginGraceTime", "MinRSABits", "UnauthenticatedMax", "UnauthenticatedPerSource", "UnauthenticatedStart"}
	known := map[string]bool{}
	for _, s := range settings {
		known[s.name] = s.indexed
	}
	for _, row := range surface(t) {
		name, _, indexed := strings.Cut(row.name, "[")
		if row.kind != "config" {
			continue
		}
		if got, ok := known[name]; !ok || got != indexed {
			t.Errorf("%s: setting %v, with an index %v", row.name, ok, got)
		}
		delete(known, name)
	}
	if left := slices.Sorted(maps.Keys(known)); !slices.Equal(left, own) {
		t.Errorf("settings that the table does not have: %q", left)
	}
}
