package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// An exchange is one key exchange, from the peer's KEXINIT to its NEWKEYS. The
// reader runs it from top to bottom. It is the kex.Conn of its method.
type exchange struct {
	conn       *Conn
	ctx        context.Context
	first      bool
	choice     choice
	transcript kex.Transcript
	dropGuess  bool // the peer's next packet was sent on a wrong guess
	result     *kex.Result
	hostKey    hostkey.PublicKey
	extInfo    bool // the peer wants to know our extensions

	guessedRight bool // both sides prefer the same method and host key
}

// run is what follows the negotiation.
func (x *exchange) run() error {
	if err := x.agree(); err != nil {
		return err
	}
	return x.conclude()
}

// conclude checks what was agreed on and puts the new keys in force.
func (x *exchange) conclude() error {
	if x.conn.role == client {
		if err := x.verify(); err != nil {
			return err
		}
	}
	if err := x.sendNewKeys(); err != nil {
		return err
	}
	if err := x.readNewKeys(); err != nil {
		return err
	}
	x.finish()
	return nil
}

// negotiate sends our KEXINIT, if the exchange was the peer's idea, and finds
// what the two have in common.
func (x *exchange) negotiate(peerInit []byte) error {
	c := x.conn
	theirs, err := wire.ParseKexInit(peerInit)
	if err != nil {
		return protocolErrorf("KEXINIT: %w", err)
	}
	if theirs.Reserved != 0 {
		return protocolErrorf("KEXINIT: reserved field is %d", theirs.Reserved)
	}
	ourInit, _ := c.out.beginExchange(c.kexInit(false))
	ours, err := wire.ParseKexInit(ourInit)
	if err != nil {
		return err
	}
	inits, parsed := [2][]byte{ourInit, peerInit}, [2]*wire.KexInit{&ours, &theirs}
	if c.role == server {
		inits[0], inits[1], parsed[0], parsed[1] = inits[1], inits[0], parsed[1], parsed[0]
	}
	x.transcript = kex.Transcript{
		ClientVersion: []byte(c.versions[client]), ServerVersion: []byte(c.versions[server]),
		ClientInit: inits[0], ServerInit: inits[1],
	}
	if err := x.enterPhase(&theirs); err != nil {
		return err
	}
	x.guessedRight = guessedRight(parsed[0], parsed[1])
	x.dropGuess = theirs.FirstFollows && !x.guessedRight
	x.choice, err = negotiate(parsed[0], parsed[1], c.config.isAEAD)
	return c.ownView(err)
}

// ownView makes a NegotiationError speak of our offer and the peer's.
func (c *Conn) ownView(err error) error {
	var n *NegotiationError
	if !errors.As(err, &n) {
		return err
	}
	if c.role == server {
		n.Ours, n.Theirs = n.Theirs, n.Ours
	}
	return &Error{Reason: ReasonKeyExchangeFailed, Err: n}
}

// enterPhase decides which messages the peer may send from here on.
func (x *exchange) enterPhase(theirs *wire.KexInit) error {
	c := x.conn
	if !x.first {
		c.phase = phaseAgain
		return nil
	}
	strictMarker, extMarker := strictServer, extInfoServer
	if c.role == server {
		strictMarker, extMarker = strictClient, extInfoClient
	}
	x.extInfo = slices.Contains(theirs.KeyExchanges, extMarker)
	c.strict = slices.Contains(theirs.KeyExchanges, strictMarker) // we always ask for it
	c.phase = phaseFirst
	if c.strict {
		c.phase = phaseFirstStrict
		// draft-ietf-sshm-strict-kex: KEXINIT must have been the first packet.
		if c.in.seq != 1 {
			return protocolErrorf("strict key exchange: KEXINIT was packet %d, not the first", c.in.seq-1)
		}
	}
	return nil
}

// agree runs the method.
func (x *exchange) agree() (err error) {
	c := x.conn
	method := c.config.method(x.choice.keyExchange)
	if c.role == client {
		x.result, err = method.Client(x, &x.transcript)
		return kexFailure(err)
	}
	signer := c.config.hostKey(x.choice.hostKey)
	identity := kex.Identity{HostKey: signer.PublicKey().Marshal(), Sign: func(h []byte) ([]byte, error) {
		signature, err := signer.Sign(x.ctx, x.choice.hostKey, h)
		if err != nil {
			return nil, fmt.Errorf("transport: signing with the host key: %w", err)
		}
		return signature.Append(nil), nil
	}}
	x.hostKey = signer.PublicKey()
	x.result, err = method.Server(x, &x.transcript, identity)
	return kexFailure(err)
}

// kexFailure returns the error of an exchange that went wrong for a reason of
// the method's own, or nil if it did not.
func kexFailure(err error) error {
	var message *kex.MessageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &message):
		return asError(err, ReasonProtocolError)
	}
	return asError(err, ReasonKeyExchangeFailed)
}

// verify checks that the host key is the one it should be and that its owner
// signed this exchange (RFC 4253, section 8).
func (x *exchange) verify() error {
	c := x.conn
	key, err := hostkey.ParsePublicKey(x.result.HostKey, c.config.KeyFormats...)
	if err != nil {
		return kexFailure(fmt.Errorf("transport: host key: %w", err))
	}
	refuse := func(err error) error {
		return &Error{Reason: ReasonHostKeyNotVerifiable,
			Err: &HostKeyError{Host: c.config.Host.Name, Fingerprint: hostkey.Fingerprint(key), Err: err}}
	}
	signature, err := hostkey.ParseSignature(x.result.Signature)
	if err != nil {
		return refuse(err)
	}
	if format, err := hostkey.SignatureFormat(key, x.choice.hostKey); err != nil || signature.Algorithm != format {
		return refuse(fmt.Errorf("agreed on %s, got a key of type %q and a signature of type %q",
			x.choice.hostKey, key.Type(), signature.Algorithm))
	}
	if err := hostkey.Verify(key, x.choice.hostKey, x.result.H, signature); err != nil {
		return refuse(err)
	}
	x.hostKey = key
	if !x.first {
		// The first exchange decided whom we talk to. Another key now would be
		// another host.
		if !bytes.Equal(x.result.HostKey, c.hostKeyBlob) {
			return refuse(errors.New("the host key changed during the connection"))
		}
		return nil
	}
	if err := c.config.Verifier.VerifyHostKey(x.ctx, c.config.Host, key); err != nil {
		return refuse(err)
	}
	if err := x.ctx.Err(); err != nil {
		return refuse(err)
	}
	c.hostKeyBlob = bytes.Clone(x.result.HostKey)
	return nil
}

// protections returns what was agreed on for each direction, ours first.
func (x *exchange) protections() (send, recv Protection) {
	if x.conn.role == client {
		return x.choice.clientToServer, x.choice.serverToClient
	}
	return x.choice.serverToClient, x.choice.clientToServer
}

// sendNewKeys puts our new keys in force (RFC 4253, section 7.3).
func (x *exchange) sendNewKeys() error {
	c := x.conn
	if x.first {
		c.updateState(func(s *State) {
			s.SessionID, s.HostKeySignature = bytes.Clone(x.result.H), bytes.Clone(x.result.Signature)
		})
	}
	send, _ := x.protections()
	mode, algorithm := c.config.protection(send)
	sealer, err := mode.NewSealer(x.keys(c.role, mode, algorithm), algorithm)
	if err != nil {
		return kexFailure(err)
	}
	var extInfo []byte
	if x.first && x.extInfo && c.role == server {
		extInfo = c.extInfo()
	}
	return c.out.switchKeys(keySwitch{
		sealer: sealer, meter: c.config.meter(mode), resetSeq: c.strict, start: x.startOf(send.Compression),
	}, extInfo)
}

// readNewKeys waits for the peer's NEWKEYS and puts its keys in force. Not one
// byte behind it is decrypted with the old ones.
func (x *exchange) readNewKeys() error {
	c := x.conn
	_, recv := x.protections()
	mode, algorithm := c.config.protection(recv)
	opener, err := mode.NewOpener(x.keys(1-c.role, mode, algorithm), algorithm)
	if err != nil {
		return kexFailure(err)
	}
	payload, err := x.read()
	if err != nil {
		return err
	}
	if _, err := wire.ParseNewKeys(payload); err != nil {
		return wantedMessage(wire.NumberNewKeys, wire.Number(payload[0]))
	}
	c.in.install(opener, c.config.meter(mode))
	c.in.startInflating(x.startOf(recv.Compression))
	if c.strict {
		c.in.seq = 0 // at every NEWKEYS, for as long as the connection lasts
	}
	c.phase = phaseOpen
	c.firstAfter = x.first
	return nil
}

// keys derives the keys of the direction in which sender sends (RFC 4253,
// section 7.2).
func (x *exchange) keys(sender role, mode cipher.Mode, algorithm mac.Algorithm) cipher.Keys {
	tags := [2][3]byte{client: {'A', 'C', 'E'}, server: {'B', 'D', 'F'}}[sender]
	sessionID := x.conn.State().SessionID
	return cipher.Keys{
		IV:  x.result.Key(tags[0], sessionID, mode.IVSize),
		Key: x.result.Key(tags[1], sessionID, mode.KeySize),
		MAC: x.result.Key(tags[2], sessionID, algorithm.KeySize),
	}
}

// finish records the outcome and lets the next exchange begin.
func (x *exchange) finish() {
	c := x.conn
	finished := c.exchanges.Add(1)
	send, recv := x.protections()
	c.updateState(func(s *State) {
		s.KeyExchange, s.HostKeyAlgorithm, s.HostKey = x.choice.keyExchange, x.choice.hostKey, x.hostKey
		s.PostQuantum = kex.PostQuantum(c.config.method(x.choice.keyExchange))
		s.Send, s.Recv = send, recv
		s.StrictKeyExchange = c.strict
		s.KeyExchangesFinished = int(finished)
	})
	c.config.traceKeyExchange(c.State(), nil)
	if !x.first {
		c.alarms.clearTimeout()
		c.alarms.setRekey(c.config.Rekey.Interval, func() { c.rekey() })
	}
	if due := c.out.endExchange(); due && !x.first {
		c.rekey()
	}
}

// ReadPacket returns the next message of the method.
func (x *exchange) ReadPacket() ([]byte, error) {
	payload, err := x.read()
	if err == nil && x.dropGuess {
		// RFC 4253, section 7: exactly one packet was sent on the guess. It
		// counts as a packet, and as nothing else.
		x.dropGuess = false
		payload, err = x.read()
	}
	if err == nil && wire.Number(payload[0]).Layer() != wire.KeyExchange {
		err = protocolErrorf("%v before the key exchange method has ended", wire.Number(payload[0]))
	}
	return payload, err
}

// WritePacket sends a message of the method.
func (x *exchange) WritePacket(parts ...[]byte) error { return x.conn.out.putNow(parts...) }

// read returns the next message of the exchange.
func (x *exchange) read() ([]byte, error) {
	for {
		payload, act, err := x.conn.readMessage()
		if err != nil {
			return nil, err
		}
		if act == expect {
			return payload, nil
		}
	}
}
