package userauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// What one dialogue costs a server at most, whatever Server.MaxTries says.
const (
	defaultTries = 6   // failed attempts, as OpenSSH's MaxAuthTries
	maxReads     = 128 // messages read
	maxQueries   = 20  // questions about keys
)

// A Server finds out who the user is. The zero Server lets nobody in.
type Server struct {
	Checks   []Check // at most one of each method
	MaxTries int     // failed attempts that end the dialogue; 6 if zero

	// Chains, unless nil, are lists of methods: whoever has passed all of one,
	// in its order, is in, as with AuthenticationMethods of sshd_config(5). A
	// check then says with Accept that its method is passed, and no more than
	// that. A chain with "publickey" twice takes two keys. The methods allowed
	// are the same for all users, whoever exists.
	Chains [][]string

	// Delay is the least time a refusal takes from the message that brought it
	// about, the same whether the user exists or not; 300 ms if zero, none if
	// negative. A secret of the
	// process adds up to a sixteenth of it for each user, and a check that
	// takes longer has it doubled until it fits.
	Delay time.Duration

	// Banner, unless nil, returns a message to be shown to the user before
	// the first answer (RFC 4252, section 5.4); "" for none.
	Banner func(ctx context.Context, user string) string

	// Report, unless nil, is told the outcome of each request that proves
	// something or fails to: a nil error is a success, whole or partial;
	// [ErrRefused] a refusal without further reason; [ErrExpired] a password
	// that was right and has to be changed. The error says more
	// than the client learns. The Attempt has no Fields; what it does have,
	// the client chose, and a name refused as such may hold anything.
	Report func(ctx context.Context, a *Attempt, err error)
}

// A Check is one way for a server to verify a user. Implementations hold no
// state of a dialogue and are safe for concurrent use.
type Check interface {
	// Method returns the name of the method, such as "publickey".
	Method() string
	// Check decides on one attempt. An error means that it could not decide:
	// the attempt is refused, whatever the Decision is.
	Check(ctx context.Context, a *Attempt) (Decision, error)
}

// Authenticate runs the dialogue until a check accepts, and returns what was
// granted. It fails with a [*ProtocolError], [*ServiceError] or [*LimitError]
// if the client's behaviour ends the dialogue, and with the Conn's error when
// the client goes away. The context is looked at between steps; the package
// comment says how to end a wait for the client.
func (s *Server) Authenticate(ctx context.Context, conn Conn, b Binding) (*Grant, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	x := &exchange{ctx: ctx, server: s, reader: reader{conn: conn}, binding: b, state: state{chains: s.Chains}}
	for {
		r, err := x.request()
		if err != nil {
			return nil, err
		}
		grant, err := x.serve(&r)
		if grant != nil || err != nil {
			return grant, err
		}
	}
}

// Validate finds the mistakes that would leave a server that never lets anyone
// in, or a check that is never asked. Authenticate fails with what it finds.
func (s *Server) Validate() error {
	if len(s.Checks) == 0 {
		return errors.New("userauth: the server has no checks, and so nobody can be let in")
	}
	seen := map[string]bool{}
	for _, c := range s.Checks {
		if c == nil {
			return errors.New("userauth: a check of the server is nil")
		}
		name := c.Method()
		switch {
		case name == "" || strings.Contains(name, ",") || seen[name]:
			return fmt.Errorf("userauth: the server has two checks of method %q, or that is no name", name)
		case name == methodHostBound:
			return fmt.Errorf("userauth: %q is for the check of %q", name, methodPublicKey)
		}
		seen[name] = true
	}
	return s.validateChains()
}

// check returns the check of a method, or nil.
func (s *Server) check(method string) Check {
	for _, c := range s.Checks {
		if c.Method() == method {
			return c
		}
	}
	return nil
}

// tries returns how many failed attempts end the dialogue.
func (s *Server) tries() int {
	if s.MaxTries > 0 {
		return s.MaxTries
	}
	return defaultTries
}

// serve answers one request. It returns a Grant if that let the user in, and an
// error if it ended the dialogue.
func (x *exchange) serve(r *wire.UserauthRequest) (*Grant, error) {
	if r.Service != connectionService {
		return nil, &ServiceError{Service: r.Service}
	}
	x.adopt(r.User)
	a := x.attempt(r)
	method := a.Method // a is lent to the check, which may write to it
	x.expired = false
	decision, err := x.decide(a)
	a.fields, a.exchange = nil, nil
	switch {
	case x.err != nil:
		return nil, x.err
	case x.ctx.Err() != nil:
		return nil, fmt.Errorf("userauth: %w", x.ctx.Err())
	case x.abandoned != nil:
		// RFC 4252, section 5.1: "the server MUST abandon the previous
		// authentication attempt and continue with the new one."
		return nil, nil
	}
	return x.answer(a, method, decision, err)
}

// attempt returns what a check is to look at.
func (x *exchange) attempt(r *wire.UserauthRequest) *Attempt {
	a := &Attempt{
		User: r.User, Service: r.Service, Method: r.Method,
		Passed: slices.Clone(x.passed), fields: r.Fields, binding: x.binding,
		bound: r.Method == methodHostBound, expired: x.expired, exchange: x,
	}
	if a.bound {
		a.Method = methodPublicKey
	}
	return a
}

// decide puts an attempt to its check.
func (x *exchange) decide(a *Attempt) (Decision, error) {
	if err := checkUser(a.User); err != nil {
		return Decision{}, err
	}
	if err := x.greet(); err != nil {
		return Decision{}, err
	}
	c := x.server.check(a.Method)
	if c == nil || !x.takes(a.Method) {
		return Decision{}, fmt.Errorf("userauth: method %.64q cannot go on, %q can", a.Method, x.useful())
	}
	return c.Check(x.ctx, a)
}

// answer acts on a Decision, unless there is an error.
func (x *exchange) answer(a *Attempt, method string, d Decision, err error) (*Grant, error) {
	if err == nil && d.verdict == wouldDo {
		return nil, x.reader.conn.WritePacket(d.message)
	}
	expired := err == nil && d.verdict == mustChange && method == methodPassword
	enough := false
	switch {
	case expired:
		err = ErrExpired
	case err == nil:
		enough, err = x.pass(method, d)
	}
	if x.server.Report != nil {
		x.server.Report(x.ctx, a, err)
	}
	switch {
	case expired:
		x.expired = true
		return nil, x.reader.conn.WritePacket(d.message)
	case err != nil:
		return nil, x.refuse(method)
	case !enough:
		return nil, x.fail(true)
	}
	return x.grant()
}
