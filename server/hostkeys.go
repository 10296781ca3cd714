package server

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Global requests by which a server announces its keys, and proves that it has
// them (OpenSSH PROTOCOL, section 2.5; draft-miller-sshm-hostkey-update).
const (
	announceRequest = "hostkeys-00@openssh.com"
	proveRequest    = "hostkeys-prove-00@openssh.com"
)

// Bounds of what a client may have us sign.
const (
	maxProofs      = 16 // keys in one request
	maxTotalProofs = 64 // keys in all requests of a connection
)

// plainKeys returns the host keys that are no certificates, each once: those
// that a client can remember.
func (c *Conn) plainKeys() []hostkey.Signer {
	var keys []hostkey.Signer
	for _, s := range c.server.transportConfig().HostKeys {
		if _, certificate := s.PublicKey().(*hostkey.Certificate); !certificate && signerOf(keys, s.PublicKey().Marshal()) == nil {
			keys = append(keys, s)
		}
	}
	return keys
}

// signerOf returns the one of keys with the blob, or nil.
func signerOf(keys []hostkey.Signer, blob []byte) hostkey.Signer {
	i := slices.IndexFunc(keys, func(s hostkey.Signer) bool { return bytes.Equal(s.PublicKey().Marshal(), blob) })
	if i < 0 {
		return nil
	}
	return keys[i]
}

// unfit are the clients that do not bear an announcement, by how their versions
// begin.
var unfit = []string{
	"SSH-2.0-Cisco-1.",
	"SSH-2.0-TTSSH/1.", "SSH-2.0-TTSSH/2.1", "SSH-2.0-TTSSH/2.2", "SSH-2.0-TTSSH/2.3", "SSH-2.0-TTSSH/2.4",
	"SSH-2.0-TTSSH/2.5", "SSH-2.0-TTSSH/2.6", "SSH-2.0-TTSSH/2.70", "SSH-2.0-TTSSH/2.71", "SSH-2.0-TTSSH/2.72",
}

// announceKeys tells the client which host keys there are, so that it knows
// them before another is taken away.
//
//	byte      SSH_MSG_GLOBAL_REQUEST
//	string    "hostkeys-00@openssh.com"
//	boolean   FALSE
//	string[]  host keys
func (c *Conn) announceKeys() error {
	version := c.transport.State().ClientVersion
	if slices.ContainsFunc(unfit, func(prefix string) bool { return strings.HasPrefix(version, prefix) }) {
		return nil
	}
	var payload []byte
	for _, s := range c.plainKeys() {
		payload = wire.AppendString(payload, s.PublicKey().Marshal())
	}
	if payload == nil {
		return nil
	}
	return c.mux.Notify(announceRequest, payload)
}

// proveKeys answers a client that wants to know whether we have the keys it
// names: with a signature for each, in the same order. It is one of the
// functions that serve global requests.
func (c *Conn) proveKeys(ctx context.Context, r *connection.Request) {
	keys := c.named(r.Payload)
	if c.proofs += len(keys); c.proofs > maxTotalProofs {
		return // which refuses
	}
	var reply []byte
	for _, key := range keys {
		signature, err := c.proof(ctx, key)
		if err != nil {
			c.log.Warn("a host key cannot be proved", "type", key.PublicKey().Type(), "err", err)
			return
		}
		reply = wire.AppendString(reply, signature.Append(nil))
	}
	if len(keys) > 0 {
		r.Reply(true, reply)
	}
}

// named returns the keys in a request, or nil if there are too many, one is
// not ours or one is there twice.
func (c *Conn) named(payload []byte) (keys []hostkey.Signer) {
	ours := c.plainKeys()
	r := wire.NewReader(payload)
	for r.Len() > 0 && r.Err() == nil {
		blob := r.Blob()
		key := signerOf(ours, blob)
		if key == nil || len(keys) == maxProofs || signerOf(keys, blob) != nil {
			return nil
		}
		keys = append(keys, key)
	}
	if r.End() != nil {
		return nil
	}
	return keys
}

// proof signs for a key, in this session and no other.
//
//	string    "hostkeys-prove-00@openssh.com"
//	string    session identifier
//	string    host key
func (c *Conn) proof(ctx context.Context, key hostkey.Signer) (*hostkey.Signature, error) {
	state := c.transport.State()
	signed := wire.AppendString(nil, proveRequest)
	signed = wire.AppendString(signed, state.SessionID)
	signed = wire.AppendString(signed, key.PublicKey().Marshal())
	return key.Sign(ctx, c.proofAlgorithm(key, state.HostKeyAlgorithm), signed)
}

// proofAlgorithm returns how a key signs: as was agreed on if it can, since
// that is sure to suit, or as it would have if that had been.
func (c *Conn) proofAlgorithm(key hostkey.Signer, agreed string) string {
	for _, name := range append([]string{agreed}, c.server.Transport.HostKeyAlgorithms...) {
		if slices.Contains(key.Algorithms(), name) {
			return name
		}
	}
	return key.Algorithms()[0]
}
