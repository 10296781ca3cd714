package userauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// maxPassword is the length in bytes of the longest password a server hashes
// (CVE-2016-6515).
const maxPassword = 1024

// Password returns the method "password" (RFC 4252, section 8). secret is
// called each time the method is tried, on the goroutine of Authenticate; an
// error of it passes the method over. A server that wants the password changed
// gives a [*PasswordExpiredError].
func Password(secret func(ctx context.Context) (string, error)) Method { return password{secret} }

type password struct {
	secret func(ctx context.Context) (string, error)
}

func (password) Name() string { return methodPassword }

func (m password) Authenticate(ctx context.Context, d *Dialog) (Answer, error) {
	if m.secret == nil {
		return Answer{}, errors.New("there is no function to give the password")
	}
	secret, err := m.secret(ctx)
	if err != nil {
		return Answer{}, err
	}
	fields := wire.PasswordFields{Password: secret}
	answer, err := d.Request(fields.Append(nil))
	if err != nil || answer.Message == nil {
		return answer, err
	}
	if wire.Number(answer.Message[0]) != wire.NumberUserauthPasswdChangeReq {
		return Answer{}, unexpected(methodPassword, answer)
	}
	change, err := wire.ParseUserauthPasswdChangeReq(answer.Message)
	if err != nil {
		return Answer{}, &ProtocolError{What: "SSH_MSG_USERAUTH_PASSWD_CHANGEREQ", Err: err}
	}
	return Answer{}, &PasswordExpiredError{Prompt: change.Prompt}
}

// CheckPassword returns a check of the method "password" (RFC 4252, section 8).
// f never sees an empty password, nor one longer than 1024 bytes: both are
// refused. [Server.Delay] hides how long f takes, so that it need not hash
// anything for a user who does not exist. The Attempt is valid until f returns.
func CheckPassword(f func(ctx context.Context, a *Attempt, password string) (Decision, error)) Check {
	return passwordCheck{f}
}

type passwordCheck struct {
	f func(ctx context.Context, a *Attempt, password string) (Decision, error)
}

func (passwordCheck) Method() string { return methodPassword }

func (c passwordCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := wire.ParsePasswordFields(a.fields)
	switch {
	case err != nil:
		return Decision{}, a.violation(err)
	case c.f == nil:
		return Decision{}, errNoFunction
	case m.Change:
		// RFC 4252, section 8: the flag answers a server that asked for it,
		// and this one does not.
		return Decision{}, errors.New("userauth: the client changes a password it was not asked to change")
	case m.Password == "":
		return Decision{}, errors.New("userauth: the password is empty")
	case len(m.Password) > maxPassword:
		return Decision{}, fmt.Errorf("userauth: the password is longer than %d bytes", maxPassword)
	}
	return c.f(ctx, a, m.Password)
}
