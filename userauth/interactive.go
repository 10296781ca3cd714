package userauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// What one request of the method "keyboard-interactive" costs at most.
const (
	maxRounds      = 10       // that a server asks
	maxRoundsTaken = 32       // that a client answers
	maxPrompts     = 64       // in one round
	maxPrompt      = 4 << 10  // bytes of text of one
	maxInstruction = 64 << 10 // bytes of name and instruction
)

// A Challenge is one round of questions of the method "keyboard-interactive"
// (RFC 4256, section 3.2). On a client its text is the server's, and may hold
// anything: who shows it filters control characters.
type Challenge struct {
	Name        string // the title of a dialogue; may be empty
	Instruction string // what is said before the prompts; may be empty
	Prompts     []Prompt
}

// A Prompt is one question of a [Challenge].
type Prompt struct {
	Text string // never empty, on a server
	Echo bool   // whether the answer may be seen while it is typed
}

// KeyboardInteractive returns the method "keyboard-interactive" (RFC 4256).
// answer is called for each round the server has, on the goroutine of
// Authenticate: it shows the Challenge, and returns an answer to each prompt, in
// their order. There may be no prompts, and nothing to do but to show the rest.
// An error of it passes the method over.
//
// A server that lets the user in without a single prompt, when nothing else was
// proved before, gives [ErrTrivial].
func KeyboardInteractive(answer func(ctx context.Context, c Challenge) ([]string, error)) Method {
	return interactive{answer}
}

type interactive struct {
	answer func(ctx context.Context, c Challenge) ([]string, error)
}

func (interactive) Name() string { return methodInteractive }

func (m interactive) Authenticate(ctx context.Context, d *Dialog) (Answer, error) {
	if m.answer == nil {
		return Answer{}, errors.New("there is no function to answer the server's questions")
	}
	// RFC 4256, section 3.1: the language tag is deprecated, and without a
	// hint of the user's the server chooses the submethod.
	fields := wire.InteractiveFields{}
	answer, err := d.Request(fields.Append(nil))
	prompts := 0
	for round := 0; err == nil && answer.Message != nil; round++ {
		if round == maxRoundsTaken {
			return Answer{}, &LimitError{What: "rounds of questions", Limit: maxRoundsTaken}
		}
		var c Challenge
		if c, err = challenge(answer); err != nil {
			return Answer{}, d.end(err)
		}
		prompts += len(c.Prompts)
		answer, err = m.respond(ctx, d, c)
	}
	if err == nil && answer.OK && prompts == 0 && len(d.passed) == 0 && !d.trusting {
		return Answer{}, ErrTrivial
	}
	return answer, err
}

// respond sends the answers to c.
func (m interactive) respond(ctx context.Context, d *Dialog, c Challenge) (Answer, error) {
	responses, err := m.answer(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	if len(responses) != len(c.Prompts) {
		return Answer{}, fmt.Errorf("there are %d answers to %d prompts", len(responses), len(c.Prompts))
	}
	info := wire.UserauthInfoResponse{Responses: responses}
	body := info.Append(nil)
	return d.Respond(body[0], body[1:])
}

// challenge reads the server's questions.
func challenge(a Answer) (Challenge, error) {
	if wire.Number(a.Message[0]) != wire.NumberUserauthInfoRequest {
		return Challenge{}, unexpected(methodInteractive, a)
	}
	m, err := wire.ParseUserauthInfoRequest(a.Message)
	if err != nil {
		return Challenge{}, &ProtocolError{What: "SSH_MSG_USERAUTH_INFO_REQUEST", Err: err}
	}
	if len(m.Prompts) > maxPrompts || len(m.Name)+len(m.Instruction) > maxInstruction {
		return Challenge{}, &ProtocolError{What: fmt.Sprintf("more than %d prompts, or %d bytes ahead of them", maxPrompts, maxInstruction)}
	}
	c := Challenge{Name: m.Name, Instruction: m.Instruction}
	for _, p := range m.Prompts {
		if len(p.Text) > maxPrompt {
			return Challenge{}, &ProtocolError{What: fmt.Sprintf("a prompt of more than %d bytes", maxPrompt)}
		}
		c.Prompts = append(c.Prompts, Prompt(p))
	}
	return c, nil
}

// CheckInteractive returns a check of the method "keyboard-interactive"
// (RFC 4256). f has a conversation with the user by calling ask, at most 10
// times: each sends a Challenge and waits for the answers, one to each prompt,
// each of up to 1024 bytes. A Challenge without prompts shows what it says. An
// error of ask has ended the attempt, and no Decision makes up for it.
//
// To tell nobody who exists, f asks users who do not the same as those who do.
// The Attempt, and ask, are valid until f returns.
func CheckInteractive(f func(ctx context.Context, a *Attempt, ask func(Challenge) ([]string, error)) (Decision, error)) Check {
	return interactiveCheck{f}
}

type interactiveCheck struct {
	f func(ctx context.Context, a *Attempt, ask func(Challenge) ([]string, error)) (Decision, error)
}

func (interactiveCheck) Method() string { return methodInteractive }

func (c interactiveCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	// The submethods that a client hopes for are not looked at: one request is
	// one conversation, whatever it lists (CVE-2015-5600).
	if _, err := wire.ParseInteractiveFields(a.fields); err != nil {
		return Decision{}, a.violation(err)
	}
	if c.f == nil {
		return Decision{}, errNoFunction
	}
	r := rounds{attempt: a}
	decision, err := c.f(ctx, a, r.ask)
	if r.err != nil {
		return Decision{}, r.err
	}
	return decision, err
}

// rounds are those of one attempt.
type rounds struct {
	attempt *Attempt
	asked   int
	err     error // the first, which ends them
}

// ask is one round.
func (r *rounds) ask(c Challenge) ([]string, error) {
	if r.err != nil {
		return nil, r.err
	}
	responses, err := r.round(c)
	r.err = err
	return responses, err
}

func (r *rounds) round(c Challenge) ([]string, error) {
	if r.asked++; r.asked > maxRounds {
		return nil, &LimitError{What: "rounds of questions", Limit: maxRounds}
	}
	question := wire.UserauthInfoRequest{Name: c.Name, Instruction: c.Instruction}
	for _, p := range c.Prompts {
		if p.Text == "" {
			// RFC 4256, section 3.2: "prompts MUST NOT be empty".
			return nil, errors.New("userauth: a prompt of the challenge is empty")
		}
		question.Prompts = append(question.Prompts, wire.Prompt(p))
	}
	if len(question.Prompts) > maxPrompts {
		return nil, fmt.Errorf("userauth: the challenge has more than %d prompts", maxPrompts)
	}
	body := question.Append(nil)
	answer, err := r.attempt.Ask(body[0], body[1:])
	if err != nil {
		return nil, err
	}
	return r.responses(answer, len(c.Prompts))
}

// responses reads the answers to n prompts.
func (r *rounds) responses(p []byte, n int) ([]string, error) {
	m, err := wire.ParseUserauthInfoResponse(p)
	if err != nil {
		return nil, r.attempt.broken(&ProtocolError{What: "SSH_MSG_USERAUTH_INFO_RESPONSE", Err: err})
	}
	if len(m.Responses) != n {
		// RFC 4256, section 3.4: "If the num-responses field does not match
		// the num-prompts field in the request message, the server MUST send
		// a failure message."
		return nil, fmt.Errorf("userauth: the client gives %d responses to %d prompts", len(m.Responses), n)
	}
	for _, s := range m.Responses {
		if len(s) > maxPassword {
			return nil, fmt.Errorf("userauth: a response is longer than %d bytes", maxPassword)
		}
	}
	return m.Responses, nil
}
