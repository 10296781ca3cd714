package userauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// None returns the method "none" (RFC 4252, section 5.2), which proves
// nothing: it is for servers that let anyone in, and costs a round trip on
// those that do not. Only a client that lists it accepts to be let in so.
func None() Method { return none{} }

type none struct{}

func (none) Name() string { return methodNone }

func (none) Authenticate(_ context.Context, d *Dialog) (Answer, error) {
	answer, err := d.Request(nil)
	if err == nil && answer.Message != nil {
		err = unexpected(methodNone, answer)
	}
	return answer, err
}

// A probe is a "none" request made to learn what the server allows.
type probe struct{ none }

func (p probe) Authenticate(ctx context.Context, d *Dialog) (Answer, error) {
	answer, err := p.none.Authenticate(ctx, d)
	if err == nil && answer.OK {
		err = ErrTrivial
	}
	return answer, err
}

// unexpected returns the error of a message that is not one the method knows.
func unexpected(method string, a Answer) error {
	return &ProtocolError{What: fmt.Sprintf("%v in answer to %q", wire.Number(a.Message[0]), method)}
}

// CheckNone returns a check of the method "none" (RFC 4252, section 5.2): f
// decides for users who prove nothing. The Attempt is valid until f returns.
func CheckNone(f func(ctx context.Context, a *Attempt) (Decision, error)) Check { return noneCheck{f} }

type noneCheck struct {
	f func(ctx context.Context, a *Attempt) (Decision, error)
}

func (noneCheck) Method() string { return methodNone }

func (c noneCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	if len(a.fields) > 0 {
		return Decision{}, a.violation(wire.ErrTrailing)
	}
	if c.f == nil {
		return Decision{}, errNoFunction
	}
	return c.f(ctx, a)
}

// errNoFunction is what a check made from a nil function says.
var errNoFunction = errors.New("userauth: the check has no function to decide")
