package main

import (
	"slices"
	"strings"
)

// envNames a client may set, beside LC_*. Everything else could change which code the shell runs.
var envNames = []string{"LANG", "LANGUAGE", "COLORTERM", "NO_COLOR"}

// allowedEnv is the allow-list for names from clients and from authorized_keys.
func allowedEnv(name string) bool {
	if locale, ok := strings.CutPrefix(name, "LC_"); ok {
		return locale != "" && strings.Trim(locale, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	}
	return slices.Contains(envNames, name)
}
