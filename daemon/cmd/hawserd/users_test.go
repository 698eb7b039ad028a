package main

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// hashOf is a cheap hash of a password.
func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func TestUsers(t *testing.T) {
	u, err := parseUsers(strings.NewReader(fmt.Sprintf("# people\n\nann:%s\n  bob:%s\n", hashOf(t, "one"), hashOf(t, "two"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password string
		want           bool
	}{
		{"ann", "one", true}, {"bob", "two", true}, {"ann", "two", false}, {"ann", "", false}, {"eve", "one", false}, {"", "", false},
	} {
		if got := u.check(tt.name, tt.password); got != tt.want {
			t.Errorf("%s/%s: %v", tt.name, tt.password, got)
		}
	}
	if !u.has("ann") || u.has("eve") {
		t.Error("names")
	}
	cost, err := bcrypt.Cost(u.dummy)
	if err != nil || cost != bcrypt.MinCost {
		t.Errorf("unknown names are compared at cost %d: %v", cost, err)
	}
}

func TestUsersRefused(t *testing.T) {
	good := hashOf(t, "x")
	var many strings.Builder
	for i := range maxUsers + 1 {
		fmt.Fprintf(&many, "u%d:%s\n", i, good)
	}
	for name, text := range map[string]string{
		"no hash": "ann\n", "plain password": "ann:secret\n", "no name": ":" + good, "long line": "ann:" + strings.Repeat("x", maxUsersLine),
		"too many": many.String(),
	} {
		if _, err := parseUsers(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var none *users
	if none.check("ann", "x") || none.has("ann") {
		t.Error("no file lets somebody in")
	}
}

func TestOneTime(t *testing.T) {
	var announced []string
	n := 0
	o := newOneTime(func() string { n++; return fmt.Sprint("pw", n) }, func(p string) { announced = append(announced, p) })
	o.renew()
	steps := []struct {
		allowed  bool
		password string
		want     bool
	}{
		{true, "", false}, {true, "pw2", false}, {false, "pw1", false}, {true, "pw1", true}, {true, "pw1", false}, {true, "pw2", true},
	}
	for i, s := range steps {
		if got := o.take(s.allowed, s.password); got != s.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if got := strings.Join(announced, " "); got != "pw1 pw2 pw3" {
		t.Errorf("announced %s", got)
	}
	if a, b := newPassword(), newPassword(); a == b || len(a) != 19 {
		t.Errorf("passwords %q and %q", a, b)
	}
	var none *oneTime
	if none.take(true, "") {
		t.Error("none lets somebody in")
	}
}
