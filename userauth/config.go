package userauth

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// ServerConfig decides who may log in. The zero value lets nobody in. A method
// is offered when its callback is set.
//
// Callbacks run one at a time on the goroutine of Serve; while one runs,
// nothing is read from the client. Their context ends with the context of
// Serve, and when Serve returns; a callback that does not heed it holds up the
// return of Serve but can no longer let anybody in. A callback that panics
// denies, and ends the connection with a *PanicError.
//
// To keep outsiders from learning which users exist, a callback takes the same
// steps, as costly, for a user who does not exist. Everything else about the
// answer is the same already.
type ServerConfig struct {
	// ServiceRequest is asked when the client requests ssh-userauth; nil
	// grants. Any other service is refused without asking.
	ServiceRequest func(ctx context.Context, service string) bool

	// Banner returns text that the user sees before the answer to the first
	// request; nil or empty text sends none.
	Banner func(ctx context.Context, a *Attempt) string

	// None judges a request without credentials. Nil denies.
	None func(ctx context.Context, a *Attempt) Result

	// Password judges a password: a view, cleared when the callback has
	// returned. It is 1 to MaxPassword bytes, not checked to be UTF-8.
	Password func(ctx context.Context, a *Attempt, password []byte) Result

	// ChangePassword judges a change of password (RFC 4252 §8), asked only
	// after Password or ChangePassword returned the outcome ChangePassword.
	// Both slices are views as in Password. Nil denies, and the outcome
	// ChangePassword then denies too.
	ChangePassword func(ctx context.Context, a *Attempt, oldPassword, newPassword []byte) Result

	// PublicKey judges a key. With verified false the client asks whether the
	// key would do: nothing is proven yet and Accept only invites it to sign.
	// With verified true the signature by this very key over this connection
	// was verified before the call. Where it is that of a security key, a call
	// with verified false comes first: the signature has to show what that
	// result demands in Verify, and a key that it denies is not asked about
	// again. The same question may come twice or in any order with other keys;
	// only the result of the call with verified true counts. A key that is a
	// factor already is not asked about again, with or without a certificate.
	//
	// A *sshkey.Certificate or *sshkey.X509Key is a name that its owner claims
	// until an authority that the callback trusts is found to have given it.
	PublicKey func(ctx context.Context, a *Attempt, key sshkey.PublicKey, algorithm string, verified bool) Result

	// KeyboardInteractive judges by questions. Each call of ask is one round:
	// it shows name, instruction and prompts to the user (all may be empty)
	// and returns one answer a prompt. On an error of ask the exchange is over
	// and the callback has to return; its result is then not used. Only the
	// callback's own goroutine may call ask, and only until it returns.
	KeyboardInteractive func(ctx context.Context, a *Attempt,
		ask func(name, instruction string, prompts []wire.Prompt) ([]string, error)) Result

	// HostBased judges what the client's host says of its user (RFC 4252 §9):
	// that hostUser is logged in there and wants to be a.User. The signature by
	// key over this connection was verified before the call, and a key with an
	// OpenSSH certificate is one for hosts; whether key is that of host, and
	// whether that host may say so, is for the callback to decide. host is ASCII
	// without a dot at its end, in the client's words: compare a.User, host and
	// hostUser with what is allowed, and host with the client's address if
	// addresses mean anything. Whoever rules that host can be all of its users
	// here. Nil, the default, does not offer the method.
	HostBased func(ctx context.Context, a *Attempt, key sshkey.PublicKey, algorithm, host, hostUser string) Result

	// Chains are the lists of methods that let a user in, each in its order,
	// such as {{"publickey", "password"}, {"publickey", "keyboard-interactive"}}.
	// A callback that accepts then accepts its factor only. Nil asks for one
	// factor of any method, unless a callback answers Partial.
	Chains [][]string

	// SignatureAlgorithms are the accepted names; they should be those of the
	// transport's server-sig-algs. Nil is sshkey.DefaultAlgorithms(); those of
	// security keys and of keys with certificates can be named too.
	SignatureAlgorithms []string

	// KeyLimits are the sizes of keys that are accepted.
	KeyLimits sshkey.Limits

	AllowEmptyPassword bool // hand an empty password to the callbacks instead of denying

	// FailureFloor: every failed request is answered a whole multiple of this
	// time after it came, except a none request that no callback judges. 0 is
	// DefaultFailureFloor, negative is no delay.
	FailureFloor time.Duration

	// Limits; 0 or less is the default. A first request by none that fails is
	// not counted among the failures.
	MaxFailures, MaxRequests, MaxPassword, MaxPrompts, MaxUserName int

	Observe func(ctx context.Context, r *Report) // told of every judged request; may be nil
	Logger  *slog.Logger                         // one line a judged request; nil is silent
}

// clone copies what a caller could change while Serve runs.
func (c *ServerConfig) clone() ServerConfig {
	if c == nil {
		return ServerConfig{Logger: slog.New(slog.DiscardHandler)}
	}
	d := *c
	d.SignatureAlgorithms = slices.Clone(c.SignatureAlgorithms)
	if d.SignatureAlgorithms == nil {
		d.SignatureAlgorithms = sshkey.DefaultAlgorithms()
	}
	d.Chains = slices.Clone(c.Chains)
	for i, chain := range d.Chains {
		d.Chains[i] = slices.Clone(chain)
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// configured returns the names of methods that have a callback, in the order
// in which they are offered.
func (c *ServerConfig) configured() []string {
	names := []string{}
	if c.PublicKey != nil {
		names = append(names, MethodPublicKey)
	}
	if c.Password != nil {
		names = append(names, MethodPassword)
	}
	if c.KeyboardInteractive != nil {
		names = append(names, MethodInteractive)
	}
	if c.HostBased != nil {
		names = append(names, MethodHostBased)
	}
	return names
}

// ClientConfig says who we are and what we can show for it. The zero value has
// no credentials and refuses a server that asks for none.
type ClientConfig struct {
	User string // UTF-8

	// Methods are used in this order, each as far as the server's list allows
	// and its credentials reach.
	Methods []Method

	// SkipNone begins with the first of Methods. Otherwise a none request
	// comes first, whose refusal tells what the server offers.
	SkipNone bool

	// AllowNone takes a login for which the server asked no credential: by
	// none, or by keyboard-interactive without a single question. Otherwise
	// that is an error: somebody between us and the server could have put it
	// there to lead us past a question that we expect.
	AllowNone bool

	// Banner is lent the server's text, escaped except for line feeds and
	// tabs. Nil drops it.
	Banner func(text string)

	// Accepted is told how the server let us in, just before Authenticate
	// returns without an error.
	Accepted func(Acceptance)

	MaxRounds      int // 0 or less is DefaultMaxRounds
	MaxBannerBytes int // shown in all, the rest is dropped; 0 or less is DefaultMaxBannerBytes

	Rand   io.Reader    // for signatures; nil is crypto/rand
	Logger *slog.Logger // nil is silent
}

// Acceptance tells a client how it was let in.
type Acceptance struct {
	Method  string   // of the request that brought success
	Partial []string // methods accepted as earlier factors, in order
	Proven  bool     // a credential of ours took part; only false with AllowNone
}
