package userauth

import (
	"context"
	"errors"

	"github.com/hawser-ssh/hawser/wire"
)

// interactive judges by questions (RFC 4256).
func (s *server) interactive(req *request, a *Attempt) verdict {
	var body wire.UserauthInteractive
	if err := body.Parse(req.payload); err != nil {
		return broken(err)
	}
	if len(body.Language) > maxInteractiveHint || len(body.Submethods) > maxInteractiveHint {
		return denied("submethods or language tag is too long")
	}
	a.Language, a.Submethods = body.Language, body.Submethods
	ex := exchange{s: s}
	v := verdict{result: s.call("KeyboardInteractive", func() Result {
		return s.cfg.KeyboardInteractive(s.ctx, a, ex.ask)
	})}
	v.err = ex.fatal
	v.abandoned = errors.Is(ex.over, ErrAbandoned)
	if ex.over != nil {
		v.result = Result{Reason: ex.over.Error()}
	}
	ex.over = ErrExchangeOver
	return v
}

// exchange is the questions of one keyboard-interactive request.
type exchange struct {
	s     *server
	over  error // why there can be no further question
	fatal error // ends the connection
}

// ask plays one round. Any error is the end of the exchange.
func (ex *exchange) ask(name, instruction string, prompts []wire.Prompt) ([]string, error) {
	if ex.over != nil {
		return nil, ErrExchangeOver
	}
	answers, err := ex.round(name, instruction, prompts)
	ex.over = err
	return answers, err
}

func (ex *exchange) round(name, instruction string, prompts []wire.Prompt) ([]string, error) {
	if len(prompts) > ex.s.limits.prompts {
		return nil, ErrTooManyPrompts
	}
	err := ex.s.write(wire.UserauthInfoRequest{Name: name, Instruction: instruction, Prompts: prompts})
	if err != nil {
		return nil, ex.fail(err)
	}
	p, err := ex.s.t.ReadPacket()
	if err != nil {
		return nil, ex.fail(err)
	}
	switch number(p) {
	case wire.MsgUserauthRequest:
		ex.s.pending = p
		return nil, ErrAbandoned
	case wire.MsgUserauthInfoResponse:
		return ex.answers(p, len(prompts))
	}
	return nil, ex.fail(unexpected(p, "in answer to questions"))
}

// answers parses the client's answers, of which there must be want. Another
// number is looked at no further, as it may be any.
func (ex *exchange) answers(p []byte, want int) ([]string, error) {
	if err := ex.s.count(); err != nil {
		return nil, ex.fail(err)
	}
	r := wire.NewReader(p, wire.MsgUserauthInfoResponse)
	defer clear(p)
	n := r.Uint32("response count")
	if r.Err() == nil && int64(n) != int64(want) {
		return nil, ErrBadAnswers
	}
	answers := make([]string, 0, want)
	long := false
	for range want {
		b := r.Bytes("response")
		if len(b) > ex.s.limits.password {
			long = true
			continue
		}
		answers = append(answers, string(b))
	}
	if err := r.Done(); err != nil {
		return nil, ex.fail(err)
	}
	if long {
		return nil, ErrBadAnswers
	}
	return answers, nil
}

// fail remembers what ends the connection.
func (ex *exchange) fail(err error) error {
	ex.fatal = err
	return err
}

// KeyboardInteractive is the method keyboard-interactive. answer is called for
// every round of questions, also for one without any, whose name and
// instruction are to be shown. It returns one answer a prompt. All text is
// escaped except for line feeds and tabs. The server decides on the number of
// rounds, within ClientConfig.MaxRounds; after a refusal the method is not
// begun again.
func KeyboardInteractive(answer func(ctx context.Context, name, instruction string, prompts []wire.Prompt) ([]string, error)) Method {
	return interactiveMethod{answer: answer}
}

type interactiveMethod struct {
	answer func(ctx context.Context, name, instruction string, prompts []wire.Prompt) ([]string, error)
}

func (interactiveMethod) Name() string   { return MethodInteractive }
func (m interactiveMethod) begin() offer { return &interactiveOffer{interactiveMethod: m} }

type interactiveOffer struct {
	interactiveMethod
	used bool
}

func (o *interactiveOffer) next(c *client) (reply, bool, error) {
	if o.used || o.answer == nil {
		return reply{}, false, nil
	}
	o.used = true
	if err := c.request(MethodInteractive, wire.UserauthInteractive{}.Append(nil)); err != nil {
		return reply{}, false, err
	}
	for {
		p, err := c.read()
		if err != nil {
			return reply{}, false, err
		}
		if number(p) != wire.MsgUserauthInfoRequest {
			r, err := c.parseReply(p)
			return r, err == nil, err
		}
		if err := o.round(c, p); errors.Is(err, ErrSkip) {
			return reply{}, false, nil
		} else if err != nil {
			return reply{}, false, err
		}
	}
}

// round answers one request for information (RFC 4256 §3.2).
func (o *interactiveOffer) round(c *client, p []byte) error {
	var m wire.UserauthInfoRequest
	if err := m.Parse(p); err != nil {
		return err
	}
	for i := range m.Prompts {
		m.Prompts[i].Text = shown(m.Prompts[i].Text)
	}
	answers, err := o.answer(c.ctx, shown(m.Name), shown(m.Instruction), m.Prompts)
	if errors.Is(err, ErrSkip) {
		return ErrSkip
	}
	if err != nil {
		return c.failed(err)
	}
	if len(answers) != len(m.Prompts) {
		return c.failed(ErrAnswerCount)
	}
	c.proven = c.proven || len(answers) > 0
	payload := wire.UserauthInfoResponse{Answers: answers}.Append(nil)
	defer clear(payload)
	return c.t.WriteReply(payload)
}
