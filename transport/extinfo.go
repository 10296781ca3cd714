package transport

import (
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Extensions that this package announces or uses.
const (
	extServerSigAlgs = "server-sig-algs"  // RFC 8308, section 3.1
	extPing          = "ping@openssh.com" // OpenSSH PROTOCOL, section 1.9
)

// What an EXT_INFO has at most.
const (
	maxExtensions = 64
	maxExtInfo    = 16 << 10 // bytes
)

// extInfo returns the EXT_INFO that a server sends behind its first NEWKEYS,
// if the client said that it wants one (RFC 8308, section 2.1).
func (c *Conn) extInfo() []byte {
	m := wire.ExtInfo{Extensions: []wire.Extension{
		{Name: extServerSigAlgs, Value: []byte(strings.Join(c.config.UserKeyAlgorithms, ","))},
		{Name: extPing, Value: []byte("0")},
	}}
	m.Extensions = append(m.Extensions, c.config.Announce...)
	return m.Append(nil)
}

// takeExtInfo remembers what the peer can do. A later message replaces what an
// earlier one said (RFC 8308, section 2.4).
func (c *Conn) takeExtInfo(payload []byte) error {
	if len(payload) > maxExtInfo {
		return protocolErrorf("EXT_INFO of %d bytes", len(payload))
	}
	m, err := wire.ParseExtInfo(payload)
	if err != nil {
		return protocolErrorf("EXT_INFO: %w", err)
	}
	if len(m.Extensions) > maxExtensions {
		return protocolErrorf("EXT_INFO with %d extensions", len(m.Extensions))
	}
	extensions := make(map[string][]byte, len(m.Extensions))
	for _, e := range m.Extensions {
		extensions[e.Name] = append([]byte(nil), e.Value...)
	}
	c.updateState(func(s *State) { s.Extensions = extensions })
	return nil
}

// ServerSigAlgs returns the signature algorithms the server takes from users
// (RFC 8308, section 3.1), or nil if it has not said.
func (s *State) ServerSigAlgs() []string {
	list := s.Extensions[extServerSigAlgs]
	if len(list) == 0 {
		return nil
	}
	return strings.Split(string(list), ",")
}

// takePing answers a PING (OpenSSH PROTOCOL, section 1.9). Before
// authentication it does not: nobody is to make us work for nothing.
func (c *Conn) takePing(payload []byte) error {
	m, err := wire.ParsePing(payload)
	if err != nil {
		return protocolErrorf("PING: %w", err)
	}
	if !c.authenticated.Load() {
		return nil
	}
	pong := wire.Pong(m)
	return c.Enqueue(pong.Append(nil))
}
