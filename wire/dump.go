package wire

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// MaxDump bounds the bytes of a packet that [Dump] shows.
const MaxDump = 2 << 10

// Dump returns a packet, from its message number on, in hexadecimal: the bytes
// themselves, for logs. What [Describe] hides is left out, with its length, and
// so is everything behind the point where a packet cannot be decoded: "(hidden)"
// stands there. Data of channels is left out as well, unless data is set: users
// type passwords into it. Of a long packet the beginning is shown.
func Dump(packet []byte, data bool) string {
	d := dump{packet: packet, room: MaxDump}
	if len(packet) == 0 {
		return ""
	}
	at := 0 // behind what has been visited
	_, err := walkPacket(packet, func(f *fieldSpec, _ int, field span) bool {
		switch {
		case f.show == showHidden && field.start < field.end:
			d.skip(field.start, field.end, "(hidden)")
		case f.show == showSize && !data:
			body := field.value(packet)
			d.skip(field.end-len(body), field.end, "("+sizeOf(body)+")")
		}
		at = field.end
		return true
	})
	if err != nil {
		d.skip(max(at, 1), len(packet), "(hidden)")
	}
	d.show(len(packet))
	if d.room < 0 {
		d.text.WriteString("... " + strconv.Itoa(len(packet)) + " bytes")
	}
	return d.text.String()
}

// dump is a Dump in the making.
type dump struct {
	packet []byte
	at     int // what is before has been dealt with
	room   int // bytes that may still be shown; below 0 when there were more
	text   strings.Builder
}

// show shows the bytes up to end.
func (d *dump) show(end int) {
	p := d.packet[d.at:end]
	d.at = end
	if d.room < 0 {
		return
	}
	if len(p) > d.room {
		p, d.room = p[:d.room], -1
	} else {
		d.room -= len(p)
	}
	d.text.WriteString(hex.EncodeToString(p))
}

// skip shows the bytes up to start, and words in place of those up to end.
func (d *dump) skip(start, end int, words string) {
	d.show(start)
	d.at = end
	if d.room >= 0 {
		d.text.WriteString(words)
	}
}
