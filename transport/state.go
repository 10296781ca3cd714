package transport

import (
	"maps"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A role is the part one end plays. Client and server share everything but
// who speaks first within a key exchange, and what each direction is called.
type role byte

const (
	client role = iota
	server
)

func (r role) String() string {
	if r == server {
		return "server"
	}
	return "client"
}

// State describes an established [Conn].
type State struct {
	SessionID            []byte // H of the first exchange (RFC 4253, section 7.2)
	ClientVersion        string // without CR and LF
	ServerVersion        string
	KeyExchange          string
	PostQuantum          bool // of KeyExchange, the latest: see kex.PostQuantum
	HostKeyAlgorithm     string
	HostKey              hostkey.PublicKey
	HostKeySignature     []byte // of SessionID by HostKey, encoded as in the first exchange
	Send, Recv           Protection
	Extensions           map[string][]byte // what the peer announced (RFC 8308)
	StrictKeyExchange    bool              // draft-ietf-sshm-strict-kex: both sides asked for it
	KeyExchangesFinished int
}

// Protection names the algorithms of one direction. MAC is empty when the
// cipher authenticates by itself.
type Protection struct{ Cipher, MAC, Compression string }

// State returns a copy of the connection's state. It is safe for concurrent
// use; before Handshake has returned it is incomplete.
func (c *Conn) State() State {
	c.stateMu.Lock()
	defer c.stateMu.Unlock()
	s := c.state
	s.SessionID = slices.Clone(s.SessionID)
	s.HostKeySignature = slices.Clone(s.HostKeySignature)
	s.Extensions = maps.Clone(s.Extensions)
	return s
}

// updateState changes the state under its lock.
func (c *Conn) updateState(change func(*State)) {
	c.stateMu.Lock()
	defer c.stateMu.Unlock()
	change(&c.state)
}
