package fuzz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

// errStop ends a method where the script wants it to.
var errStop = errors.New("fuzz: stopped")

// Exchange runs the key exchange method that the KEXINITs agree on, up to and
// without NEWKEYS.
func (p *Peer) Exchange() { p.exchange(0) }

// ExchangeUntil runs the key exchange method until it is about to send a message
// with number n. It returns the payload of that message, which is not sent, and
// nil if the script has failed. The exchange cannot be resumed.
func (p *Peer) ExchangeUntil(n wire.Number) []byte { return p.exchange(n) }

func (p *Peer) exchange(until wire.Number) []byte {
	if !p.agree() {
		return nil
	}
	c := &exchangeConn{peer: p, until: until}
	t := kex.Transcript{
		ClientVersion: []byte(p.Versions[client]), ServerVersion: []byte(p.Versions[server]),
		ClientInit: p.inits[client], ServerInit: p.inits[server],
	}
	result, err := p.runMethod(c, &t)
	switch {
	case errors.Is(err, errStop):
		return c.due
	case err != nil:
		p.fail(fmt.Sprintf("a key exchange with %s", p.agreed.method.Name()), fmt.Sprintf("an error: %v", err), err)
		return nil
	}
	p.HostKey = result.HostKey
	if p.SessionID == nil {
		p.SessionID = result.H
	}
	p.prepareKeys(result)
	return nil
}

// runMethod runs our half of the method agreed on.
func (p *Peer) runMethod(c kex.Conn, t *kex.Transcript) (*kex.Result, error) {
	if p.role == client {
		return p.agreed.method.Client(c, t)
	}
	signer := p.Config.HostKey
	if signer == nil {
		return nil, errors.New("fuzz: Config.HostKey is nil: a server must have one")
	}
	sign := func(h []byte) ([]byte, error) {
		signature, err := signer.Sign(context.Background(), p.agreed.hostKey, h)
		if err != nil {
			return nil, err
		}
		return signature.Append(nil), nil
	}
	return p.agreed.method.Server(c, t, kex.Identity{HostKey: signer.PublicKey().Marshal(), Sign: sign})
}

// prepareKeys derives the keys of both directions (RFC 4253, section 7.2), for
// NEWKEYS to put in force.
func (p *Peer) prepareKeys(result *kex.Result) {
	var keys [2]cipher.Keys
	for sender, tags := range [2][3]byte{client: {'A', 'C', 'E'}, server: {'B', 'D', 'F'}} {
		to := p.agreed.protect[sender]
		keys[sender] = cipher.Keys{
			IV:  result.Key(tags[0], p.SessionID, to.mode.IVSize),
			Key: result.Key(tags[1], p.SessionID, to.mode.KeySize),
			MAC: result.Key(tags[2], p.SessionID, to.mac.KeySize),
		}
	}
	ours, theirs := p.agreed.protect[p.role], p.agreed.protect[1-p.role]
	var sealErr, openErr error
	p.nextSealer, sealErr = ours.mode.NewSealer(keys[p.role], ours.mac)
	p.nextOpener, openErr = theirs.mode.NewOpener(keys[1-p.role], theirs.mac)
	if err := errors.Join(sealErr, openErr); err != nil {
		p.fail("keys", fmt.Sprintf("an error: %v", err), err)
	}
}

// SwitchKeys sends NEWKEYS, puts our keys in force and waits for the other side's.
func (p *Peer) SwitchKeys() {
	p.SendNewKeys()
	p.ExpectNewKeys()
}

// SendNewKeys sends NEWKEYS and puts our keys in force behind it, with sequence
// number 0 if key exchange is strict. Send of a NEWKEYS changes nothing.
func (p *Peer) SendNewKeys() {
	if p.err == nil && p.nextSealer == nil {
		p.fail("keys to switch to", "none: the script has to exchange some", nil)
	}
	if p.err != nil {
		return
	}
	p.step((&wire.NewKeys{}).Append(nil))
	p.Sealer, p.nextSealer = p.nextSealer, nil
	if p.Strict {
		p.SendSequence = 0
	}
	p.ourSet, p.peerSet = false, false
}

// ExpectNewKeys waits for NEWKEYS. What comes behind it is read with the new keys.
func (p *Peer) ExpectNewKeys() { p.Expect(wire.NumberNewKeys) }

// An exchangeConn is the kex.Conn of a method.
type exchangeConn struct {
	peer  *Peer
	until wire.Number // stop before this one is sent, unless 0
	due   []byte      // its payload
}

// ReadPacket returns the next message of the exchange.
func (c *exchangeConn) ReadPacket() ([]byte, error) {
	p := c.peer
	for deadline := time.Now().Add(p.timeout()); ; {
		payload, err := p.read(deadline)
		switch {
		case err != nil:
			return nil, err
		case wire.Number(payload[0]) == wire.NumberIgnore, wire.Number(payload[0]) == wire.NumberDebug:
		case wire.Number(payload[0]).Layer() != wire.KeyExchange:
			return nil, fmt.Errorf("fuzz: not a message of the exchange: %s", wire.Describe(payload))
		case p.dropGuess:
			p.dropGuess = false
		default:
			return payload, nil
		}
	}
}

// WritePacket sends a message of the exchange.
func (c *exchangeConn) WritePacket(parts ...[]byte) error {
	payload := slices.Concat(parts...)
	if c.until != 0 && wire.Number(payload[0]) == c.until {
		c.due = payload
		return errStop
	}
	c.peer.step(payload)
	return nil
}
