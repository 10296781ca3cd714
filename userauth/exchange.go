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
// passed, proofs, next and permissions belong to user and are forgotten with
// it; the counters belong to the connection.
type exchange struct {
	ctx     context.Context // that of the one call to Authenticate
	server  *Server
	reader  reader
	binding Binding

	user        string
	passed      []string     // methods with partial success
	proofs      []string     // keys that passed, which may not pass again
	next        []string     // those that may follow; nil before the first
	permissions *Permissions // those of the factors passed

	reads     int // messages read
	failures  int // attempts refused
	queries   int // questions about keys
	greeted   bool
	abandoned *wire.UserauthRequest // what the client sent instead of an answer

	err error // what ended the dialogue
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
	return n, p, nil
}

// request returns the next request. Its Fields are valid until the next read.
func (x *exchange) request() (wire.UserauthRequest, error) {
	if r := x.abandoned; r != nil {
		x.abandoned = nil
		return *r, nil
	}
	n, p, err := x.read()
	if err != nil {
		return wire.UserauthRequest{}, err
	}
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

// ask sends a method's message and returns the answer, a method's message too.
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

func (x *exchange) converse(parts ...[]byte) ([]byte, error) {
	if err := x.reader.conn.WritePacket(parts...); err != nil {
		return nil, err
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
		x.user, x.passed, x.proofs, x.next, x.permissions = user, nil, nil, nil, nil
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

// pass takes a Decision that is not on a mere question into account. Its error
// is the reason for a refusal.
func (x *exchange) pass(method string, d Decision) error {
	if !d.right() {
		return ErrRefused
	}
	permissions, err := x.permissions.narrow(d.permissions)
	if err != nil {
		return err
	}
	passed := append(slices.Clone(x.passed), method)
	if d.verdict == partial {
		next := x.server.follow(passed, d.next)
		if len(next) == 0 {
			return fmt.Errorf("userauth: no check is left to follow %q", passed)
		}
		x.next = next
		if d.proof != "" {
			x.proofs = append(x.proofs, d.proof)
		}
	}
	x.passed, x.permissions = passed, permissions
	return nil
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
	names := x.next
	if names == nil {
		names = x.server.follow(nil, nil)
	}
	return names
}

// refuse answers an attempt that failed.
func (x *exchange) refuse(method string, start time.Time) error {
	none := method == methodNone
	// A first "none" is how clients ask what there is.
	if !none || x.reads > 1 {
		x.failures++
	}
	// That answer is the same for everyone, unless someone decides on it.
	if !none || x.server.check(methodNone) != nil {
		if err := x.server.hold(x.ctx, start, x.user); err != nil {
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
		Methods: x.passed, Permissions: x.permissions.clone(),
	}, nil
}
