package userauth

import (
	"errors"

	"github.com/whelk-ssh/whelk/wire"
)

// A signed is what the signature of a "publickey" request covers besides the
// session (RFC 4252, section 7). If hostKey is not nil, the request is bound to
// it (OpenSSH PROTOCOL, section 3.1).
type signed struct {
	user, service, algorithm string
	key, hostKey             []byte
}

// data returns the bytes to be signed in the session given:
//
//	string    session identifier
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name
//	string    service name
//	string    "publickey", or "publickey-hostbound-v00@openssh.com"
//	boolean   TRUE
//	string    public key algorithm name
//	string    public key to be used for authentication
//	string    server host key, if the request is bound to it
func (s *signed) data(session []byte) []byte {
	m := wire.UserauthRequest{User: s.user, Service: s.service, Method: methodPublicKey}
	if s.hostKey != nil {
		m.Method = methodHostBound
	}
	b := m.Append(wire.AppendString(nil, session))
	b = wire.AppendString(wire.AppendBool(b, true), s.algorithm)
	b = wire.AppendString(b, s.key)
	if s.hostKey != nil {
		b = wire.AppendString(b, s.hostKey)
	}
	return b
}

// errNoSession is what a zero [Binding] comes to.
var errNoSession = errors.New("userauth: there is no session identifier to sign over")
