package daemon

import (
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

const (
	codePageUTF8  = 65001
	codePageASCII = 20127
)

// codePages are the numbers that the CodePage setting takes besides those of
// UTF-8 and ASCII, as Windows numbers them (Code Page Identifiers).
var codePages = [...]struct {
	number int
	text   encoding.Encoding
}{
	{37, charmap.CodePage037},
	{437, charmap.CodePage437},
	{850, charmap.CodePage850},
	{852, charmap.CodePage852},
	{855, charmap.CodePage855},
	{858, charmap.CodePage858},
	{860, charmap.CodePage860},
	{862, charmap.CodePage862},
	{863, charmap.CodePage863},
	{865, charmap.CodePage865},
	{866, charmap.CodePage866},
	{874, charmap.Windows874},
	{932, japanese.ShiftJIS},
	{936, simplifiedchinese.GBK},
	{949, korean.EUCKR}, // with the extension of that number
	{950, traditionalchinese.Big5},
	{1047, charmap.CodePage1047},
	{1140, charmap.CodePage1140},
	{1200, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{1201, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{1250, charmap.Windows1250},
	{1251, charmap.Windows1251},
	{1252, charmap.Windows1252},
	{1253, charmap.Windows1253},
	{1254, charmap.Windows1254},
	{1255, charmap.Windows1255},
	{1256, charmap.Windows1256},
	{1257, charmap.Windows1257},
	{1258, charmap.Windows1258},
	{10000, charmap.Macintosh},
	{10007, charmap.MacintoshCyrillic},
	{10017, charmap.MacintoshCyrillic},
	{12000, utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
	{12001, utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
	{20866, charmap.KOI8R},
	{20932, japanese.EUCJP},
	{21866, charmap.KOI8U},
	{28591, charmap.ISO8859_1},
	{28592, charmap.ISO8859_2},
	{28593, charmap.ISO8859_3},
	{28594, charmap.ISO8859_4},
	{28595, charmap.ISO8859_5},
	{28596, charmap.ISO8859_6},
	{28597, charmap.ISO8859_7},
	{28598, charmap.ISO8859_8},
	{28599, charmap.ISO8859_9},
	{28603, charmap.ISO8859_13},
	{28605, charmap.ISO8859_15},
	{38598, charmap.ISO8859_8I},
	{50221, japanese.ISO2022JP},
	{51932, japanese.EUCJP},
	{51949, korean.EUCKR},
	{52936, simplifiedchinese.HZGB2312},
	{54936, simplifiedchinese.GB18030},
}

// codePage returns the encoding of a code page; nil stands for UTF-8 and
// ASCII, which need no table.
func codePage(number int) (text encoding.Encoding, ok bool) {
	if number == codePageUTF8 || number == codePageASCII {
		return nil, true
	}
	for _, row := range codePages {
		if row.number == number {
			return row.text, true
		}
	}
	return nil, false
}

// setCodePage is the CodePage setting.
func setCodePage(d *Daemon, _ int, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil {
		return invalid("CodePage is not a number")
	}
	if _, ok := codePage(n); !ok {
		return invalid("code page " + strconv.Itoa(n) + " is not known")
	}
	return d.opt.update(func(o *options) error { o.codePage = n; return nil })
}

// encodeText returns text in the code page of the CodePage setting. A
// character that the code page lacks is error 10022: none is replaced in
// silence. In UTF-8 text goes out as it is.
func (d *Daemon) encodeText(text string) (string, error) {
	number := d.opt.snapshot().codePage
	if number == codePageUTF8 {
		return text, nil
	}
	lacking := "text does not fit code page " + strconv.Itoa(number)
	if !utf8.ValidString(text) {
		return "", invalid(lacking + ": it is not UTF-8")
	}
	page, _ := codePage(number) // checked by setCodePage
	if page == nil {
		for _, c := range []byte(text) {
			if c >= utf8.RuneSelf {
				return "", invalid(lacking)
			}
		}
		return text, nil
	}
	encoded, err := page.NewEncoder().String(text)
	if err != nil {
		return "", newError(CodeInvalidArgument, lacking, err)
	}
	return encoded, nil
}

// decodeText returns what encoded says in the code page of the CodePage
// setting, in UTF-8. What is no character becomes U+FFFD; in UTF-8 and ASCII
// everything stays as it is.
func (d *Daemon) decodeText(encoded string) string {
	page, _ := codePage(d.opt.snapshot().codePage)
	if page == nil {
		return encoded
	}
	text, err := page.NewDecoder().String(encoded)
	if err != nil { // not even replaceable, such as half of a UTF-16 unit
		return "\uFFFD"
	}
	return text
}
