package userauth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// What one dialogue costs a client at most.
const (
	maxMessages    = 64       // messages sent
	maxBanners     = 32       // banners read
	maxBannerBytes = 64 << 10 // bytes of text in them
)

// A Dialog is a client's conversation with the server, lent to one [Method] at
// a time. It is not safe for concurrent use.
type Dialog struct {
	ctx     context.Context // that of the one call to Authenticate
	reader  reader
	binding Binding
	user    string
	service string
	banner  func(message string)

	algorithms []string // those that keys may sign with; nil for the sound ones
	maxTries   int      // refusals that the server is expected to stand
	trusting   bool     // the user said that no proof need be asked for

	method   string   // the one whose turn it is
	left     []Method // those still to be tried
	tried    []string // methods of which a request was sent
	passed   []string // methods that had partial success
	allowed  []string // what the last FAILURE said may go on
	answered bool     // there was a FAILURE
	sent     int      // messages sent
	refusals int      // requests refused, but for a first "none"
	banners  int
	text     int             // bytes of banners
	keys     map[string]bool // blobs of keys that had partial success
	errs     []error

	success bool  // the server has let the user in
	err     error // what ended the dialogue
}

func newDialog(ctx context.Context, c *Client, conn Conn, b Binding) *Dialog {
	d := &Dialog{
		ctx: ctx, reader: reader{conn: conn}, binding: b,
		user: c.User, service: c.Service, banner: c.Banner, algorithms: c.Algorithms,
		keys: map[string]bool{}, maxTries: c.MaxTries, trusting: slices.ContainsFunc(c.Methods, isNone),
	}
	if d.maxTries <= 0 {
		d.maxTries = defaultTries
	}
	if d.service == "" {
		d.service = connectionService
	}
	return d
}

// try gives m its turn. Its error ends the dialogue.
func (d *Dialog) try(m Method) (Answer, error) {
	d.method = m.Name()
	answer, err := m.Authenticate(d.ctx, d)
	var broken *ProtocolError
	switch {
	case d.err != nil:
		return Answer{}, d.err
	case d.success && err == nil && answer.OK:
		return answer, nil
	case d.success && err == nil:
		return Answer{}, fmt.Errorf("userauth: method %q does not take the server's success", d.method)
	case d.success, errors.As(err, &broken):
		return Answer{}, err
	case answer.OK:
		return Answer{}, fmt.Errorf("userauth: method %q claims a success the server did not declare", d.method)
	}
	if err := d.ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("userauth: %w", err)
	}
	d.note(err)
	return answer, nil
}

// note keeps an error of the current method for the end of the dialogue, each
// by itself if it is several.
func (d *Dialog) note(err error) {
	if err == nil {
		return
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		d.errs = append(d.errs, fmt.Errorf("%s: %w", d.method, err))
	}
}

// failure returns the error of a dialogue that has run out of methods.
func (d *Dialog) failure() error {
	return &Error{User: d.user, Tried: d.tried, Passed: d.passed, Allowed: d.allowed, Errs: d.errs}
}

// User returns the name of the user to be let in.
func (d *Dialog) User() string { return d.user }

// Service returns the name of the service to be let into.
func (d *Dialog) Service() string { return d.service }

// Binding returns what ties the dialogue to its transport.
func (d *Dialog) Binding() Binding { return d.binding }

// Request sends an SSH_MSG_USERAUTH_REQUEST with the method's own fields, and
// returns the server's answer. It does not keep fields. An error has ended the
// dialogue: the method returns.
func (d *Dialog) Request(fields []byte) (Answer, error) { return d.request(d.method, fields) }

// request sends a request of the current method under the name given.
func (d *Dialog) request(name string, fields []byte) (Answer, error) {
	if n := len(d.tried); n == 0 || d.tried[n-1] != d.method {
		d.tried = append(d.tried, d.method)
	}
	m := wire.UserauthRequest{User: d.user, Service: d.service, Method: name}
	return d.exchange(m.Append(nil), fields)
}

// Respond sends a method-specific message, its number from 60 to 79, and
// returns the server's answer. It does not keep body. An error has ended the
// dialogue: the method returns. It panics if the number is not the method's.
func (d *Dialog) Respond(number byte, body []byte) (Answer, error) {
	if wire.Number(number).Layer() != wire.UserauthMethod {
		panic(fmt.Sprintf("userauth: %d is not the number of a method's message", number))
	}
	return d.exchange([]byte{number}, body)
}

// exchange sends one message and reads the answer to it.
func (d *Dialog) exchange(parts ...[]byte) (Answer, error) {
	if err := d.send(parts...); err != nil {
		return Answer{}, err
	}
	return d.answer()
}

// send sends one message.
func (d *Dialog) send(parts ...[]byte) error {
	switch {
	case d.err != nil:
		return d.err
	case d.success:
		return d.end(errors.New("userauth: message after the server's success"))
	case d.ctx.Err() != nil:
		return d.end(fmt.Errorf("userauth: %w", d.ctx.Err()))
	case d.sent == maxMessages:
		d.errs = append(d.errs, &LimitError{What: "attempts", Limit: maxMessages})
		return d.end(d.failure())
	}
	d.sent++
	if err := d.reader.conn.WritePacket(parts...); err != nil {
		return d.lost(err)
	}
	return nil
}

// end makes err the end of the dialogue.
func (d *Dialog) end(err error) error {
	d.err = err
	return err
}

// lost ends the dialogue with a failure of the connection. A server that has
// had enough disconnects, so what was tried belongs in the error.
func (d *Dialog) lost(err error) error {
	return d.end(fmt.Errorf("userauth: connection lost after trying %q: %w", d.tried, err))
}

// answer reads up to the server's answer.
func (d *Dialog) answer() (Answer, error) {
	for {
		n, p, err := d.reader.next()
		var broken *ProtocolError
		if errors.As(err, &broken) {
			return Answer{}, d.end(err)
		}
		if err != nil {
			return Answer{}, d.lost(err)
		}
		var a Answer
		switch {
		case n == wire.NumberUserauthBanner:
			if err := d.show(p); err != nil {
				return Answer{}, d.end(err)
			}
			continue
		case n == wire.NumberUserauthFailure:
			a, err = d.refused(p)
		case n == wire.NumberUserauthSuccess:
			_, err = wire.ParseUserauthSuccess(p)
			a.OK, d.success = err == nil, err == nil
		case n.Layer() == wire.UserauthMethod:
			a.Message = p
		default:
			return Answer{}, d.end(&ProtocolError{What: fmt.Sprintf("%v in answer to %q", n, d.method)})
		}
		if err != nil {
			return Answer{}, d.end(&ProtocolError{What: n.String(), Err: err})
		}
		return a, nil
	}
}

// refused takes an SSH_MSG_USERAUTH_FAILURE.
func (d *Dialog) refused(p []byte) (Answer, error) {
	m, err := wire.ParseUserauthFailure(p)
	if err != nil {
		return Answer{}, err
	}
	if !m.Partial && (d.method != methodNone || d.answered) {
		d.refusals++
	}
	d.allowed, d.answered = m.Continue, true
	return Answer{Partial: m.Partial, Continue: m.Continue}, nil
}

// show takes an SSH_MSG_USERAUTH_BANNER.
func (d *Dialog) show(p []byte) error {
	m, err := wire.ParseUserauthBanner(p)
	if err != nil {
		return &ProtocolError{What: wire.NumberUserauthBanner.String(), Err: err}
	}
	d.banners++
	d.text += len(m.Message)
	if d.banners > maxBanners || d.text > maxBannerBytes {
		return &ProtocolError{What: fmt.Sprintf("more than %d banners or %d bytes of them", maxBanners, maxBannerBytes)}
	}
	if d.banner != nil {
		d.banner(m.Message)
	}
	return nil
}

// Sign has s sign a "publickey" request of this user in this session with the
// algorithm named, one of its Algorithms (RFC 4252, section 7). It returns the
// encoded [hostkey.Signature], which the caller owns.
func (d *Dialog) Sign(ctx context.Context, s hostkey.Signer, algorithm string) ([]byte, error) {
	return d.sign(ctx, s, &signed{user: d.user, service: d.service, algorithm: algorithm, key: s.PublicKey().Marshal()})
}

// sign has s sign a request of this session.
func (d *Dialog) sign(ctx context.Context, s hostkey.Signer, request *signed) ([]byte, error) {
	return d.signData(ctx, s, request.algorithm, request.data)
}

// signData has s sign what data returns for the session.
func (d *Dialog) signData(ctx context.Context, s hostkey.Signer, algorithm string, data func(session []byte) []byte) ([]byte, error) {
	if len(d.binding.SessionID) == 0 {
		return nil, errNoSession
	}
	if !d.maySign(algorithm) {
		return nil, fmt.Errorf("algorithm %q is not one to sign with: it signs over SHA-1, or Client.Algorithms lacks it", algorithm)
	}
	format, err := hostkey.SignatureFormat(s.PublicKey(), algorithm)
	if err != nil && hostkey.KeyType(algorithm) != "" {
		return nil, err
	}
	if err != nil {
		format = algorithm // the signer knows more algorithms than package hostkey
	}
	sig, err := s.Sign(ctx, algorithm, data(d.binding.SessionID))
	if err != nil {
		return nil, err
	}
	// An agent too old for RFC 8332 signs with SHA-1 whatever it is asked for.
	if sig == nil || sig.Algorithm != format {
		return nil, fmt.Errorf("the signer does not sign with %q as it was asked to", algorithm)
	}
	return sig.Append(nil), nil
}

// An Answer is the server's reaction to a message. The zero Answer stands for
// none.
type Answer struct {
	OK       bool     // the user is in
	Partial  bool     // right, but more is wanted
	Continue []string // after a refusal or partial success, the methods that may go on
	Message  []byte   // a method-specific message, number first; valid until the next message is read
}
