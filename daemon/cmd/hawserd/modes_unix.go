//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hawser-ssh/hawser/connection"
)

// ttyChars are the modes that are control characters.
var ttyChars = map[connection.ModeCode]int{
	connection.ModeVINTR: unix.VINTR, connection.ModeVQUIT: unix.VQUIT, connection.ModeVERASE: unix.VERASE,
	connection.ModeVKILL: unix.VKILL, connection.ModeVEOF: unix.VEOF, connection.ModeVEOL: unix.VEOL,
	connection.ModeVEOL2: unix.VEOL2, connection.ModeVSTART: unix.VSTART, connection.ModeVSTOP: unix.VSTOP,
	connection.ModeVSUSP: unix.VSUSP, connection.ModeVREPRINT: unix.VREPRINT, connection.ModeVWERASE: unix.VWERASE,
	connection.ModeVLNEXT: unix.VLNEXT,
}

// ttyNone is the value that switches a control character off (RFC 4254 §8).
const ttyNone = 255

// The modes that are flags, as bits of the words that hold them.
var (
	ttyInput = map[connection.ModeCode]uint64{
		connection.ModeIGNPAR: unix.IGNPAR, connection.ModePARMRK: unix.PARMRK, connection.ModeINPCK: unix.INPCK,
		connection.ModeISTRIP: unix.ISTRIP, connection.ModeINLCR: unix.INLCR, connection.ModeIGNCR: unix.IGNCR,
		connection.ModeICRNL: unix.ICRNL, connection.ModeIXON: unix.IXON, connection.ModeIXANY: unix.IXANY,
		connection.ModeIXOFF: unix.IXOFF, connection.ModeIMAXBEL: unix.IMAXBEL, connection.ModeIUTF8: iutf8,
	}
	ttyLocal = map[connection.ModeCode]uint64{
		connection.ModeISIG: unix.ISIG, connection.ModeICANON: unix.ICANON, connection.ModeECHO: unix.ECHO,
		connection.ModeECHOE: unix.ECHOE, connection.ModeECHOK: unix.ECHOK, connection.ModeECHONL: unix.ECHONL,
		connection.ModeNOFLSH: unix.NOFLSH, connection.ModeTOSTOP: unix.TOSTOP, connection.ModeIEXTEN: unix.IEXTEN,
		connection.ModeECHOCTL: unix.ECHOCTL, connection.ModeECHOKE: unix.ECHOKE, connection.ModePENDIN: unix.PENDIN,
	}
	ttyOutput = map[connection.ModeCode]uint64{
		connection.ModeOPOST: unix.OPOST, connection.ModeONLCR: unix.ONLCR, connection.ModeOCRNL: unix.OCRNL,
		connection.ModeONOCR: unix.ONOCR, connection.ModeONLRET: unix.ONLRET,
	}
	ttyControl = map[connection.ModeCode]uint64{connection.ModePARENB: unix.PARENB, connection.ModePARODD: unix.PARODD}
)

// setModes applies modes to a terminal. What the system does not have or refuses stays as it was. The size of characters
// is not the client's to choose: eight bits are the only ones in use.
func setModes(tty *os.File, modes []connection.Mode) {
	raw, err := tty.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		attr, err := unix.IoctlGetTermios(int(fd), ioctlGet)
		if err != nil {
			return
		}
		for _, m := range modes {
			setMode(attr, m.Code, m.Value)
		}
		_ = unix.IoctlSetTermios(int(fd), ioctlSet, attr)
	})
}

// setSize tells a terminal its size, whose numbers the session's limits keep in range.
func setSize(tty *os.File, s connection.Size) error {
	raw, err := tty.SyscallConn()
	if err != nil {
		return err
	}
	size := &unix.Winsize{Col: uint16(s.Columns), Row: uint16(s.Rows), Xpixel: uint16(s.WidthPx), Ypixel: uint16(s.HeightPx)}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	return errors.Join(err, failed)
}

func setMode(attr *unix.Termios, code connection.ModeCode, value uint32) {
	if i, ok := ttyChars[code]; ok {
		attr.Cc[i] = byte(value)
		if value == ttyNone {
			attr.Cc[i] = disabledChar
		}
		return
	}
	setBit(&attr.Iflag, ttyInput[code], value)
	setBit(&attr.Lflag, ttyLocal[code], value)
	setBit(&attr.Oflag, ttyOutput[code], value)
	setBit(&attr.Cflag, ttyControl[code], value)
}

// setBit sets or clears bits of a flag word, whose width differs between systems.
func setBit[T ~uint32 | ~uint64](word *T, bits uint64, value uint32) {
	if value != 0 {
		*word |= T(bits)
	} else {
		*word &^= T(bits)
	}
}
