package userauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// An exchange is a server's side of one dialogue.
//
// What is in state belongs to user and is forgotten with it; the counters belong
// to the connection.
type exchange struct {
	ctx     context.Context // that of the one call to Authenticate
	server  *Server
	reader  reader
	binding Binding

	user string
	state

	since     time.Time // when the client last spoke
	reads     int       // messages read
	failures  int       // attempts refused
	queries   int       // questions about keys
	greeted   bool
	late      bool                  // a GSS-API exchange has failed, and the client's end of it may be under way
	abandoned *wire.UserauthRequest // what the client sent instead of an answer

	err error // what ended the dialogue
}

// A state is how far a user has come.
type state struct {
	passed      []string     // methods with partial success
	proofs      []string     // keys that passed, which may not pass again
	next        []string     // those that may follow; nil before the first
	chains      [][]string   // what is left of each of the Server's
	permissions *Permissions // those of the factors passed
	expired     bool         // the last answer asked to change the password
}

// read returns the next message.
func (x *exchange) read() (wire.Number, []byte, error) {
	if err := x.ctx.Err(); err != nil {
		return 0, nil, fmt.Errorf("userauth: %w", err)
	}
	n, p, err := x.reader.next()
	if err != nil {
		return 0, nil, err
	}
	if x.reads++; x.reads > maxReads {
		return 0, nil, &LimitError{What: "requests", Limit: maxReads}
	}
	x.since = time.Now()
	return n, p, nil
}

// request returns the next request. Its Fields are valid until the next read.
func (x *exchange) request() (wire.UserauthRequest, error) {
	if r := x.abandoned; r != nil {
		x.abandoned = nil
		return *r, nil
	}
	n, p, err := x.read()
	if err == nil && x.late && (n == wire.NumberUserauthGSSAPIMIC || n == wire.NumberUserauthGSSAPIExchangeComplete) {
		n, p, err = x.read()
	}
	if err != nil {
		return wire.UserauthRequest{}, err
	}
	x.late = false
	// Nothing else is legal before the user is known: neither what only a
	// server sends (CVE-2018-10933) nor the connection protocol
	// (CVE-2018-7750, CVE-2025-32433).
	if n != wire.NumberUserauthRequest {
		return wire.UserauthRequest{}, &ProtocolError{What: fmt.Sprintf("%v before the user is authenticated", n)}
	}
	return parseRequest(p)
}

func parseRequest(p []byte) (wire.UserauthRequest, error) {
	r, err := wire.ParseUserauthRequest(p)
	if err != nil {
		return r, &ProtocolError{What: wire.NumberUserauthRequest.String(), Err: err}
	}
	return r, nil
}

// ask sends a method's message, if there is one, and returns the answer, a
// method's message too.
func (x *exchange) ask(parts ...[]byte) ([]byte, error) {
	if x.err != nil {
		return nil, x.err
	}
	if x.abandoned != nil {
		return nil, ErrAbandoned
	}
	p, err := x.converse(parts...)
	if err != nil && !errors.Is(err, ErrAbandoned) {
		x.err = err
	}
	return p, err
}

// tell sends a method's message that has no answer.
func (x *exchange) tell(message []byte) error {
	switch {
	case x.err != nil:
		return x.err
	case x.abandoned != nil:
		return ErrAbandoned
	}
	x.err = x.reader.conn.WritePacket(message)
	return x.err
}

func (x *exchange) converse(parts ...[]byte) ([]byte, error) {
	if len(parts) > 0 {
		if err := x.reader.conn.WritePacket(parts...); err != nil {
			return nil, err
		}
	}
	n, p, err := x.read()
	switch {
	case err != nil:
		return nil, err
	case n == wire.NumberUserauthRequest:
		r, err := parseRequest(p)
		if err != nil {
			return nil, err
		}
		x.abandoned = &r
		return nil, ErrAbandoned
	case n.Layer() != wire.UserauthMethod:
		return nil, &ProtocolError{What: fmt.Sprintf("%v in the middle of a method", n)}
	}
	return p, nil
}

// adopt makes user the one the exchange is about. RFC 4252, section 5: the
// server "MUST flush any accumulated authentication states" if the user name or
// service changes; there is only one service.
func (x *exchange) adopt(user string) {
	if user != x.user {
		x.user, x.state = user, state{chains: x.server.Chains}
	}
}

// greet sends the banner, once.
func (x *exchange) greet() error {
	if x.greeted || x.server.Banner == nil {
		return nil
	}
	x.greeted = true
	m := wire.UserauthBanner{Message: x.server.Banner(x.ctx, x.user)}
	if m.Message == "" {
		return nil
	}
	x.err = x.reader.conn.WritePacket(m.Append(nil))
	return x.err
}

// pass takes a Decision that is not on a mere question into account, and
// reports whether it is enough. Its error is the reason for a refusal.
func (x *exchange) pass(method string, d Decision) (enough bool, err error) {
	if !d.right() {
		return false, ErrRefused
	}
	permissions, err := x.permissions.Narrow(d.permissions)
	if err != nil { // CVE-2026-39828: a factor must not lose what it demands
		return false, fmt.Errorf("userauth: what the factors demand does not go together: %w", err)
	}
	passed := append(slices.Clone(x.passed), method)
	s := state{passed: passed, proofs: x.proofs, permissions: permissions}
	enough = d.verdict == accepted
	switch {
	case x.chains != nil:
		enough, err = s.advance(x.chains, method, d)
	case d.verdict == partial:
		if s.next = x.server.follow(passed, d.next); len(s.next) == 0 {
			err = fmt.Errorf("userauth: no check is left to follow %q", passed)
		}
	}
	if err != nil {
		return false, err
	}
	if d.proof != "" {
		s.proofs = append(slices.Clone(s.proofs), d.proof)
	}
	x.state = s
	return enough, nil
}

// follow returns the methods that may follow those passed: the wanted, or if
// there are none all others.
func (s *Server) follow(passed, wanted []string) []string {
	var next []string
	for _, c := range s.Checks {
		name := c.Method()
		if len(wanted) == 0 && slices.Contains(passed, name) || len(wanted) > 0 && !slices.Contains(wanted, name) {
			continue
		}
		// RFC 4252, section 5.2: "none" "MUST NOT be listed as supported by
		// the server."
		if name != methodNone {
			next = append(next, name)
		}
	}
	return next
}

// useful returns the methods that can go on.
func (x *exchange) useful() []string {
	switch {
	case x.next != nil:
		return x.next
	case x.server.Chains != nil:
		return heads(x.server.Chains)
	}
	return x.server.follow(nil, nil)
}

// takes reports whether a method can go on. Without chains a first "none" can,
// though it is not listed.
func (x *exchange) takes(method string) bool {
	return x.next == nil && x.chains == nil || slices.Contains(x.useful(), method)
}

// refuse answers an attempt that failed.
func (x *exchange) refuse(method string) error {
	none := method == methodNone
	// A first "none" is how clients ask what there is.
	if !none || x.reads > 1 {
		x.failures++
	}
	// That answer is the same for everyone, unless someone decides on it.
	if !none || x.server.check(methodNone) != nil {
		if err := x.server.hold(x.ctx, x.since, x.user); err != nil {
			return err
		}
	}
	if x.failures >= x.server.tries() {
		return &LimitError{What: "failed attempts", Limit: x.server.tries()}
	}
	return x.fail(false)
}

// fail sends an SSH_MSG_USERAUTH_FAILURE.
func (x *exchange) fail(partial bool) error {
	m := wire.UserauthFailure{Continue: x.useful(), Partial: partial}
	return x.reader.conn.WritePacket(m.Append(nil))
}

// grant lets the user in.
func (x *exchange) grant() (*Grant, error) {
	var m wire.UserauthSuccess
	if err := x.reader.conn.WritePacket(m.Append(nil)); err != nil {
		return nil, err
	}
	return &Grant{
		User: x.user, Service: connectionService,
		Methods: x.passed, Permissions: clonePermissions(x.permissions),
	}, nil
}
