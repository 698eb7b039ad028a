package connection

import (
	"io"
	"testing"
)

func TestEcho(t *testing.T) {
	c, s := pairOpen(t, nil, nil, nil)
	go func() {
		io.Copy(s, s)
		s.CloseWrite()
	}()
	go func() {
		c.Write([]byte("hello, world"))
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hello, world" {
		t.Fatalf("%q %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	<-s.Done()
}
