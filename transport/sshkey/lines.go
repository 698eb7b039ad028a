package sshkey

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Warning says why a line of authorized_keys or known_hosts was skipped. A
// line that was skipped matches nothing.
type Warning struct {
	File string // as given to the parser, may be empty
	Line int    // counted from 1; 0 if the warning is about several lines
	Text string // safe to show: what came from the file is escaped
}

// String returns "FILE:LINE: text", without what is missing.
func (w Warning) String() string {
	var b strings.Builder
	if w.File != "" {
		b.WriteString(w.File + ":")
	}
	if w.Line > 0 {
		fmt.Fprintf(&b, "%d:", w.Line)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	return b.String() + w.Text
}

// warnings collects a bounded number of warnings about one file.
type warnings struct {
	file    string
	list    []Warning
	dropped int
}

func (w *warnings) add(line int, err error) {
	if len(w.list) >= MaxWarnings {
		w.dropped++
		return
	}
	w.list = append(w.list, Warning{File: w.file, Line: line, Text: err.Error()})
}

// all returns the warnings, with one more if some were dropped.
func (w *warnings) all() []Warning {
	if w.dropped == 0 {
		return w.list
	}
	return append(w.list, Warning{File: w.file, Text: fmt.Sprintf("%d more lines skipped", w.dropped)})
}

var (
	errLineTooLong = fmt.Errorf("line exceeds %d bytes", MaxLine)
	errControl     = errors.New("control character in line")
	errNoKey       = errors.New("no key in line")
	errTypeDiffers = errors.New("declared key type is not that of the key")
	errBase64      = errors.New("key is not valid base64")
)

// eachLine calls parse with each line that is neither blank nor a comment,
// its number, and no line end; an error of parse becomes a warning. A file
// beyond MaxListFile is ErrListTooLarge: lines behind the limit might be
// those that take something away.
func eachLine(r io.Reader, w *warnings, parse func(n int, line string) error) error {
	limited := &io.LimitedReader{R: r, N: MaxListFile + 1}
	b := bufio.NewReaderSize(limited, MaxLine+2) // CR and LF do not count
	for n := 1; ; n++ {
		line, long, err := readLine(b)
		if limited.N == 0 {
			return ErrListTooLarge
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("sshkey: reading a list of keys: %w", err)
		}
		if long {
			w.add(n, errLineTooLong)
		} else if line = strings.Trim(line, " \t"); line != "" && line[0] != '#' {
			if perr := parseLine(n, line, parse); perr != nil {
				w.add(n, perr)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func parseLine(n int, line string, parse func(n int, line string) error) error {
	if strings.ContainsFunc(line, isControl) {
		return errControl
	}
	return parse(n, line)
}

// isControl reports whether r is a control character other than a tab.
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

// readLine returns the next line without LF or CR LF. A line that is too long
// is read to its end and not returned.
func readLine(b *bufio.Reader) (line string, long bool, err error) {
	p, err := b.ReadSlice('\n')
	for err == bufio.ErrBufferFull {
		long = true
		p, err = b.ReadSlice('\n')
	}
	if long {
		return "", true, err
	}
	line = strings.TrimSuffix(string(p), "\n")
	line = strings.TrimSuffix(line, "\r")
	return line, len(line) > MaxLine, err
}

// cutField returns the text up to the first blank, and what follows the blanks.
func cutField(s string) (field, rest string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}

// decodeBlob decodes a key blob in base64 and checks that the type declared
// in front of it is the one inside.
func decodeBlob(declared, text string) ([]byte, error) {
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errBase64
	}
	if t, ok := blobType(blob); !ok || t != declared {
		return nil, errTypeDiffers
	}
	return blob, nil
}

// blobType returns the type that a key blob starts with.
func blobType(blob []byte) (string, bool) {
	if isBareDER(blob) {
		k, err := Limits{MinRSABits: LowestMinRSABits}.parseBareX509(blob)
		if err != nil {
			return "", false
		}
		return k.Type(), true
	}
	r := wire.NewFieldReader(blob, "key blob")
	t := r.Name("type")
	return t, r.Err() == nil
}
