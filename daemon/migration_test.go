package daemon

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write MIGRATION.md anew")

// migrationKinds are the parts of MIGRATION.md: the kinds of the table, and what is said about each.
var migrationKinds = [...]struct{ kind, title, text string }{
	{"property", "Properties", "Setters return an error; an array's take the index first. What belongs to a channel or a connection is a method\n" +
		"of the handle that `Daemon.SSHChannel` and `Daemon.SSHConnection` return."},
	{"method", "Methods", "All return an error, nil or an `*Error`, and may be called from inside any event and from any goroutine."},
	{"event", "Events", "Func fields, to be set before the daemon listens. What an event tells and asks are the fields of its argument."},
	{"config", "Settings", "For `Daemon.Config(\"Name=value\")`; the name alone reads a setting. Names match in any case."},
	{"auth", "Authentication", "As `OnSSHUserAuthRequest` names them."},
	{"paramtype", "Types of SetSSHParam and GetSSHParam", ""},
	{"paramfield", "Fields of GetSSHParam", "Names match in any case."},
	{"cipher", "Ciphers", ""},
	{"kex", "Key exchange", ""},
	{"mac", "MACs", ""},
	{"compression", "Compression", ""},
	{"hostkey", "Host keys", ""},
	{"userkey", "User keys", ""},
	{"store", "Key stores", "For `SSHCertStoreType` and `AltSSHCertStoreType`."},
	{"error", "Errors", "Codes of `*Error`, which match with errors.Is."},
}

const migrationHead = `# From the reference to hawser

What a program ported from the reference component looks for, and its name here. Names without a package are of package
` + "`daemon`" + `; a constant has its value in the table of the package named. This page is made of
[testdata/surface.tsv](testdata/surface.tsv), which a test holds to the code:
` + "`go test ./daemon -run TestMigration -update`" + ` writes it.

What is different on purpose:

- Everything is denied that no event accepts; the algorithms that are offered are those of today.
  ` + "`Config(\"AlgorithmProfile=compat2022\")`" + ` offers those of the reference.
- The bytes that an event carries are a view, valid until the handler returns.
- Ids of connections are used again after a while; ` + "`ConnectionUID[id]`" + ` is not.
- ` + "`TcpNoDelay`" + ` is on: small writes are put together here, and need not wait for more.
`

// migrationPage makes the page of the rows.
func migrationPage(rows []surfaceRow) string {
	var b strings.Builder
	b.WriteString(migrationHead)
	for _, part := range migrationKinds {
		fmt.Fprintf(&b, "\n## %s\n\n", part.title)
		if part.text != "" {
			b.WriteString(part.text + "\n\n")
		}
		writeTable(&b, slices.DeleteFunc(slices.Clone(rows), func(r surfaceRow) bool { return r.kind != part.kind }))
	}
	return b.String()
}

// writeTable writes the rows of one kind, with a column of defaults where there are any.
func writeTable(b *strings.Builder, rows []surfaceRow) {
	defaults := slices.ContainsFunc(rows, func(r surfaceRow) bool { return r.defaultText != "" })
	head, rule := "| reference | here |", "|---|---|"
	if defaults {
		head, rule = head+" default |", rule+"---|"
	}
	b.WriteString(head + "\n" + rule + "\n")
	for _, r := range rows {
		fmt.Fprintf(b, "| %s | %s |", inCode(r.name), inCode(r.symbols...))
		if defaults {
			fmt.Fprintf(b, " %s |", r.defaultText)
		}
		b.WriteString("\n")
	}
}

func inCode(names ...string) string { return "`" + strings.Join(names, "`, `") + "`" }

// TestMigration: MIGRATION.md says what the table says, all of it.
func TestMigration(t *testing.T) {
	rows := surface(t)
	page := migrationPage(rows)
	if *update {
		if err := os.WriteFile("MIGRATION.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("MIGRATION.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != page {
		t.Error("MIGRATION.md is not what the table makes: go test ./daemon -run TestMigration -update")
	}
	for _, r := range rows {
		if !strings.Contains(page, "| "+inCode(r.name)+" |") {
			t.Errorf("%s %s is missing: its kind has no part", r.kind, r.name)
		}
	}
}
