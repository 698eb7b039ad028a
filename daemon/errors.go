package daemon

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// The codes of [Error] that have a name; those of the network are 10004 to
// 11004. 100 to 102, 112 and 116 are about properties that only a client has,
// 1202 is about forwarding by the daemon itself: no method gives them.
const (
	CodeForwardConnection  = 1201  // a connection could not be forwarded: the client refuses the channel
	CodeForwardData        = 1202  // data of a forwarded connection could not be delivered
	CodeAuthentication     = 1300  // a client could not be authenticated
	CodeNoHostKey          = 1301  // no host key is set, or it cannot be used
	CodeRemotePortInUse    = 100   // the remote port cannot change while connected
	CodeRemoteHostInUse    = 101   // the remote host cannot change while connected
	CodeRemoteHostInvalid  = 102   // the remote host's address is invalid
	CodeAlreadyListening   = 104   // StartListening while listening
	CodeLocalPortInUse     = 106   // LocalPort cannot change while listening
	CodeLocalHostInUse     = 107   // LocalHost cannot change while listening
	CodeMaxConnectionsUsed = 108   // MaxConnections cannot change while listening
	CodeLineLengthInUse    = 112   // a line length cannot change while connected
	CodeRemotePortZero     = 116   // the remote port must not be zero
	CodeInvalidID          = 126   // no such connection or channel
	CodeLoopWouldBlock     = 135   // matches 10035, which is what methods give
	CodeInvalidArgument    = 10022 // an argument is out of range or makes no sense
	CodeWouldBlock         = 10035 // a send would block
	CodeAborted            = 10053 // the connection was given up on this side
	CodeReset              = 10054 // the connection was given up on the other side
	CodeNotConnected       = 10057 // the connection or channel is not open
	CodeTimedOut           = 10060 // something took too long
)

// Codes of the network that more than one place gives.
const (
	codeAddressFamily = 10047
	codeHostNotFound  = 11001
	codeHostLookup    = 11002 // failed for now
	codeHostRefused   = 11003 // failed for good
	codeNoAddress     = 11004
)

// Error is the error of the daemon's methods. Two of them match with
// errors.Is when their codes are equal.
type Error struct {
	Code int
	Text string // what it is about; one line
	Err  error  // the cause, may be nil
}

// Error returns the code, the text and the cause.
func (e *Error) Error() string {
	s := "ssh daemon: " + strconv.Itoa(e.Code) + " " + e.Description()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error with the same code. The two codes for
// what would block, 10035 and 135, are the same here.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && blockCode(t.Code) == blockCode(e.Code)
}

func blockCode(code int) int {
	if code == CodeLoopWouldBlock {
		return CodeWouldBlock
	}
	return code
}

// Description returns the text, or what the code stands for where it is empty.
func (e *Error) Description() string {
	if e.Text != "" {
		return e.Text
	}
	for _, row := range codes {
		if row.code == e.Code {
			return row.text
		}
	}
	return "error"
}

// codes says what each code stands for, and which error of the system gives it.
var codes = [...]struct {
	code  int
	errno syscall.Errno // 0 where there is none
	text  string
}{
	{CodeForwardConnection, 0, "connection not forwarded"},
	{CodeForwardData, 0, "data not forwarded"},
	{CodeAuthentication, 0, "client not authenticated"},
	{CodeNoHostKey, 0, "no host key"},
	{CodeRemotePortInUse, 0, "the remote port cannot change while a connection is open"},
	{CodeRemoteHostInUse, 0, "the remote host cannot change while a connection is open"},
	{CodeRemoteHostInvalid, 0, "the remote host has no valid address"},
	{CodeAlreadyListening, 0, "the daemon listens already"},
	{CodeLocalPortInUse, 0, "LocalPort cannot change while the daemon listens"},
	{CodeLocalHostInUse, 0, "LocalHost cannot change while the daemon listens"},
	{CodeMaxConnectionsUsed, 0, "MaxConnections cannot change while the daemon listens"},
	{CodeLineLengthInUse, 0, "the line length cannot change while a connection is open"},
	{CodeRemotePortZero, 0, "the remote port must not be zero"},
	{CodeInvalidID, 0, "no such connection or channel"},
	{CodeLoopWouldBlock, 0, "the operation would block"},
	{10004, syscall.EINTR, "system call interrupted"},
	{10009, syscall.EBADF, "bad file descriptor"},
	{10013, syscall.EACCES, "access denied"},
	{10013, syscall.EPERM, "access denied"},
	{10014, syscall.EFAULT, "bad address"},
	{CodeInvalidArgument, syscall.EINVAL, "invalid argument"},
	{10024, syscall.EMFILE, "too many open files"},
	{10024, syscall.ENFILE, "too many open files"},
	{CodeWouldBlock, syscall.EAGAIN, "the operation would block"},
	{10036, syscall.EINPROGRESS, "operation in progress"},
	{10037, syscall.EALREADY, "operation already in progress"},
	{10038, syscall.ENOTSOCK, "not a socket"},
	{10039, syscall.EDESTADDRREQ, "destination address required"},
	{10040, syscall.EMSGSIZE, "message too long"},
	{10041, syscall.EPROTOTYPE, "wrong protocol for the socket"},
	{10042, syscall.ENOPROTOOPT, "no such protocol option"},
	{10043, syscall.EPROTONOSUPPORT, "protocol not supported"},
	{10044, syscall.ESOCKTNOSUPPORT, "socket type not supported"},
	{10045, syscall.EOPNOTSUPP, "operation not supported"},
	{10046, syscall.EPFNOSUPPORT, "protocol family not supported"},
	{codeAddressFamily, syscall.EAFNOSUPPORT, "address family not supported"},
	{10048, syscall.EADDRINUSE, "address in use"},
	{10049, syscall.EADDRNOTAVAIL, "address not available"},
	{10050, syscall.ENETDOWN, "network is down"},
	{10051, syscall.ENETUNREACH, "network unreachable"},
	{10052, syscall.ENETRESET, "network dropped the connection"},
	{CodeAborted, syscall.ECONNABORTED, "connection aborted"},
	{CodeReset, syscall.ECONNRESET, "connection reset by the peer"},
	{CodeReset, syscall.EPIPE, "connection closed by the peer"},
	{10055, syscall.ENOBUFS, "no buffer space"},
	{10055, syscall.ENOMEM, "no memory"},
	{10056, syscall.EISCONN, "already connected"},
	{CodeNotConnected, syscall.ENOTCONN, "not connected"},
	{10058, syscall.ESHUTDOWN, "socket is shut down"},
	{10059, syscall.ETOOMANYREFS, "too many references"},
	{CodeTimedOut, syscall.ETIMEDOUT, "timed out"},
	{10061, syscall.ECONNREFUSED, "connection refused"},
	{10062, syscall.ELOOP, "too many symbolic links"},
	{10063, syscall.ENAMETOOLONG, "file name too long"},
	{10064, syscall.EHOSTDOWN, "host is down"},
	{10065, syscall.EHOSTUNREACH, "no route to the host"},
	{10066, syscall.ENOTEMPTY, "directory not empty"},
	{10067, 0, "too many processes"},
	{10068, syscall.EUSERS, "too many users"},
	{10069, syscall.EDQUOT, "disk quota exceeded"},
	{10070, syscall.ESTALE, "stale file handle"},
	{10071, syscall.EREMOTE, "too many remote levels in a path"},
	{10091, 0, "network subsystem unavailable"},
	{10092, 0, "network subsystem version not supported"},
	{10093, 0, "network subsystem not started"},
	{codeHostNotFound, 0, "host not found"},
	{codeHostLookup, 0, "host not found for now"},
	{codeHostRefused, 0, "host lookup failed"},
	{codeNoAddress, 0, "host has no address"},
}

// newError returns an *Error with a text of its own.
func newError(code int, text string, cause error) *Error {
	return &Error{Code: code, Text: text, Err: cause}
}

// asError returns err as an *Error, with the code that fits best; nil stays nil.
func asError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: codeOf(err), Err: err}
}

// codeOf returns the code that an error of the layers below stands for.
func codeOf(err error) int {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return codeOfLookup(dns)
	}
	if code := codeOfEnd(err); code != 0 {
		return code
	}
	switch {
	case isWouldBlock(err):
		return CodeWouldBlock
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
		return CodeNotConnected
	case errors.Is(err, wire.ErrParamType), errors.Is(err, wire.ErrParamField),
		errors.Is(err, wire.ErrParamValue), errors.Is(err, wire.ErrTruncated), errors.Is(err, wire.ErrTooLong),
		errors.Is(err, connection.ErrWindow):
		return CodeInvalidArgument
	}
	return CodeAborted
}

// codeOfLookup returns the code of a host name that was not found, or whose
// lookup failed.
func codeOfLookup(err *net.DNSError) int {
	switch {
	case err.IsNotFound:
		return codeHostNotFound
	case err.IsTemporary, err.IsTimeout:
		return codeHostLookup
	}
	return codeHostRefused
}

// codeOfSystem returns the code of an error of the operating system, or 0.
func codeOfSystem(err error) int {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return 0
	}
	if errno >= 10004 && errno <= 11004 { // the numbers come from Windows
		return int(errno)
	}
	for _, row := range codes {
		if row.errno != 0 && row.errno == errno {
			return row.code
		}
	}
	return 0
}

// disconnectStatus returns the code and the text of a connection's last event
// for the error that ended it.
func disconnectStatus(err error) (code int, text string) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code, e.Description()
	}
	if err == nil || errors.Is(err, io.EOF) {
		return 0, "OK"
	}
	if de, ok := errors.AsType[*transport.DisconnectError](err); ok {
		switch {
		case de.Reason == wire.ReasonByApplication:
			return 0, "OK"
		case de.Remote:
			return CodeReset, wire.Escape(de.Error(), maxText)
		}
	}
	return cmp.Or(codeOfEnd(err), CodeAborted), wire.Escape(err.Error(), maxText)
}

// codeOfEnd returns the code of what ends connections, or 0.
func codeOfEnd(err error) int {
	if code := codeOfSystem(err); code != 0 {
		return code
	}
	switch {
	case errors.Is(err, userauth.ErrTooManyFailures), errors.Is(err, userauth.ErrTooManyRequests):
		return CodeAuthentication
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return CodeReset
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, connection.ErrKeepalive):
		return CodeTimedOut
	}
	return 0
}
