package hostkey

import (
	"context"
	"net"
)

// A Host is the peer a client meant to reach.
type Host struct {
	Name string   // as dialed, host:port
	Addr net.Addr // as connected; nil when the connection has no such thing
}

// A Verifier decides whether a key may speak for a host.
// Package knownhosts provides the usual one.
type Verifier interface {
	// VerifyHostKey returns nil only if key may speak for host.
	VerifyHostKey(ctx context.Context, host Host, key PublicKey) error
}

// A VerifierFunc is a function used as a Verifier.
type VerifierFunc func(ctx context.Context, host Host, key PublicKey) error

// VerifyHostKey calls f.
func (f VerifierFunc) VerifyHostKey(ctx context.Context, host Host, key PublicKey) error {
	return f(ctx, host, key)
}

// An AlgorithmChooser is a Verifier that knows which host key algorithms it
// could accept, so that the client can ask for those first.
type AlgorithmChooser interface {
	// HostKeyAlgorithms returns signature algorithms in order of preference,
	// or nil if any will do.
	HostKeyAlgorithms(host Host) []string
}
