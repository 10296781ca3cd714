package fuzz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// userauthService is the service of RFC 4252.
const userauthService = "ssh-userauth"

// RequestService asks the server for the authentication service and waits until
// it has accepted (RFC 4253, section 10).
func (p *Peer) RequestService() {
	p.step((&wire.ServiceRequest{Name: userauthService}).Append(nil))
	p.Expect(wire.NumberServiceAccept)
}

// Login asks for the authentication service and has package userauth prove who
// the user is, honestly.
func (p *Peer) Login(user string, methods ...userauth.Method) {
	p.RequestService()
	if p.err != nil {
		return
	}
	c := userauth.Client{User: user, Methods: methods}
	if err := c.Authenticate(context.Background(), p, userauth.Binding{SessionID: p.SessionID, HostKey: p.HostKey}); err != nil {
		p.fail(wire.NumberUserauthSuccess.String(), fmt.Sprintf("an error: %v", err), err)
	}
}

// AcceptService waits for the client to ask for the authentication service, and
// accepts.
func (p *Peer) AcceptService() {
	if p.Expect(wire.NumberServiceRequest) != nil {
		p.step((&wire.ServiceAccept{Name: userauthService}).Append(nil))
	}
}

// Admit accepts the authentication service and lets in whoever asks first, with
// whatever it is that they prove.
func (p *Peer) Admit() {
	p.AcceptService()
	if p.Expect(wire.NumberUserauthRequest) != nil {
		p.step((&wire.UserauthSuccess{}).Append(nil))
	}
}

// ReadPacket makes a Peer a userauth.Conn. It returns the next payload of that
// layer.
func (p *Peer) ReadPacket() ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	for deadline := time.Now().Add(p.timeout()); ; {
		payload, err := p.read(deadline)
		switch {
		case err != nil:
			return nil, err
		case wire.Number(payload[0]) == wire.NumberDisconnect:
			return nil, errors.New(wire.Describe(payload))
		case wire.Number(payload[0]).Layer() != wire.TransportGeneric:
			return payload, nil
		}
	}
}

// WritePacket makes a Peer a userauth.Conn. It sends one message as a step does.
func (p *Peer) WritePacket(parts ...[]byte) error {
	if payload := slices.Concat(parts...); len(payload) > 0 {
		p.step(payload)
	}
	return p.err
}

// Unimplemented answers the packet last read (RFC 4253, section 11.4).
func (p *Peer) Unimplemented() error {
	p.Send(&wire.Unimplemented{Sequence: p.ReadSequence - 1})
	return p.err
}
