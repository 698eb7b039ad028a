package daemon

import (
	"errors"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Clients share one budget: what one has taken another cannot have, and channels beyond it are refused.
func TestSetWindowBudget(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	m := &counted{t: t}
	d.SetMetrics(m)
	if err := d.SetWindowBudget(64<<10 - 1); !errors.Is(err, &Error{Code: CodeInvalidArgument}) {
		t.Fatalf("a budget of less than a window: %v", err)
	}
	if err := d.SetWindowBudget(3 * 64 << 10); err != nil {
		t.Fatal(err)
	}
	opened := 0
	var refused *connection.OpenError
	for range 2 {
		client, err := dialOurs(t, serve(t, d))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err = client.NewSession(t.Context()); err == nil {
				opened++
			} else if !errors.As(err, &refused) || refused.Reason != wire.OpenResourceShortage {
				t.Fatal(err)
			}
		}
	}
	if opened != 3 || refused == nil {
		t.Fatalf("%d sessions opened, want 3, and a refusal: %v", opened, refused)
	}
	if !slices.Contains(m.all(), "no channel session") { // at the latest when the next was refused
		t.Fatalf("the refusals are not counted: %q", m.all())
	}
}
