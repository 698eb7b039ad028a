package connection

import (
	"encoding/binary"

	"github.com/hawser-ssh/hawser/wire"
)

// ModeCode is a terminal mode (RFC 4254 §8).
type ModeCode byte

// The terminal modes of RFC 4254 §8, and IUTF8 of RFC 8160 §2. Their names are
// those of POSIX termios. Characters carry 255 for "none", flags 0 or 1,
// speeds bits per second.
const (
	ModeEnd ModeCode = 0

	ModeVINTR    ModeCode = 1
	ModeVQUIT    ModeCode = 2
	ModeVERASE   ModeCode = 3
	ModeVKILL    ModeCode = 4
	ModeVEOF     ModeCode = 5
	ModeVEOL     ModeCode = 6
	ModeVEOL2    ModeCode = 7
	ModeVSTART   ModeCode = 8
	ModeVSTOP    ModeCode = 9
	ModeVSUSP    ModeCode = 10
	ModeVDSUSP   ModeCode = 11
	ModeVREPRINT ModeCode = 12
	ModeVWERASE  ModeCode = 13
	ModeVLNEXT   ModeCode = 14
	ModeVFLUSH   ModeCode = 15
	ModeVSWTCH   ModeCode = 16
	ModeVSTATUS  ModeCode = 17
	ModeVDISCARD ModeCode = 18

	ModeIGNPAR  ModeCode = 30
	ModePARMRK  ModeCode = 31
	ModeINPCK   ModeCode = 32
	ModeISTRIP  ModeCode = 33
	ModeINLCR   ModeCode = 34
	ModeIGNCR   ModeCode = 35
	ModeICRNL   ModeCode = 36
	ModeIUCLC   ModeCode = 37
	ModeIXON    ModeCode = 38
	ModeIXANY   ModeCode = 39
	ModeIXOFF   ModeCode = 40
	ModeIMAXBEL ModeCode = 41
	ModeIUTF8   ModeCode = 42

	ModeISIG    ModeCode = 50
	ModeICANON  ModeCode = 51
	ModeXCASE   ModeCode = 52
	ModeECHO    ModeCode = 53
	ModeECHOE   ModeCode = 54
	ModeECHOK   ModeCode = 55
	ModeECHONL  ModeCode = 56
	ModeNOFLSH  ModeCode = 57
	ModeTOSTOP  ModeCode = 58
	ModeIEXTEN  ModeCode = 59
	ModeECHOCTL ModeCode = 60
	ModeECHOKE  ModeCode = 61
	ModePENDIN  ModeCode = 62

	ModeOPOST  ModeCode = 70
	ModeOLCUC  ModeCode = 71
	ModeONLCR  ModeCode = 72
	ModeOCRNL  ModeCode = 73
	ModeONOCR  ModeCode = 74
	ModeONLRET ModeCode = 75

	ModeCS7    ModeCode = 90
	ModeCS8    ModeCode = 91
	ModePARENB ModeCode = 92
	ModePARODD ModeCode = 93

	ModeISPEED ModeCode = 128
	ModeOSPEED ModeCode = 129
)

// lastArgument is the last code that a uint32 follows; those above end the
// list, for their form is unknown (RFC 4254 §8).
const lastArgument ModeCode = 159

// Mode is one terminal mode and its value.
type Mode struct {
	Code  ModeCode
	Value uint32
}

// AppendModes appends the encoding of modes, which must have codes 1 to 159.
func AppendModes(b []byte, modes []Mode) []byte {
	for _, m := range modes {
		b = wire.AppendUint32(append(b, byte(m.Code)), m.Value)
	}
	return append(b, byte(ModeEnd))
}

// ParseModes returns at most limit modes of the encoding p. What cannot be
// understood ends the list: a code above 159, a value cut short, a missing end.
func ParseModes(p []byte, limit int) []Mode {
	var modes []Mode
	for len(p) >= 5 && len(modes) < limit {
		code := ModeCode(p[0])
		if code == ModeEnd || code > lastArgument {
			break
		}
		modes = append(modes, Mode{code, binary.BigEndian.Uint32(p[1:])})
		p = p[5:]
	}
	return modes
}

// Size is the size of a terminal (RFC 4254 §6.2, §6.7). 0 means unknown.
type Size struct {
	Columns, Rows     uint32 // characters
	WidthPx, HeightPx uint32 // pixels
}

// clamp returns the size with no dimension above limit.
func (s Size) clamp(limit uint32) Size {
	return Size{min(s.Columns, limit), min(s.Rows, limit), min(s.WidthPx, limit), min(s.HeightPx, limit)}
}

// PTY describes the terminal a client wants (RFC 4254 §6.2).
type PTY struct {
	Term  string
	Size  Size
	Modes []Mode
}

// dumbTerm stands in for a TERM that is not fit for an environment variable or
// a file name.
const dumbTerm = "dumb"

// cleanTerm returns term where it is a plain terminal name of at most limit
// bytes, else "dumb".
func cleanTerm(term string, limit int) string {
	if term == "" || len(term) > limit || term[0] == '.' || term[0] == '-' {
		return dumbTerm
	}
	for i := range len(term) {
		c := term[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '+', c == '.', c == '_':
		default:
			return dumbTerm
		}
	}
	return term
}
