package daemon

import (
	"fmt"
	"strconv"
	"testing"
	"unicode/utf8"
)

// TestCodePageBytes: what text becomes in some code pages, after the tables
// that the Unicode consortium publishes (unicode.org/Public/MAPPINGS).
func TestCodePageBytes(t *testing.T) {
	for _, c := range []struct {
		page       int
		text, want string
	}{
		{65001, "é€\xff", "é€\xff"},
		{20127, "plain", "plain"},
		{37, "A1", "\xc1\xf1"},
		{437, "é█", "\x82\xdb"},
		{850, "é", "\x82"},
		{866, "Привет", "\x8f\xe0\xa8\xa2\xa5\xe2"},
		{932, "日本", "\x93\xfa\x96\x7b"},
		{936, "中文", "\xd6\xd0\xce\xc4"},
		{949, "한국", "\xc7\xd1\xb1\xb9"},
		{950, "中文", "\xa4\xa4\xa4\xe5"},
		{1200, "aé𝄞", "a\x00\xe9\x00\x34\xd8\x1e\xdd"},
		{1201, "aé", "\x00a\x00\xe9"},
		{1251, "Привет", "\xcf\xf0\xe8\xe2\xe5\xf2"},
		{1252, "é€", "\xe9\x80"},
		{10000, "é", "\x8e"},
		{12000, "a", "a\x00\x00\x00"},
		{12001, "a", "\x00\x00\x00a"},
		{20866, "Привет", "\xf0\xd2\xc9\xd7\xc5\xd4"},
		{28591, "é", "\xe9"},
		{28605, "€", "\xa4"},
		{50221, "日", "\x1b$BF|\x1b(B"},
		{51932, "日本", "\xc6\xfc\xcb\xdc"},
		{54936, "€", "\xa2\xe3"},
	} {
		d := New()
		must(t, d, fmt.Sprintf("CodePage=%d", c.page))
		got, err := d.encodeText(c.text)
		if err != nil || got != c.want {
			t.Errorf("%d: %q became %q, %v; want %q", c.page, c.text, got, err, c.want)
		}
		if back := d.decodeText(got); back != c.text {
			t.Errorf("%d: %q came back as %q", c.page, c.text, back)
		}
	}
}

// TestCodePageRefuses: what a code page lacks is not replaced in silence, and
// bytes that mean nothing do no harm.
func TestCodePageRefuses(t *testing.T) {
	for page, text := range map[int]string{1252: "Привет", 28591: "€", 20127: "é", 437: "日", 1200: "\xff", 54936: "\xff", 932: "é"} {
		d := New()
		must(t, d, "CodePage="+strconv.Itoa(page))
		if got, err := d.encodeText(text); err == nil {
			t.Errorf("%d: %q became %q", page, text, got)
		} else {
			wantCode(t, err, CodeInvalidArgument)
		}
	}
	for _, setting := range []string{"CodePage=0", "CodePage=4711", "CodePage=-1", "CodePage=x", "CodePage="} {
		_, err := New().Config(setting)
		wantCode(t, err, CodeInvalidArgument)
	}
}

// FuzzCodePage: text that is not UTF-8 is refused, and anything can be decoded,
// to what is.
func FuzzCodePage(f *testing.F) {
	for i := range codePages {
		f.Add(uint(i), "Aé€日")
	}
	f.Fuzz(func(t *testing.T, row uint, text string) {
		d := New()
		must(t, d, "CodePage="+strconv.Itoa(codePages[row%uint(len(codePages))].number))
		if !utf8.ValidString(d.decodeText(text)) {
			t.Fatalf("%q was decoded to what is not UTF-8", text)
		}
		encoded, err := d.encodeText(text)
		if err != nil {
			wantCode(t, err, CodeInvalidArgument)
		} else if !utf8.ValidString(text) {
			t.Fatalf("%q was encoded", text)
		}
		_ = d.decodeText(encoded)
	})
}

// TestCodePageSent: what SendText puts on the wire, and that a change counts at
// once.
func TestCodePageSent(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		for _, page := range []string{"65001", "1251", "1200"} {
			must(t, d, "CodePage="+page)
			if err := d.SendText(e.ChannelID, "Ж"); err != nil {
				t.Error(err)
			}
		}
		must(t, d, "CodePage=1252")
		wantCode(t, d.SendText(e.ChannelID, "okay, but: Ж"), CodeInvalidArgument)
		exit(t, d, e.ChannelID, 0)
	}
	c, _ := connect(t, d)
	if out, err := run(t, c, "text", ""); err != nil || out != "\xd0\x96"+"\xc6"+"\x16\x04" {
		t.Errorf("%q, %v", out, err)
	}
}
