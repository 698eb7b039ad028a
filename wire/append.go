package wire

import "encoding/binary"

// AppendByte appends one byte (RFC 4251 §5).
func AppendByte(b []byte, v byte) []byte { return append(b, v) }

// AppendBool appends a boolean as 0 or 1 (RFC 4251 §5).
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendUint32 appends v in big-endian order (RFC 4251 §5).
func AppendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendUint64 appends v in big-endian order (RFC 4251 §5).
func AppendUint64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendString appends s as an SSH string: length, then bytes (RFC 4251 §5).
func AppendString(b []byte, s string) []byte {
	return append(AppendUint32(b, uint32(len(s))), s...)
}

// AppendBytes appends p as an SSH string: length, then bytes (RFC 4251 §5).
func AppendBytes(b, p []byte) []byte {
	return append(AppendUint32(b, uint32(len(p))), p...)
}

// AppendMpint appends the non-negative integer whose big-endian magnitude is
// given as an mpint: the shortest form, with a zero byte in front where the
// top bit is set (RFC 4251 §5).
func AppendMpint(b, magnitude []byte) []byte {
	for len(magnitude) > 0 && magnitude[0] == 0 {
		magnitude = magnitude[1:]
	}
	if len(magnitude) == 0 {
		return AppendUint32(b, 0)
	}
	if magnitude[0]&0x80 == 0 {
		return AppendBytes(b, magnitude)
	}
	b = AppendUint32(b, uint32(len(magnitude)+1))
	return append(append(b, 0), magnitude...)
}

// AppendNameList appends a name-list (RFC 4251 §5).
func AppendNameList(b []byte, l NameList) []byte { return AppendBytes(b, l) }
