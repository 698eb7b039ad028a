package daemon

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// reasonDenied is the reason of a refusal by the program.
const reasonDenied = "denied"

// asker asks the program about each attempt of one connection. It runs on the
// connection's goroutine.
type asker struct {
	c       *conn
	tc      *transport.Conn
	user    string   // of the last attempt
	methods []string // by which user can go on
	last    *userauth.Report
	since   time.Time // the handshake ended
}

// config returns what the layer below asks.
func (l *asker) config() *userauth.ServerConfig {
	c := l.c
	cfg := &userauth.ServerConfig{
		ServiceRequest:      l.service,
		None:                l.none,
		Password:            l.password,
		ChangePassword:      l.changePassword,
		PublicKey:           l.publicKey,
		KeyboardInteractive: l.interactive,
		SignatureAlgorithms: c.opt.userKeyAlgorithms(),
		KeyLimits:           sshkey.Limits{MinRSABits: c.opt.minRSABits},
		MaxFailures:         c.opt.maxAuth,
		Observe:             l.observe,
		Logger:              c.layers,
	}
	if l.trustsHosts() {
		cfg.HostBased = l.hostBased
	}
	return cfg
}

// observe keeps the last attempt, and counts each and tells of it.
func (l *asker) observe(_ context.Context, r *userauth.Report) {
	l.last = r
	l.c.tellRefused(r)
	l.c.countLogin(r, time.Since(l.since))
}

// trustsHosts reports whether the program takes another machine's word for its
// users: DefaultAuthMethods has to say so.
func (l *asker) trustsHosts() bool {
	return slices.Contains(methodList(l.c.opt.authMethods), userauth.MethodHostBased)
}

func (l *asker) service(_ context.Context, name string) bool {
	e := &SSHServiceRequestEvent{ConnectionID: l.c.id, Service: name, Accept: true}
	return fire(l.c, l.c.d.OnSSHServiceRequest, e) && e.Accept
}

func (l *asker) none(_ context.Context, a *userauth.Attempt) userauth.Result {
	return l.decide(a, &SSHUserAuthRequestEvent{})
}

func (l *asker) password(_ context.Context, a *userauth.Attempt, password []byte) userauth.Result {
	return l.decide(a, &SSHUserAuthRequestEvent{AuthParam: string(password)})
}

func (l *asker) changePassword(_ context.Context, a *userauth.Attempt, oldPassword, newPassword []byte) userauth.Result {
	return l.decide(a, &SSHUserAuthRequestEvent{AuthParam: string(oldPassword), NewPassword: string(newPassword)})
}

func (l *asker) publicKey(_ context.Context, a *userauth.Attempt, key sshkey.PublicKey, algorithm string, verified bool) userauth.Result {
	e := &SSHUserAuthRequestEvent{
		AuthParam: string(key.Marshal()), KeyAlgorithm: algorithm, Key: key, Verified: verified,
	}
	r := l.decide(a, e)
	r.Verify = e.Demand
	return r
}

func (l *asker) hostBased(_ context.Context, a *userauth.Attempt, key sshkey.PublicKey, algorithm, host, hostUser string) userauth.Result {
	return l.decide(a, &SSHUserAuthRequestEvent{
		AuthParam: string(key.Marshal()), KeyAlgorithm: algorithm, Key: key, Verified: true, Host: host, HostUser: hostUser,
	})
}

// interactive asks the prompts, then the program about each answer, and at
// last about the whole, if all answers were accepted.
func (l *asker) interactive(_ context.Context, a *userauth.Attempt, ask func(name, instruction string, prompts []wire.Prompt) ([]string, error)) userauth.Result {
	if !l.offered(a) {
		return l.denied("method not available")
	}
	l.c.mu.Lock()
	prompts := l.c.prompts
	l.c.mu.Unlock()
	if prompts == nil {
		prompts = l.c.opt.prompts
	}
	answers, err := ask("", l.c.opt.kbdMessage, slices.Clone(prompts))
	if err != nil {
		return l.denied(err.Error())
	}
	before, wrong, partial := slices.Clone(l.methods), 0, false
	for i, answer := range answers {
		e := &SSHUserAuthRequestEvent{AuthMethod: userauth.MethodInteractive + "-" + strconv.Itoa(i+1), AuthParam: answer}
		switch answered := l.ask(a, e); {
		case answered && e.Accept:
		case answered && e.PartialSuccess:
			partial = true
		case wrong == 0:
			wrong = i + 1
		}
	}
	if wrong > 0 {
		l.methods = before // what right answers beside it lead to is out of reach
		return l.denied("answer " + strconv.Itoa(wrong) + " denied")
	}
	r := l.decide(a, &SSHUserAuthRequestEvent{})
	if partial && r.Outcome == userauth.Accept {
		if slices.Equal(l.methods, before) {
			l.complete(a.Method)
		}
		return l.partial()
	}
	return r
}

// offered reports whether the user may use the method of this attempt, none
// always.
func (l *asker) offered(a *userauth.Attempt) bool {
	if l.methods == nil || l.user != a.User {
		l.user, l.methods = a.User, methodList(l.c.opt.authMethods)
	}
	return a.Method == userauth.MethodNone || slices.Contains(l.methods, a.Method)
}

// ask fires the event and adopts the methods it leaves behind. It returns
// false where nobody answered.
func (l *asker) ask(a *userauth.Attempt, e *SSHUserAuthRequestEvent) bool {
	before := strings.Join(l.methods, ",")
	e.ConnectionID, e.User, e.Service, e.AvailableMethods = l.c.id, a.User, a.Service, before
	if e.AuthMethod == "" {
		e.AuthMethod = a.Method
	}
	l.c.idle.asked()
	handler := l.c.d.OnSSHUserAuthRequest
	if handler == nil || !fire(l.c, handler, e) {
		return false
	}
	l.sendBanner()
	partial := e.PartialSuccess && !e.Accept
	switch invited := e.Key != nil && !e.Verified && (e.Accept || partial); {
	case invited: // to prove that it holds the key: the next attempt is of the same method
	case e.AvailableMethods != before:
		l.methods = methodList(e.AvailableMethods)
		if !l.trustsHosts() {
			l.methods = slices.DeleteFunc(l.methods, func(m string) bool { return m == userauth.MethodHostBased })
		}
	case partial && a.Method == e.AuthMethod:
		l.complete(a.Method)
	}
	return true
}

// complete takes a method that has done its part off the list.
func (l *asker) complete(method string) {
	l.methods = slices.DeleteFunc(l.methods, func(m string) bool { return m == method })
}

// decide asks the program about an attempt and returns its verdict.
func (l *asker) decide(a *userauth.Attempt, e *SSHUserAuthRequestEvent) userauth.Result {
	if !l.offered(a) {
		return l.denied("method not available")
	}
	switch {
	case !l.ask(a, e):
		return l.denied("no answer")
	case e.Accept:
		return userauth.Result{Outcome: userauth.Accept}
	case e.PartialSuccess && a.Method != userauth.MethodNone:
		return l.partial()
	case e.ChangePassword != "" && a.Method == userauth.MethodPassword:
		return userauth.Result{Outcome: userauth.ChangePassword, Prompt: e.ChangePassword}
	}
	return l.denied(reasonDenied)
}

// partial is the success of one factor of several.
func (l *asker) partial() userauth.Result {
	return userauth.Result{Outcome: userauth.Partial, Methods: slices.Clone(l.methods)}
}

// denied is a refusal that tells the client how it can go on.
func (l *asker) denied(reason string) userauth.Result {
	return userauth.Result{Methods: slices.Clone(l.methods), Reason: reason}
}

// sendBanner sends the text of UserAuthBanner, before the answer to the
// attempt during which it was set.
func (l *asker) sendBanner() {
	l.c.mu.Lock()
	text := l.c.banner
	l.c.banner = ""
	l.c.mu.Unlock()
	if text != "" {
		// An error means that the connection has ended, as its reader will see.
		_ = l.tc.WriteControl(wire.UserauthBanner{Message: text}.Append(nil))
	}
}

// methodList splits a comma list; what is no method that a client could be
// offered is left out. It is not nil.
func methodList(list string) []string {
	names := []string{}
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); name {
		case userauth.MethodPassword, userauth.MethodPublicKey, userauth.MethodInteractive, userauth.MethodHostBased:
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
