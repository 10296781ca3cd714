package transport

import (
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// RequestService asks the server for a service (RFC 4253, section 10), such as
// "ssh-userauth". It does not wait for the answer: messages of the service may
// follow at once, and ReadPacket fails if the server accepts another service
// or speaks before it has accepted. Only the goroutine that reads may call it.
func (c *Conn) RequestService(name string) error {
	m := wire.ServiceRequest{Name: name}
	if err := c.Enqueue(m.Append(nil)); err != nil {
		return err
	}
	c.service = name
	return nil
}

// AcceptService waits for the client to ask for a service (RFC 4253, section
// 10), accepts it if it is one of names, and returns its name. Otherwise the
// connection ends with [ReasonServiceNotAvailable]. Only the goroutine that
// reads may call it.
func (c *Conn) AcceptService(names ...string) (string, error) {
	payload, err := c.readOpen()
	if err != nil {
		return "", c.fail(err)
	}
	m, err := wire.ParseServiceRequest(payload)
	if err != nil {
		return "", c.fail(wantedMessage(wire.NumberServiceRequest, wire.Number(payload[0])))
	}
	if !slices.Contains(names, m.Name) {
		return "", c.fail(&Error{Reason: ReasonServiceNotAvailable,
			Err: fmt.Errorf("transport: client asked for service %q, not one of %q", m.Name, names)})
	}
	c.accepted = m.Name
	accept := wire.ServiceAccept(m)
	if err := c.Enqueue(accept.Append(nil)); err != nil {
		return "", err
	}
	return m.Name, nil
}

// takeService deals with a service message that is no call's business. Some
// clients, such as Paramiko, ask for the authentication service ahead of each
// request they make of it; they are told the same again until it has ended.
func (c *Conn) takeService(payload []byte) error {
	if c.role == server {
		m, err := wire.ParseServiceRequest(payload)
		if err != nil || c.accepted == "" || m.Name != c.accepted || c.authenticated.Load() {
			return protocolErrorf("unexpected %s", wire.Describe(payload))
		}
		accept := wire.ServiceAccept(m)
		return c.Enqueue(accept.Append(nil))
	}
	m, err := wire.ParseServiceAccept(payload)
	if err != nil || c.service == "" || m.Name != c.service {
		return protocolErrorf("unexpected %s", wire.Describe(payload))
	}
	c.service = ""
	return nil
}
