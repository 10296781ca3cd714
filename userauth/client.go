package userauth

import (
	"context"
	"errors"
	"slices"
)

// A Client proves who the user is.
type Client struct {
	User    string
	Service string // the service to be let into; "ssh-connection" if empty

	// Methods are tried in order of preference, each once, except those that
	// the server does not allow. After a partial success all but None may be
	// tried again. A method listed twice is tried twice.
	Methods []Method

	// Algorithms are the signature algorithms that keys may sign with; if nil,
	// all but those over SHA-1. It takes a [hostkey.InsecureSHA1] besides to
	// sign with one of these.
	Algorithms []string

	// MaxTries is how many refusals the server is expected to stand before it
	// hangs up; 6 if zero, which is OpenSSH's MaxAuthTries. The last one is not
	// spent on a key while there is another method to try.
	MaxTries int

	// Banner, unless nil, is given each message the server wants shown
	// before the user is let in (RFC 4252, section 5.4), up to 32 of them
	// and 64 KiB in all. The text is the server's and may hold anything:
	// who prints it filters control characters.
	Banner func(message string)
}

// A Method is one way for a client to prove who it is. Implementations hold no
// state of a dialogue and are safe for concurrent use.
type Method interface {
	// Name returns the method's name, such as "publickey".
	Name() string
	// Authenticate tries the method and returns the last [Answer] to it, or
	// the zero Answer if there was nothing to send. An error is kept for the
	// [Error] that ends a dialogue without success, and does not keep the
	// client from the next method, unless it is a [*ProtocolError] or the
	// server has let the user in: so a method turns down a success that it
	// does not trust.
	Authenticate(ctx context.Context, d *Dialog) (Answer, error)
}

// Authenticate runs the dialogue until the server lets the user in. It fails
// with an [*Error] if no method succeeds, and with a [*ProtocolError] if the
// server misbehaves. Its first message does not wait for the server to say
// anything. The context is looked at before each message; the package comment
// says how to end a wait for the server.
func (c *Client) Authenticate(ctx context.Context, conn Conn, b Binding) error {
	if slices.Contains(c.Methods, nil) {
		return errors.New("userauth: a method of the client is nil")
	}
	d := newDialog(ctx, c, conn, b)
	d.left = slices.Clone(c.Methods)
	for {
		i := slices.IndexFunc(d.left, d.allows)
		if i < 0 {
			break
		}
		m := d.left[i]
		d.left = slices.Delete(d.left, i, i+1)
		answer, err := d.try(m)
		if err != nil || answer.OK {
			return err
		}
		if answer.Partial {
			d.passed = append(d.passed, m.Name())
			d.left = slices.DeleteFunc(slices.Clone(c.Methods), isNone)
		}
	}
	if len(d.tried) == 0 {
		// No method had anything to say: ask what the server would take.
		if _, err := d.try(probe{}); err != nil {
			return err
		}
	}
	return d.failure()
}

// allows reports whether the server would listen to m, as far as is known.
func (d *Dialog) allows(m Method) bool {
	// RFC 4252, section 5.2: "none" "MUST NOT be listed as supported by the
	// server", so its absence says nothing.
	return !d.answered || isNone(m) || slices.Contains(d.allowed, m.Name())
}

func isNone(m Method) bool { return m.Name() == methodNone }
