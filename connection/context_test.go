package connection

import (
	"context"
	"testing"
)

// A context that has ended sends nothing, however quick the answer would be: it does not race with it.
func TestEndedContextSendsNothing(t *testing.T) {
	c, _ := pairOpen(t, nil, nil, &Events{Request: func(_ *Channel, r *Request) { _ = r.Reply(true) }})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		if _, err := c.m.OpenSession(over, nil); err != context.Canceled {
			t.Fatalf("open: %v", err)
		}
		if _, err := c.SendRequest(over, "x", true, nil); err != context.Canceled {
			t.Fatalf("request: %v", err)
		}
		if _, _, err := c.m.GlobalRequest(over, "x", true, nil); err != context.Canceled {
			t.Fatalf("global request: %v", err)
		}
	}
	if ok, err := c.SendRequest(t.Context(), "x", true, nil); !ok || err != nil {
		t.Fatalf("with another context: %v, %v", ok, err)
	}
}
