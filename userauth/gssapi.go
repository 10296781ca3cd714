package userauth

import (
	"bytes"
	"context"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// A GSSMechanism is a way to authenticate that is behind the Generic Security
// Service API (RFC 2743), such as Kerberos. This package speaks
// "gssapi-with-mic" (RFC 4462, section 3) and implements no mechanism.
type GSSMechanism struct {
	// OID names the mechanism: {1, 2, 840, 113554, 1, 2, 2} is Kerberos. It is
	// not SPNEGO's, which would negotiate a second time (RFC 4462, section 7.3).
	OID asn1.ObjectIdentifier
	// Start begins a context: on a client the initiator's, for the server that
	// is meant; on a server the acceptor's. Both ask for mutual authentication
	// and for the integrity of messages.
	Start func(ctx context.Context) (GSSContext, error)
}

// A GSSContext is one end of a security context that is being established. It
// is used by one goroutine, and closed in any case.
type GSSContext interface {
	// Step is GSS_Init_sec_context or GSS_Accept_sec_context: it takes the
	// peer's token, which is empty in a client's first step, and returns the
	// one to be sent, if any, and whether the context is established. With an
	// error may come a token that tells the peer. It does not keep token.
	Step(ctx context.Context, token []byte) (reply []byte, established bool, err error)
	// MIC is GSS_GetMIC, for an established context.
	MIC(message []byte) ([]byte, error)
	// VerifyMIC is GSS_VerifyMIC: it returns nil only if the peer made the MIC.
	VerifyMIC(message, mic []byte) error
	// Peer returns the name the peer has proved to have, such as
	// "alice@EXAMPLE.ORG", for an established context.
	Peer() string
	// Close forgets the context.
	Close() error
}

// maxTokens is how many tokens either end sends.
const maxTokens = 16

// spnego is the mechanism that must not be used (RFC 4462, section 7.3).
var spnego = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}

// encode returns the name of a mechanism as it is sent: "according to the ASN.1
// distinguished encoding rules (DER), [...] including the tag and length"
// (RFC 4462, section 3.2).
func (m *GSSMechanism) encode() ([]byte, error) {
	switch {
	case m.Start == nil:
		return nil, fmt.Errorf("GSS-API mechanism %v has no function to start it", m.OID)
	case m.OID.Equal(spnego):
		return nil, errors.New("GSS-API mechanism SPNEGO negotiates by itself, which RFC 4462 forbids")
	}
	oid, err := asn1.Marshal(m.OID)
	if err != nil {
		return nil, fmt.Errorf("GSS-API mechanism %v: %w", m.OID, err)
	}
	return oid, nil
}

// find returns the mechanism whose name is encoded as oid.
func find(mechanisms []GSSMechanism, oid []byte) (*GSSMechanism, error) {
	for i := range mechanisms {
		name, err := mechanisms[i].encode()
		if err != nil {
			return nil, err
		}
		if bytes.Equal(name, oid) {
			return &mechanisms[i], nil
		}
	}
	return nil, nil
}

// gssapiData returns what a MIC covers, and so what ties a context to a session
// (RFC 4462, section 3.5):
//
//	string    session identifier
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name
//	string    service
//	string    "gssapi-with-mic"
func gssapiData(session []byte, user, service string) []byte {
	m := wire.UserauthRequest{User: user, Service: service, Method: methodGSSAPI}
	return m.Append(wire.AppendString(nil, session))
}

// errNeither is what a mechanism comes to that is stuck.
var errNeither = errors.New("the GSS-API mechanism is not done and has no token to send")
