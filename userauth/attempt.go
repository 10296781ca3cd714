package userauth

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/whelk-ssh/whelk/wire"
)

// An Attempt is one SSH_MSG_USERAUTH_REQUEST. It is lent to a [Check] and is
// valid until Check returns.
type Attempt struct {
	User    string // for a Check, 1 to 255 bytes of UTF-8 without control characters
	Service string
	Method  string   // "publickey" too for "publickey-hostbound-v00@openssh.com"
	Passed  []string // methods this user has passed already, in order

	fields   []byte
	binding  Binding
	bound    bool // Method is "publickey-hostbound-v00@openssh.com" on the wire
	expired  bool // the server's last answer asked to change the password
	exchange *exchange
}

// Fields returns the fields of the request that are the method's own. They are
// valid until the Attempt's next message is read, and may hold a password.
func (a *Attempt) Fields() []byte { return a.fields }

// Binding returns what ties the attempt to its transport.
func (a *Attempt) Binding() Binding { return a.binding }

// Ask sends the client a method-specific message, its number from 60 to 79, and
// returns the one that answers it, which is valid until the next call. An error
// has ended the attempt, if not the dialogue: the check returns. It panics if
// the number is not the method's.
func (a *Attempt) Ask(number byte, body []byte) ([]byte, error) {
	if wire.Number(number).Layer() != wire.UserauthMethod {
		panic(fmt.Sprintf("userauth: %d is not the number of a method's message", number))
	}
	if a.exchange == nil {
		return nil, errNobody
	}
	return a.exchange.ask([]byte{number}, body)
}

// tell sends a message that nothing answers.
func (a *Attempt) tell(message []byte) error {
	if a.exchange == nil {
		return errNobody
	}
	return a.exchange.tell(message)
}

// listen returns the next message of the method without asking for it.
func (a *Attempt) listen() ([]byte, error) {
	if a.exchange == nil {
		return nil, errNobody
	}
	return a.exchange.ask()
}

// errNobody is what an [Attempt] says that is over, or never was.
var errNobody = errors.New("userauth: there is nobody to ask")

// violation ends the dialogue because the fields of the request are malformed.
func (a *Attempt) violation(err error) error {
	return a.broken(&ProtocolError{What: fmt.Sprintf("request of method %q", a.Method), Err: err})
}

// broken ends the dialogue.
func (a *Attempt) broken(err error) error {
	if a.exchange != nil {
		a.exchange.err = err
	}
	return err
}

// queried counts a question about a key, and ends the dialogue if there were
// too many.
func (a *Attempt) queried() error {
	if a.exchange == nil {
		return nil
	}
	if a.exchange.queries++; a.exchange.queries > maxQueries {
		a.exchange.err = &LimitError{What: "questions about keys", Limit: maxQueries}
	}
	return a.exchange.err
}

// maxUser is the length in bytes of the longest user name.
const maxUser = 255

// checkUser refuses names that no account has, and that would be cut short or
// misread by what they are handed to.
func checkUser(user string) error {
	switch {
	case user == "":
		return errors.New("userauth: the user name is empty")
	case len(user) > maxUser:
		return fmt.Errorf("userauth: the user name is longer than %d bytes", maxUser)
	case !utf8.ValidString(user):
		return fmt.Errorf("userauth: user name %q is not UTF-8", user)
	}
	for _, r := range user {
		if unicode.IsControl(r) {
			return fmt.Errorf("userauth: user name %q has control characters", user)
		}
	}
	return nil
}
