package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Handshake exchanges versions and keys and, on a client, verifies the host
// key. It must be called once, before anything else. When ctx ends first the
// connection fails with ctx's cause; once Handshake has returned, ctx no longer
// matters. On failure the connection is closed.
func (c *Conn) Handshake(ctx context.Context) error {
	if err := c.begin(); err != nil {
		c.Close()
		return err
	}
	unhook := context.AfterFunc(ctx, func() {
		c.stop(&Error{Reason: ReasonByApplication, Err: context.Cause(ctx)}, "")
	})
	defer unhook()
	if err := c.handshake(ctx); err != nil {
		err = c.fail(err)
		if c.wrongGuess {
			err = guessError(err)
		}
		c.config.traceKeyExchange(State{}, err)
		c.Close()
		return err
	}
	c.Flush() // our NEWKEYS
	return nil
}

// begin checks the configuration and lets the queue be sent.
func (c *Conn) begin() error {
	version, err := c.check()
	if err != nil {
		return err
	}
	c.stateMu.Lock()
	defer c.stateMu.Unlock()
	if c.started {
		return &Error{Reason: ReasonByApplication, Err: errors.New("transport: Handshake after Close or called twice")}
	}
	c.started = true
	c.versions[c.role] = version
	c.out.begin()
	return nil
}

// check refuses configurations that cannot work, or not safely.
func (c *Conn) check() (version string, err error) {
	switch {
	case c.role == client && c.config.Verifier == nil:
		return "", ErrNoVerifier
	case c.role == server && len(c.config.HostKeys) == 0:
		return "", ErrNoHostKey
	case c.role == server && len(c.config.HostKeyAlgorithms) == 0:
		return "", ErrNoAlgorithm
	}
	for _, name := range c.config.Compression {
		if !slices.Contains(Compressions(), name) {
			return "", fmt.Errorf("transport: Config.Compression has %q, which is none of %q", name, Compressions())
		}
	}
	if c.role == client {
		for _, name := range c.config.HostKeyAlgorithms {
			if !c.config.verifies(name) {
				return "", fmt.Errorf("transport: Config.HostKeyAlgorithms has %q, whose format is not among Config.KeyFormats", name)
			}
		}
	}
	return versionLine(c.config.Software)
}

// handshake is the first key exchange. Our version line and KEXINIT need
// nothing from the peer, and go out at once. A client sends the first packet of
// its preferred method with them.
func (c *Conn) handshake(ctx context.Context) error {
	x := &exchange{conn: c, ctx: ctx, first: true}
	if c.role == client && !c.config.DisableGuess && len(c.config.KeyExchanges) > 0 {
		if err := x.guess(); err != nil {
			return err
		}
		return x.conclude()
	}
	c.out.start(c.versions[c.role], c.kexInit(false))
	if err := x.meet(); err != nil {
		return err
	}
	return x.run()
}

// meet reads the peer's version line and KEXINIT.
func (x *exchange) meet() error {
	c, peer := x.conn, 1-x.conn.role
	version, err := c.in.readVersion(peer)
	if err != nil {
		return versionReason(err)
	}
	c.versions[peer] = version
	c.updateState(func(s *State) { s.ClientVersion, s.ServerVersion = c.versions[client], c.versions[server] })
	if c.config.Trace.Version != nil {
		c.config.Trace.Version(c.versions[c.role], version)
	}
	for {
		payload, act, err := c.readMessage()
		if err != nil {
			return err
		}
		if act == begin {
			return x.negotiate(bytes.Clone(payload))
		}
	}
}

// versionReason decides whether a peer is told that its version line is wrong:
// only if it may understand. Anything else is not SSH.
func versionReason(err error) error {
	var version *VersionError
	if errors.As(err, &version) && version.Err == nil && strings.HasPrefix(version.Line, "SSH-") {
		return &Error{Reason: ReasonVersionNotSupported, Err: err}
	}
	return &Error{Reason: ReasonConnectionLost, Err: err}
}

// typicalKexInit is enough for what we offer by default, in bytes.
const typicalKexInit = 2 << 10

// kexInit returns a fresh KEXINIT (RFC 4253, section 7.1). The first announces
// our extensions. firstFollows says that a guess comes behind it.
func (c *Conn) kexInit(firstFollows bool) []byte {
	m := wire.KexInit{
		FirstFollows:            firstFollows,
		HostKeys:                c.config.HostKeyAlgorithms,
		CompressionClientServer: c.config.Compression,
		CompressionServerClient: c.config.Compression,
	}
	rand.Read(m.Cookie[:])
	for _, method := range c.config.KeyExchanges {
		m.KeyExchanges = append(m.KeyExchanges, method.Name())
	}
	for _, mode := range c.config.Ciphers {
		m.CiphersClientServer = append(m.CiphersClientServer, mode.Name)
	}
	for _, algorithm := range c.config.MACs {
		m.MACsClientServer = append(m.MACsClientServer, algorithm.Name)
	}
	m.CiphersServerClient, m.MACsServerClient = m.CiphersClientServer, m.MACsClientServer
	if !c.authenticated.Load() { // the first: there is no other before that
		markers := [2][]string{client: {extInfoClient, strictClient}, server: {extInfoServer, strictServer}}
		m.KeyExchanges = append(m.KeyExchanges, markers[c.role]...)
	}
	return m.Append(make([]byte, 0, typicalKexInit))
}
