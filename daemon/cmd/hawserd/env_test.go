package main

import "testing"

// TestCON14AllowList: only names on the list reach a program, whatever the client sends.
func TestCON14AllowList(t *testing.T) {
	for name, want := range map[string]bool{
		"LANG": true, "LANGUAGE": true, "LC_ALL": true, "LC_MESSAGES": true, "COLORTERM": true, "NO_COLOR": true,
		"LC_": false, "LC_all": false, "LC_A=B": false, "LC_A\x00": false, "lang": false, "TERM": false,
		"PATH": false, "LD_PRELOAD": false, "LD_LIBRARY_PATH": false, "IFS": false, "BASH_ENV": false, "ENV": false,
		"GIT_SSH_COMMAND": false, "GIT_DIR": false, "A=B": false, "LANG\x00": false, "": false, "HOME": false,
	} {
		if got := allowedEnv(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
