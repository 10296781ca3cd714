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

// maxChanges is how many passwords a client offers for an expired one.
const maxChanges = 10

// Password returns the method "password" (RFC 4252, section 8). secret is
// called each time the method is tried, on the goroutine of Authenticate; an
// error of it passes the method over. A server that wants the password changed
// gives a [*PasswordExpiredError].
func Password(secret func(ctx context.Context) (string, error)) Method {
	return password{secret: secret}
}

// PasswordOrChange is [Password] for a user who can change the password if the
// server wants that. change is given the server's words, which may hold
// anything, and returns the new password; it is called again, up to 10 times in
// all, when the server does not like that one. The password has been changed if
// the user is let in, and also if another method has to follow.
func PasswordOrChange(secret func(ctx context.Context) (string, error), change func(ctx context.Context, prompt string) (string, error)) Method {
	return password{secret, change}
}

type password struct {
	secret func(ctx context.Context) (string, error)
	change func(ctx context.Context, prompt string) (string, error)
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
	for range maxChanges + 1 {
		answer, err := d.Request(fields.Append(nil))
		if err != nil || answer.Message == nil {
			return answer, err
		}
		expired, err := passwordExpired(answer)
		switch {
		case err != nil:
			return Answer{}, d.end(err)
		case m.change == nil:
			return Answer{}, expired
		}
		fields.Change = true
		if fields.NewPassword, err = m.change(ctx, expired.Prompt); err != nil {
			return Answer{}, err
		}
	}
	return Answer{}, &LimitError{What: "passwords that the server does not like", Limit: maxChanges}
}

// passwordExpired reads an SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.
func passwordExpired(a Answer) (*PasswordExpiredError, error) {
	if wire.Number(a.Message[0]) != wire.NumberUserauthPasswdChangeReq {
		return nil, unexpected(methodPassword, a)
	}
	m, err := wire.ParseUserauthPasswdChangeReq(a.Message)
	if err != nil {
		return nil, &ProtocolError{What: "SSH_MSG_USERAUTH_PASSWD_CHANGEREQ", Err: err}
	}
	return &PasswordExpiredError{Prompt: m.Prompt}, nil
}

// CheckPassword returns a check of the method "password" (RFC 4252, section 8).
// f never sees an empty password, nor one longer than 1024 bytes: both are
// refused. [Server.Delay] hides how long f takes, so that it need not hash
// anything for a user who does not exist. The Attempt is valid until f returns.
func CheckPassword(f func(ctx context.Context, a *Attempt, password string) (Decision, error)) Check {
	return passwordCheck{check: f}
}

// CheckPasswordOrChange is [CheckPassword] for passwords that expire. Where f
// returns [MustChange], the client is asked for a new one, and change is called
// with both: it stores the new password and accepts, or says with MustChange
// why it will not do. It is never called but in answer to that, after f has
// been asked about the old password once more and has not refused it. Only what
// change decides lets the user in.
func CheckPasswordOrChange(
	f func(ctx context.Context, a *Attempt, password string) (Decision, error),
	change func(ctx context.Context, a *Attempt, old, password string) (Decision, error),
) Check {
	return passwordCheck{f, change}
}

type passwordCheck struct {
	check  func(ctx context.Context, a *Attempt, password string) (Decision, error)
	change func(ctx context.Context, a *Attempt, old, password string) (Decision, error)
}

func (passwordCheck) Method() string { return methodPassword }

func (c passwordCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := wire.ParsePasswordFields(a.fields)
	switch {
	case err != nil:
		return Decision{}, a.violation(err)
	case c.check == nil:
		return Decision{}, errNoFunction
	case m.Change && !a.expired:
		// RFC 4252, section 8: the flag answers a server that asked for it,
		// and this one has not (CVE-2012-5975).
		return Decision{}, errors.New("userauth: the client changes a password it was not asked to change")
	}
	if err := checkPassword(m.Password); err != nil {
		return Decision{}, err
	}
	decision, err := c.check(ctx, a, m.Password)
	switch {
	case err != nil:
		return Decision{}, err
	case decision.verdict == mustChange && c.change == nil:
		return Decision{}, errors.New("userauth: the password must be changed, and there is no function to change it")
	case m.Change && (decision.right() || decision.verdict == mustChange):
		if err := checkPassword(m.NewPassword); err != nil {
			return Decision{}, err
		}
		return c.change(ctx, a, m.Password, m.NewPassword)
	}
	return decision, nil
}

// checkPassword refuses what is no password.
func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("userauth: the password is empty")
	case len(password) > maxPassword:
		return fmt.Errorf("userauth: the password is longer than %d bytes", maxPassword)
	}
	return nil
}
