package userauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// GSSAPI returns the method "gssapi-with-mic" (RFC 4462, section 3), with the
// mechanisms in order of preference. The server chooses one of them.
func GSSAPI(mechanisms ...GSSMechanism) Method { return gssapi{mechanisms} }

type gssapi struct{ mechanisms []GSSMechanism }

func (gssapi) Name() string { return methodGSSAPI }

func (m gssapi) Authenticate(ctx context.Context, d *Dialog) (Answer, error) {
	if len(m.mechanisms) == 0 {
		return Answer{}, errors.New("there are no GSS-API mechanisms")
	}
	if len(d.binding.SessionID) == 0 {
		return Answer{}, errNoSession
	}
	var fields wire.GSSAPIFields
	for i := range m.mechanisms {
		oid, err := m.mechanisms[i].encode()
		if err != nil {
			return Answer{}, err
		}
		fields.Mechanisms = append(fields.Mechanisms, oid)
	}
	answer, err := d.Request(fields.Append(nil))
	if err != nil || answer.Message == nil {
		return answer, errors.Join(err, d.untimely(answer))
	}
	chosen, err := m.chosen(answer)
	if err != nil {
		return Answer{}, d.end(err)
	}
	security, err := chosen.Start(ctx)
	if err != nil {
		return Answer{}, err
	}
	defer security.Close()
	i := initiator{dialog: d, context: security}
	return i.establish(ctx)
}

// chosen returns the mechanism that the server has chosen.
func (m gssapi) chosen(a Answer) (*GSSMechanism, error) {
	if wire.Number(a.Message[0]) != wire.NumberUserauthGSSAPIResponse {
		return nil, unexpected(methodGSSAPI, a)
	}
	response, err := wire.ParseUserauthGSSAPIResponse(a.Message)
	if err != nil {
		return nil, &ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_RESPONSE", Err: err}
	}
	chosen, err := find(m.mechanisms, response.Mechanism)
	if chosen == nil {
		return nil, &ProtocolError{What: "a GSS-API mechanism that was not offered", Err: err}
	}
	return chosen, nil
}

// untimely turns a success down that comes before the client proved anything.
func (d *Dialog) untimely(a Answer) error {
	if a.OK || a.Partial {
		return d.end(&ProtocolError{What: "success before the GSS-API exchange is complete"})
	}
	return nil
}

// An initiator is a client in the middle of an exchange.
type initiator struct {
	dialog  *Dialog
	context GSSContext
	notes   []error // what the server said went wrong
}

// establish runs the mechanism and proves that it is done.
func (i *initiator) establish(ctx context.Context) (Answer, error) {
	var token []byte
	for range maxTokens {
		reply, done, err := i.context.Step(ctx, token)
		switch {
		case err != nil:
			return i.giveUp(reply, err)
		case done:
			return i.finish(ctx, reply)
		case len(reply) == 0:
			return Answer{}, errNeither
		}
		answer, err := i.say(&wire.UserauthGSSAPIToken{Token: reply})
		if err != nil || answer.Message == nil {
			return answer, errors.Join(append(i.notes, err, i.dialog.untimely(answer))...)
		}
		if token, err = i.token(ctx, answer); err != nil {
			return Answer{}, err
		}
	}
	return Answer{}, &LimitError{What: "GSS-API tokens", Limit: maxTokens}
}

// A gssMessage is one of the method's own.
type gssMessage interface{ Append(b []byte) []byte }

// say sends a message and returns the answer. What the server says before it
// about its reasons is kept.
func (i *initiator) say(m gssMessage) (Answer, error) {
	body := m.Append(nil)
	answer, err := i.dialog.Respond(body[0], body[1:])
	for err == nil && answer.Message != nil && wire.Number(answer.Message[0]) == wire.NumberUserauthGSSAPIError {
		var reason wire.UserauthGSSAPIError
		if reason, err = wire.ParseUserauthGSSAPIError(answer.Message); err != nil {
			return Answer{}, i.dialog.end(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_ERROR", Err: err})
		}
		if len(i.notes) == maxTokens {
			return Answer{}, i.dialog.end(&ProtocolError{What: fmt.Sprintf("more than %d GSS-API errors", maxTokens)})
		}
		i.notes = append(i.notes, fmt.Errorf("the server says %.256q (status %#x, %#x)", reason.Message, reason.Major, reason.Minor))
		answer, err = i.dialog.answer()
	}
	return answer, err
}

// token returns the server's next token. One that says what went wrong is put
// to the mechanism, whose words are better than ours.
func (i *initiator) token(ctx context.Context, a Answer) ([]byte, error) {
	switch wire.Number(a.Message[0]) {
	case wire.NumberUserauthGSSAPIToken:
		m, err := wire.ParseUserauthGSSAPIToken(a.Message)
		if err != nil {
			return nil, i.dialog.end(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_TOKEN", Err: err})
		}
		return m.Token, nil
	case wire.NumberUserauthGSSAPIErrtok:
		m, err := wire.ParseUserauthGSSAPIErrtok(a.Message)
		if err != nil {
			return nil, i.dialog.end(&ProtocolError{What: "SSH_MSG_USERAUTH_GSSAPI_ERRTOK", Err: err})
		}
		_, _, err = i.context.Step(ctx, m.Token)
		i.notes = append(i.notes, errors.New("the server's GSS-API mechanism gave up"), err)
		// RFC 4462, section 3.9: a failure follows.
		if answer, err := i.dialog.answer(); err != nil {
			return nil, err
		} else if answer.OK || answer.Partial || answer.Message != nil {
			return nil, i.dialog.end(&ProtocolError{What: "no failure after SSH_MSG_USERAUTH_GSSAPI_ERRTOK"})
		}
		return nil, errors.Join(i.notes...)
	}
	return nil, i.dialog.end(unexpected(methodGSSAPI, a))
}

// giveUp tells the server of an error of the mechanism, if that has a token for
// it.
func (i *initiator) giveUp(token []byte, because error) (Answer, error) {
	if len(token) == 0 {
		return Answer{}, because
	}
	answer, err := i.say(&wire.UserauthGSSAPIErrtok{Token: token})
	if err != nil {
		return Answer{}, err
	}
	if answer.OK || answer.Partial || answer.Message != nil {
		return Answer{}, i.dialog.end(&ProtocolError{What: "no failure after SSH_MSG_USERAUTH_GSSAPI_ERRTOK"})
	}
	return answer, because
}

// finish sends the last token and the MIC that ties the context to the session
// (RFC 4462, section 3.5).
func (i *initiator) finish(ctx context.Context, token []byte) (Answer, error) {
	d := i.dialog
	mic, err := i.context.MIC(gssapiData(d.binding.SessionID, d.user, d.service))
	if err != nil {
		return Answer{}, err
	}
	if len(token) > 0 {
		last := wire.UserauthGSSAPIToken{Token: token}
		if err := d.send(last.Append(nil)); err != nil {
			return Answer{}, err
		}
	}
	answer, err := i.say(&wire.UserauthGSSAPIMIC{MIC: mic})
	switch {
	case err == nil && answer.Message != nil && wire.Number(answer.Message[0]) == wire.NumberUserauthGSSAPIErrtok:
		_, err = i.token(ctx, answer) // of the last token, not the MIC
		return Answer{}, err
	case err == nil && answer.Message != nil:
		return Answer{}, d.end(unexpected(methodGSSAPI, answer))
	}
	return answer, errors.Join(append(i.notes, err)...)
}
