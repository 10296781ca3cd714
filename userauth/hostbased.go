package userauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A ClientHost is the machine that vouches for a user of the method "hostbased"
// (RFC 4252, section 9).
type ClientHost struct {
	// Name is what the client says the machine is called, and User what it
	// says the user's name there is. On a server they are claims: whoever
	// holds a key can sign any name.
	Name, User string
	// Key is one the machine has, and on a server the one it has proved to
	// have. Who trusts a Name knows the Key to be that machine's.
	Key hostkey.PublicKey
}

// Hostbased returns the method "hostbased" (RFC 4252, section 9): the machine
// that the client runs on says with its host keys, tried in order, that it is
// host and the user is user there. The host is a name that the server knows it
// by. Only a program that the machine trusts can read those keys.
func Hostbased(host, user string, keys ...hostkey.Signer) Method {
	return hostbased{host, user, keys}
}

type hostbased struct {
	host, user string
	keys       []hostkey.Signer
}

func (hostbased) Name() string { return methodHostbased }

func (m hostbased) Authenticate(ctx context.Context, d *Dialog) (last Answer, err error) {
	var errs []error
	if len(m.keys) == 0 {
		return Answer{}, errors.New("there are no host keys")
	}
	for _, key := range m.keys {
		if key == nil {
			return last, errors.Join(append(errs, errors.New("one of the host keys is nil"))...)
		}
		answer, err := m.vouch(ctx, d, key)
		if d.err != nil {
			return Answer{}, d.err
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("host key %s: %w", hostkey.Fingerprint(key.PublicKey()), err))
			continue
		}
		last = answer
		if answer.OK || answer.Partial {
			break
		}
	}
	return last, errors.Join(errs...)
}

// vouch sends a request that key signs.
func (m hostbased) vouch(ctx context.Context, d *Dialog, key hostkey.Signer) (Answer, error) {
	algorithm, ok := d.choose(key)
	if !ok {
		return Answer{}, fmt.Errorf("it signs with %q, of which the server takes none", key.Algorithms())
	}
	fields := wire.HostbasedFields{
		Algorithm: algorithm, Key: key.PublicKey().Marshal(), Host: m.host, User: m.user,
	}
	var err error
	fields.Signature, err = d.signData(ctx, key, algorithm, hostbasedData(d.user, d.service, &fields))
	if err != nil {
		return Answer{}, err
	}
	answer, err := d.Request(fields.Append(nil))
	if err == nil && answer.Message != nil {
		err = d.end(unexpected(methodHostbased, answer))
	}
	return answer, err
}

// hostbasedData returns what makes the bytes to be signed in a session:
//
//	string    session identifier
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name
//	string    service name
//	string    "hostbased"
//	string    public key algorithm for host key
//	string    public host key and certificates for client host
//	string    client host name expressed as the FQDN in US-ASCII
//	string    user name on the client host in ISO-10646 UTF-8 encoding
func hostbasedData(user, service string, m *wire.HostbasedFields) func(session []byte) []byte {
	return func(session []byte) []byte {
		request := wire.UserauthRequest{User: user, Service: service, Method: methodHostbased}
		b := request.Append(wire.AppendString(nil, session))
		b = wire.AppendString(wire.AppendString(b, m.Algorithm), m.Key)
		return wire.AppendString(wire.AppendString(b, m.Host), m.User)
	}
}

// CheckHostbased returns a check of the method "hostbased" (RFC 4252,
// section 9). It calls f once the key has signed the request, so that f knows
// who has the key and nothing else: it decides whether the key is that of the
// machine named, whether that machine may be where [Binding.RemoteAddr] is, and
// whether it is trusted to say who its users are. A dot at the end of the name
// is taken away. The Attempt is valid until f returns.
func CheckHostbased(f func(ctx context.Context, a *Attempt, c ClientHost) (Decision, error)) Check {
	return hostbasedCheck{f}
}

type hostbasedCheck struct {
	f func(ctx context.Context, a *Attempt, c ClientHost) (Decision, error)
}

func (hostbasedCheck) Method() string { return methodHostbased }

func (c hostbasedCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := wire.ParseHostbasedFields(a.fields)
	if err != nil {
		return Decision{}, a.violation(err)
	}
	if c.f == nil {
		return Decision{}, errNoFunction
	}
	if err := checkUser(m.User); err != nil {
		return Decision{}, fmt.Errorf("on the client's host: %w", err)
	}
	key, err := a.binding.parseKey(m.Algorithm, m.Key)
	if err != nil {
		return Decision{}, err
	}
	if _, err := a.binding.verify(key, m.Algorithm, m.Signature, hostbasedData(a.User, a.Service, &m)); err != nil {
		return Decision{}, err
	}
	host := ClientHost{Name: strings.TrimSuffix(m.Host, "."), User: m.User, Key: key}
	if !isHostName(host.Name) {
		return Decision{}, fmt.Errorf("userauth: the client's host name %.64q is none", host.Name)
	}
	return c.f(ctx, a, host)
}

// isHostName reports whether name has only signs that names and addresses of
// hosts have.
func isHostName(name string) bool {
	if name == "" || len(name) > maxHostName {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':':
		default:
			return false
		}
	}
	return true
}

// maxHostName is the length in bytes of the longest name of a host (RFC 1035,
// section 2.3.4).
const maxHostName = 255
