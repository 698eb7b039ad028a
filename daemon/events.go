package daemon

import (
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// ConnectedEvent says that a connection has been accepted.
type ConnectedEvent struct {
	ConnectionID int
	StatusCode   int    // 0, or the code of an [Error]
	Description  string // "OK", or the text of an [Error]
}

// ConnectionRequestEvent asks whether to accept a connection. No byte of it
// has been read yet, and it has no id.
type ConnectionRequestEvent struct {
	Address string // of the client, without the port
	Port    int    // of the client
	// Accept is an answer: it starts as true, or as false when the client is
	// not among the AllowedClients.
	Accept bool
}

// DisconnectedEvent says that a connection has ended.
type DisconnectedEvent struct {
	ConnectionID int
	// StatusCode is 0 for a normal end: either side has taken its leave, or the
	// client has hung up with nothing left open. Otherwise it is the code of an
	// [Error]: 1300 where the client did not manage to log in, 10054 where it was
	// lost or left in anger, 10060 where something took too long, 10053 where
	// this side gave it up, or what the system said.
	StatusCode  int
	Description string // "OK", or what went wrong
}

// ErrorEvent reports an error that no method call could return.
type ErrorEvent struct {
	ConnectionID int // 0 where it concerns no connection
	ErrorCode    int // the code of an [Error]
	Description  string
}

// LogEvent is one log message. It holds no secrets and no payloads.
type LogEvent struct {
	ConnectionID int    // 0 where it concerns no connection; such events run in parallel with those of connections
	LogLevel     int    // 1 information, 2 details, 3 for debugging
	Message      string // one line; text of the peer is escaped
	LogType      string // the level's name of log/slog
}

// SSHChannelClosedEvent says that a channel is closed. Its handle is valid
// until the handler returns.
type SSHChannelClosedEvent struct{ ConnectionID, ChannelID int }

// SSHChannelDataInEvent hands over data of a channel.
type SSHChannelDataInEvent struct {
	ConnectionID, ChannelID int
	// Data is a view: it is valid until the handler returns.
	Data []byte
	// DataType is 0 for ordinary data and otherwise the code of the extended
	// data, 1 for a standard error stream (RFC 4254 §5.2).
	DataType int
}

// SSHChannelEOFEvent says that the client has sent all its data.
type SSHChannelEOFEvent struct{ ConnectionID, ChannelID int }

// SSHChannelOpenedEvent says that a channel is open.
type SSHChannelOpenedEvent struct{ ConnectionID, ChannelID int }

// SSHChannelOpenRequestEvent asks whether to open a channel for the client.
type SSHChannelOpenRequestEvent struct {
	ConnectionID, ChannelID int
	// Service is the type of the channel, such as "session".
	Service string
	// Parameters is what the request holds beyond the type, for GetSSHParam:
	// for direct-tcpip a host "s", a port "i", the originator "s" and its port
	// "i". It is a view: valid until the handler returns.
	Parameters []byte
	// Accept is an answer and starts as false.
	Accept bool
	// Stream is an answer and starts as false. Where it is true, the data of
	// the channel is not delivered by events but read and written through
	// [SSHChannel.Conn]; OnSSHChannelEOF and OnSSHChannelReadyToSend do not fire.
	Stream bool
	// Reason and Description are answers for where Accept is false: the reason
	// sent to the client, one of RFC 4254 §5.1 (0 stands for 1,
	// administratively prohibited), and a text that goes with it.
	Reason      int
	Description string

	deferred *DeferredOpen
	open     *openRequest
}

// SSHChannelReadyToSendEvent says that a channel can take data.
type SSHChannelReadyToSendEvent struct{ ConnectionID, ChannelID int }

// SSHChannelRequestEvent asks for the answer to a channel request.
type SSHChannelRequestEvent struct {
	ConnectionID, ChannelID int
	RequestType             string
	// Packet is the whole request for GetSSHParam, with the daemon's channel id
	// as its ChannelId. It is a view: valid until the handler returns.
	Packet []byte
	// AfterEOF says that the client had ended its data before it asked, as the
	// order on the wire has it.
	AfterEOF bool
	// Success is an answer and starts as false.
	Success bool
}

// SSHChannelRequestedEvent says that a channel request has been granted.
type SSHChannelRequestedEvent struct {
	ConnectionID, ChannelID int
	RequestType             string
	// Packet is as in [SSHChannelRequestEvent].
	Packet []byte
}

// SSHGlobalRequestEvent asks for the answer to a global request (RFC 4254 §4).
type SSHGlobalRequestEvent struct {
	ConnectionID int
	RequestType  string
	// Packet is what the request holds behind its WantsReply. It is a view:
	// valid until the handler returns.
	Packet     []byte
	WantsReply bool
	// Success is an answer and starts as false.
	Success bool
	// Reply is an answer: what a positive reply holds. It is copied.
	Reply []byte
}

// SSHServiceRequestEvent asks whether a service may start (RFC 4253 §10).
type SSHServiceRequestEvent struct {
	ConnectionID int
	Service      string
	// Accept is an answer: it starts as true for a service that the state of
	// the connection allows. One that it does not allow is never accepted.
	Accept bool
}

// SSHStatusEvent is a line about the progress of a connection.
type SSHStatusEvent struct {
	ConnectionID int
	Message      string
}

// SSHUserAuthRequestEvent asks whether a user is who she says (RFC 4252).
type SSHUserAuthRequestEvent struct {
	ConnectionID int
	User         string
	Service      string // the service to start afterwards
	// AuthMethod is none, password, publickey, hostbased or
	// keyboard-interactive, and keyboard-interactive-1, -2 and so on for each
	// answer of the latter: all of them must be accepted, and then
	// keyboard-interactive itself, with an empty AuthParam. One answer with
	// PartialSuccess makes a whole of it.
	AuthMethod string
	// AuthParam is the password, the key as its blob (RFC 4253 §6.6), the
	// answer to a prompt, or empty.
	AuthParam string
	// KeyAlgorithm is the signature algorithm of a publickey or hostbased
	// attempt.
	KeyAlgorithm string
	// Key is the key of a publickey attempt, in a hostbased one that of the
	// client's host, and nil for other methods.
	Key sshkey.PublicKey
	// Host and HostUser are what Key says in a hostbased attempt (RFC 4252 §9),
	// empty for other methods: HostUser is logged in at Host, which is ASCII
	// without a dot at its end, and wants to be User here. Whether Key is that
	// of Host, and whether Host may say so, is for the program to decide.
	Host, HostUser string
	// Verified is true where the client has proved to hold Key. An attempt
	// without it only asks whether the key would do, and logs nobody in.
	Verified bool
	// Demand is an answer to a publickey attempt: what the signature has to
	// show, beside that the client holds Key. Its zero value demands that a
	// security key was touched. For such a key an attempt without Verified
	// always comes first.
	Demand sshkey.VerifyOptions
	// NewPassword is what the client wants the password changed to, where it
	// asks for a change; accepting the attempt says that it has been changed.
	NewPassword string
	// ChangePassword is an answer to a password attempt: the password is right
	// but has expired. The text is the prompt to show.
	ChangePassword string
	// Accept is an answer and starts as false.
	Accept bool
	// PartialSuccess is an answer: the attempt was right, and one with another
	// of the AvailableMethods must follow. Accept wins over it.
	PartialSuccess bool
	// AvailableMethods is an answer: a comma list of the methods by which the
	// user can go on. It starts as the DefaultAuthMethods, or as what was set
	// last on this connection, without the method that this attempt completes
	// where PartialSuccess is set and the list is left alone. A method
	// that is not in the list is refused without asking.
	AvailableMethods string
}
