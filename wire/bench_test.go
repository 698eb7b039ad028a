package wire

import (
	"testing"

	"golang.org/x/crypto/ssh"
)

// Each benchmark has a twin that does the same by ssh.Marshal and ssh.Unmarshal.

type otherKexInit struct {
	Cookie          [16]byte `sshtype:"20"`
	Kex             []string
	HostKey         []string
	CipherCS        []string
	CipherSC        []string
	MACCS           []string
	MACSC           []string
	CompressionCS   []string
	CompressionSC   []string
	LanguagesCS     []string
	LanguagesSC     []string
	FirstKexFollows bool
	Reserved        uint32
}

type otherWindowAdjust struct {
	Recipient uint32 `sshtype:"93"`
	Bytes     uint32
}

type otherChannelRequest struct {
	Recipient uint32 `sshtype:"98"`
	Type      string
	WantReply bool
	Payload   []byte `ssh:"rest"`
}

type otherUserauthRequest struct {
	User    string `sshtype:"50"`
	Service string
	Method  string
	Payload []byte `ssh:"rest"`
}

func benchKexInit() (KexInit, otherKexInit) {
	l := []string{"curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256"}
	n := NewNameList(l...)
	return KexInit{[16]byte{}, n, n, n, n, n, n, n, n, nil, nil, false, 0}, otherKexInit{[16]byte{}, l, l, l, l, l, l, l, l, nil, nil, false, 0}
}

func benchAppend(b *testing.B, ours message, other any) {
	b.Run("ours", func(b *testing.B) {
		buf := make([]byte, 0, 4096)
		b.ReportAllocs()
		for b.Loop() {
			ours.Append(buf)
		}
	})
	b.Run("other", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ssh.Marshal(other)
		}
	})
}

func benchParse(b *testing.B, p []byte, ours func(p []byte) error, other any) {
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := ours(p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("other", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := ssh.Unmarshal(p, other); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendKexInit(b *testing.B) {
	ours, other := benchKexInit()
	benchAppend(b, ours, other)
}

func BenchmarkParseKexInit(b *testing.B) {
	ours, _ := benchKexInit()
	benchParse(b, ours.Append(nil), new(KexInit).Parse, new(otherKexInit))
}

func BenchmarkAppendWindowAdjust(b *testing.B) {
	benchAppend(b, ChannelWindowAdjust{1, 2}, otherWindowAdjust{1, 2})
}

func BenchmarkParseWindowAdjust(b *testing.B) {
	benchParse(b, ChannelWindowAdjust{1, 2}.Append(nil), new(ChannelWindowAdjust).Parse, new(otherWindowAdjust))
}

func BenchmarkAppendChannelRequest(b *testing.B) {
	p := make([]byte, 20)
	benchAppend(b, ChannelRequest{1, "exec", true, p}, otherChannelRequest{1, "exec", true, p})
}

func BenchmarkParseChannelRequest(b *testing.B) {
	p := ChannelRequest{1, "exec", true, make([]byte, 20)}.Append(nil)
	benchParse(b, p, new(ChannelRequest).Parse, new(otherChannelRequest))
}

func BenchmarkParseUserauthRequest(b *testing.B) {
	p := UserauthRequest{"user", "ssh-connection", "publickey", make([]byte, 200)}.Append(nil)
	benchParse(b, p, new(UserauthRequest).Parse, new(otherUserauthRequest))
}

func BenchmarkParseChannelData(b *testing.B) {
	p := ChannelData{1, make([]byte, 32<<10)}.Append(nil)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	var m ChannelData
	for b.Loop() {
		if err := m.Parse(p); err != nil {
			b.Fatal(err)
		}
	}
}

// The bytes of both are the same.
func TestSameBytesAsOther(t *testing.T) {
	init, otherInit := benchKexInit()
	p := []byte("payload")
	for _, tt := range []struct {
		ours  message
		other any
	}{
		{init, otherInit},
		{ChannelWindowAdjust{1, 2}, otherWindowAdjust{1, 2}},
		{ChannelRequest{1, "exec", true, p}, otherChannelRequest{1, "exec", true, p}},
		{UserauthRequest{"u", "s", "m", p}, otherUserauthRequest{"u", "s", "m", p}},
	} {
		if got, want := tt.ours.Append(nil), ssh.Marshal(tt.other); string(got) != string(want) {
			t.Errorf("%T: %x, want %x", tt.ours, got, want)
		}
	}
}
