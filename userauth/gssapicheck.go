package userauth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// CheckGSSAPI returns a check of the method "gssapi-with-mic" (RFC 4462,
// section 3). It takes the first mechanism of the client's that is among those
// given, and calls f with the name that the client has proved to have once that
// is tied to the session by a MIC: f decides whether whoever has the name may be
// the user. A client whose mechanism makes no MIC is refused. The Attempt is
// valid until f returns.
func CheckGSSAPI(f func(ctx context.Context, a *Attempt, name string) (Decision, error), mechanisms ...GSSMechanism) Check {
	return gssapiCheck{f, slices.Clone(mechanisms)}
}

type gssapiCheck struct {
	f          func(ctx context.Context, a *Attempt, name string) (Decision, error)
	mechanisms []GSSMechanism
}

func (gssapiCheck) Method() string { return methodGSSAPI }

func (c gssapiCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := wire.ParseGSSAPIFields(a.fields)
	switch {
	case err != nil:
		return Decision{}, a.violation(err)
	case c.f == nil:
		return Decision{}, errNoFunction
	case len(a.binding.SessionID) == 0:
		return Decision{}, errNoSession
	}
	oid, mechanism, err := c.choose(m.Mechanisms)
	if err != nil {
		return Decision{}, fmt.Errorf("userauth: %w", err)
	}
	security, err := mechanism.Start(ctx)
	if err != nil {
		return Decision{}, err
	}
	defer security.Close()
	response := wire.UserauthGSSAPIResponse{Mechanism: oid}
	body := response.Append(nil)
	first, err := a.Ask(body[0], body[1:])
	if err != nil {
		return Decision{}, err
	}
	s := acceptor{attempt: a, context: security}
	if err := s.establish(ctx, first); err != nil {
		return Decision{}, err
	}
	name := security.Peer()
	if name == "" {
		return Decision{}, errors.New("userauth: the client has proved that it has no name")
	}
	return c.f(ctx, a, name)
}

// choose returns the first mechanism of the client's that is one of ours.
func (c gssapiCheck) choose(theirs [][]byte) (oid []byte, m *GSSMechanism, err error) {
	for _, oid := range theirs {
		m, err := find(c.mechanisms, oid)
		if m != nil || err != nil {
			return slices.Clone(oid), m, err
		}
	}
	return nil, nil, fmt.Errorf("none of the %d GSS-API mechanisms of the client is among ours", len(theirs))
}

// An acceptor is a server in the middle of an exchange.
type acceptor struct {
	attempt     *Attempt
	context     GSSContext
	established bool
}

// establish runs the mechanism, and returns nil once the client has proved that
// its context is this one and belongs to this session.
func (s *acceptor) establish(ctx context.Context, p []byte) error {
	for range maxTokens + 1 {
		var err error
		switch n := wire.Number(p[0]); {
		case n == wire.NumberUserauthGSSAPIMIC && s.established:
			return s.verify(p)
		case n == wire.NumberUserauthGSSAPIToken && !s.established:
			p, err = s.step(ctx, p)
		case n == wire.NumberUserauthGSSAPIExchangeComplete && s.established:
			return errors.New("userauth: the client's GSS-API mechanism protects no messages, so nothing ties it to this session")
		case n == wire.NumberUserauthGSSAPIErrtok:
			return s.hear(ctx, p)
		default:
			return s.attempt.broken(&ProtocolError{What: fmt.Sprintf("%v out of turn in a GSS-API exchange", n)})
		}
		if err != nil {
			return err
		}
	}
	return &LimitError{What: "GSS-API tokens", Limit: maxTokens}
}

// step takes the client's token, and returns its next message.
func (s *acceptor) step(ctx context.Context, p []byte) ([]byte, error) {
	m, err := wire.ParseUserauthGSSAPIToken(p)
	if err != nil {
		return nil, s.attempt.broken(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_TOKEN", Err: err})
	}
	reply, done, err := s.context.Step(ctx, m.Token)
	s.established = done
	switch {
	case err != nil:
		return nil, s.giveUp(reply, err)
	case len(reply) > 0:
		token := wire.UserauthGSSAPIToken{Token: reply}
		body := token.Append(nil)
		return s.attempt.Ask(body[0], body[1:])
	case done:
		return s.attempt.listen()
	}
	return nil, errNeither
}

// giveUp tells the client of an error of the mechanism, if that has a token for
// it. A client whose last token that was may have sent its MIC behind it.
func (s *acceptor) giveUp(token []byte, because error) error {
	s.attempt.exchange.late = true
	if len(token) == 0 {
		return because
	}
	m := wire.UserauthGSSAPIErrtok{Token: token}
	return errors.Join(because, s.attempt.tell(m.Append(nil)))
}

// hear takes the client's word that it has given up.
func (s *acceptor) hear(ctx context.Context, p []byte) error {
	m, err := wire.ParseUserauthGSSAPIErrtok(p)
	if err != nil {
		return s.attempt.broken(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_ERRTOK", Err: err})
	}
	err = errors.New("userauth: the client's GSS-API mechanism gave up")
	if s.established {
		return err
	}
	_, _, reason := s.context.Step(ctx, m.Token)
	return errors.Join(err, reason)
}

// verify checks the client's MIC.
func (s *acceptor) verify(p []byte) error {
	m, err := wire.ParseUserauthGSSAPIMIC(p)
	if err != nil {
		return s.attempt.broken(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_MIC", Err: err})
	}
	a := s.attempt
	if err := s.context.VerifyMIC(gssapiData(a.binding.SessionID, a.User, a.Service), m.MIC); err != nil {
		return fmt.Errorf("userauth: the MIC of the GSS-API exchange: %w", err)
	}
	return nil
}
