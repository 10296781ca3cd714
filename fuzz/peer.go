package fuzz

import (
	"net"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// A Config says what a [Peer] offers. The zero Config offers everything that
// this module implements, insecure or not, and strict key exchange.
type Config struct {
	Software     string          // second part of the version string; "Fuzz" if empty
	KeyExchanges []kex.Method    // all there are if nil
	Ciphers      []cipher.Mode   // all there are if nil
	MACs         []mac.Algorithm // all there are if nil

	// HostKeyAlgorithms are offered by a client; all that package hostkey knows
	// if nil. A server offers those of HostKey.
	HostKeyAlgorithms []string
	HostKey           hostkey.Signer // server: required

	// NotStrict leaves the marker of strict key exchange out of the first
	// KEXINIT (draft-ietf-sshm-strict-kex).
	NotStrict bool

	// Offer, unless nil, may change each KEXINIT before it is sent. What it
	// does is part of the exchange hash, as it should be.
	Offer func(*wire.KexInit)

	// Timeout is how long to wait for whoever is under test, be it to say something
	// or to read; 10 seconds if zero.
	Timeout time.Duration
}

// A Peer is one end of an SSH connection whose other end is under test. Its
// exported fields belong to the script, which may change them between steps.
type Peer struct {
	Config Config

	// Sealer protects what is sent. SwitchKeys replaces it.
	Sealer cipher.Sealer

	// SendSequence and ReadSequence are the numbers of the next packet in each
	// direction.
	SendSequence, ReadSequence uint32

	SessionID []byte // H of the first exchange; nil before
	HostKey   []byte // K_S of the last exchange, which a client does not verify
	Strict    bool   // both sides asked for strict key exchange

	// Versions are the lines of client and server, without CR LF.
	Versions [2]string

	nc      net.Conn
	role    role
	in      inbound
	agreed  agreement
	peerSet bool // the other side's KEXINIT has come
	ourSet  bool // ours has been sent

	inits      [2][]byte // KEXINIT payloads, by role
	dropGuess  bool      // the next packet of the exchange was sent on a wrong guess
	nextSealer cipher.Sealer
	nextOpener cipher.Opener
	rewrites   map[wire.Number]func([]byte) []Message
	sent       journal
	err        error
}

// A role is who a Peer pretends to be.
type role byte

const (
	client role = iota
	server
)

// Client returns a Peer that plays the client to a server under test at the
// other end of nc, which it owns from then on. Nothing is sent before the script
// says so.
func Client(nc net.Conn, config Config) *Peer { return newPeer(nc, config, client) }

// Server returns a Peer that plays the server to a client under test at the
// other end of nc, which it owns from then on. Nothing is sent before the script
// says so.
func Server(nc net.Conn, config Config) *Peer { return newPeer(nc, config, server) }

func newPeer(nc net.Conn, config Config, r role) *Peer {
	sealer, opener := cipher.None()
	return &Peer{
		Config: config, Sealer: sealer, nc: nc, role: r,
		in:       inbound{opener: opener},
		rewrites: make(map[wire.Number]func([]byte) []Message),
	}
}

// Err returns the first expectation of the script that did not come true, as an
// [*Error], or nil.
func (p *Peer) Err() error { return p.err }

// Close closes the connection and returns Err.
func (p *Peer) Close() error {
	p.nc.Close()
	return p.err
}

func (p *Peer) timeout() time.Duration {
	if p.Config.Timeout > 0 {
		return p.Config.Timeout
	}
	return 10 * time.Second
}

// The lists of a Peer that is told nothing else.

func (c *Config) keyExchanges() []kex.Method {
	if c.KeyExchanges != nil {
		return c.KeyExchanges
	}
	return slices.Concat(kex.Default(), kex.Optional(), kex.Insecure())
}

func (c *Config) ciphers() []cipher.Mode {
	if c.Ciphers != nil {
		return c.Ciphers
	}
	return slices.Concat(cipher.Default(), cipher.Insecure())
}

func (c *Config) macs() []mac.Algorithm {
	if c.MACs != nil {
		return c.MACs
	}
	return slices.Concat(mac.Default(), mac.Insecure())
}

func (p *Peer) hostKeyAlgorithms() []string {
	switch {
	case p.role == server && p.Config.HostKey != nil:
		return p.Config.HostKey.Algorithms()
	case p.Config.HostKeyAlgorithms != nil:
		return p.Config.HostKeyAlgorithms
	}
	return slices.Concat(hostkey.Default(), hostkey.Insecure())
}
