package certstore

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestElsewhere: what this build does not have says how to get it.
func TestElsewhere(t *testing.T) {
	stores := map[Type]string{}
	if runtime.GOOS != "windows" {
		stores[User], stores[Machine] = runtime.GOOS, runtime.GOOS
	}
	if !withTokens {
		stores[SecurityKey] = "-tags pkcs11"
	}
	for kind, word := range stores {
		if _, err := Open(kind, []byte("MY"), ""); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: %v", kind, err)
		}
	}
}
