package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"sync"

	"github.com/hawser-ssh/hawser/daemon"
)

// login decides who may log in. Names are the account's own, for keys and the one-time password, and those of the -users
// file, for keys and their passwords; all of them work as the account. It is used by several connections at once.
type login struct {
	account string
	trust   *trust
	users   *users   // nil: no passwords from a file
	once    *oneTime // nil: no one-time password
	require []string // nil: any one method
}

// progress is how far a connection has come. It belongs to the connection's events.
type progress struct {
	user   string
	passed []string     // methods, of those required
	answer bool         // the keyboard-interactive answer was right
	perms  *permissions // of the key that was proved, nil without
}

// methods that can work at all, in the order in which they are offered.
func (l *login) methods() []string {
	methods := []string{"publickey"}
	if l.trust.hosts != nil {
		methods = append(methods, "hostbased")
	}
	if l.users != nil || l.once != nil {
		methods = append(methods, "password", "keyboard-interactive")
	}
	return methods
}

// next is what a connection can go on with: any method, or the first required one that is missing.
func (l *login) next(p *progress) []string {
	if l.require == nil {
		return l.methods()
	}
	for _, m := range l.require {
		if !slices.Contains(p.passed, m) {
			return []string{m}
		}
	}
	return nil
}

// attempt answers one authentication request (RFC 4252 §5). It returns the permissions of a client that is logged in.
func (l *login) attempt(p *progress, from string, e *daemon.SSHUserAuthRequestEvent) *permissions {
	if e.User != p.user {
		*p = progress{user: e.User} // what one user proved says nothing about another
	}
	e.AvailableMethods = strings.Join(l.next(p), ",")
	method, _, _ := strings.Cut(e.AuthMethod, "-interactive-")
	if method == "keyboard" {
		p.answer = l.password(e.User, e.AuthParam)
		e.Accept = p.answer
		return nil
	}
	if !slices.Contains(l.next(p), e.AuthMethod) || !l.right(p, from, e) {
		return nil
	}
	if e.AuthMethod == "publickey" && !e.Verified {
		e.Accept = true // only asked whether the key would do
		return nil
	}
	return l.passed(p, e)
}

// right checks the proof of one attempt.
func (l *login) right(p *progress, from string, e *daemon.SSHUserAuthRequestEvent) bool {
	switch e.AuthMethod {
	case "password":
		return e.NewPassword == "" && l.password(e.User, e.AuthParam)
	case "keyboard-interactive":
		answer := p.answer
		p.answer = false
		return answer
	case "publickey":
		perms := l.trust.find(e.Key, e.User, from)
		if perms == nil || !l.known(e.User) {
			return false
		}
		e.Demand = perms.options.VerifyOptions()
		if e.Verified {
			p.perms = perms
		}
		return true
	case "hostbased":
		return e.HostUser == e.User && l.known(e.User) && l.trust.vouches(e.Host, e.Key)
	}
	return false
}

// passed notes a method that succeeded and lets the client in when nothing more is required.
func (l *login) passed(p *progress, e *daemon.SSHUserAuthRequestEvent) *permissions {
	p.passed = append(p.passed, e.AuthMethod)
	if next := l.next(p); l.require != nil && len(next) > 0 {
		e.PartialSuccess, e.AvailableMethods = true, strings.Join(next, ",")
		return nil
	}
	e.Accept = true
	if p.perms == nil {
		return &permissions{}
	}
	return p.perms
}

// known reports whether keys may be used under this name.
func (l *login) known(user string) bool { return user == l.account || l.users.has(user) }

// password checks a password from the file or the one-time password.
func (l *login) password(user, password string) bool {
	return l.users.check(user, password) || l.once.take(user == l.account, password)
}

// oneTime is a password that lets one client in. When it is used up the next one is announced.
type oneTime struct {
	mu       sync.Mutex
	hash     [sha256.Size]byte
	announce func(password string)
	make     func() string
}

func newOneTime(generate func() string, announce func(string)) *oneTime {
	return &oneTime{make: generate, announce: announce}
}

// renew makes and announces a password; the one before stops working.
func (o *oneTime) renew() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.renewLocked()
}

func (o *oneTime) renewLocked() {
	password := o.make()
	o.hash = sha256.Sum256([]byte(password))
	o.announce(password)
}

// take uses the password up if it is right and the user may use it.
func (o *oneTime) take(allowed bool, password string) bool {
	if o == nil {
		return false
	}
	hash := sha256.Sum256([]byte(password))
	o.mu.Lock()
	defer o.mu.Unlock()
	if subtle.ConstantTimeCompare(hash[:], o.hash[:]) != 1 || !allowed {
		return false
	}
	o.renewLocked()
	return true
}
