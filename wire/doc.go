// Package wire holds the encoding of SSH: the data types of RFC 4251 §5, every
// message of RFC 4250 to 4254, 4256, 4419, 5656, 8308 and 8731, and the
// extensions of OpenSSH's PROTOCOL that hawser speaks.
//
// # Encoding
//
// A message is a struct with two methods:
//
//	func (m X) Append(b []byte) []byte  // appends number and fields to b
//	func (m *X) Parse(p []byte) error   // reads a whole payload
//
// Append never fails and allocates only when b has no room. Parse reads with a
// [Reader], a cursor that keeps its first error, so that one check at
// [Reader.Done] covers the whole message and trailing bytes are an error. The
// bodies of requests, which stand inside another message, have the same
// methods without the number.
//
// # Text
//
// [ParamString] and its companions read and write the fields of a request as
// text, as the daemon's raw packets need it; [FieldString], [FieldBytes] and
// [SetField] those of any message by name; and [Describe] turns any packet
// into something that may stand in a log. What the names are, layout.go says.
//
// # Ownership
//
// Every []byte and [NameList] field of a parsed message is a view into the
// payload: it lives as long as the payload does. Strings are copies.
//
// # Limits
//
// Nothing is allocated from a length or a count that has not been checked
// against the bytes at hand; the limits beyond that are the Max constants.
package wire
