package agent

import (
	"context"
	"crypto"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
)

// An Agent holds private keys and signs with them. Implementations are safe for
// concurrent use.
type Agent interface {
	// Keys lists the keys (RFC 9987, section 5.5). A locked agent has none.
	Keys(ctx context.Context) ([]Key, error)

	// Sign signs data with the private half of key, which may be a
	// certificate, and an algorithm that the key signs with, as
	// [hostkey.Signer] has them.
	Sign(ctx context.Context, key hostkey.PublicKey, algorithm string, data []byte) (*hostkey.Signature, error)

	// Add adds a key, or replaces it with its comment and constraints.
	Add(ctx context.Context, key AddedKey) error

	// Remove removes a key, and RemoveAll all keys.
	Remove(ctx context.Context, key hostkey.PublicKey) error
	RemoveAll(ctx context.Context) error

	// Lock makes the agent refuse all there is until Unlock is given the same
	// passphrase (RFC 9987, section 5.7).
	Lock(ctx context.Context, passphrase []byte) error
	Unlock(ctx context.Context, passphrase []byte) error
}

// A Connector is an [Agent] that treats each connection by itself: what it
// answers depends on what has been bound to the connection. A [Server] calls
// Connect for each.
type Connector interface {
	Connect() Binder
}

// A Binder is an [Agent] as one connection sees it.
type Binder interface {
	Agent
	// Bind tells the agent what the connection is about to be used for, for as
	// long as it lasts.
	Bind(ctx context.Context, b Binding) error
}

// A Binding ties the connection to an agent to an SSH session with a server
// (OpenSSH PROTOCOL.agent, section 1):
//
//	string    host key
//	string    session identifier
//	string    signature
//	bool      is forwarding
type Binding struct {
	HostKey   hostkey.PublicKey
	SessionID []byte
	Signature []byte // of SessionID by HostKey, as in the first key exchange
	Forwarded bool   // the connection is lent to the server, not used to log in to it
}

// A Key is one that an agent has.
type Key struct {
	// PublicKey is the public half, or a certificate of it. One of a format
	// that package hostkey does not know, or does not accept, can be removed
	// and verifies nothing.
	hostkey.PublicKey

	// Comment is what its owner calls it. It may hold anything.
	Comment string
}

// An AddedKey is a private key on its way into an agent, with constraints on
// its use. The constraints there are not are zero.
type AddedKey struct {
	// Key is the private key: an ed25519.PrivateKey, *ecdsa.PrivateKey or
	// *rsa.PrivateKey.
	Key crypto.Signer

	// Signer is the key instead, which then is nil. A [Keyring] takes any. To
	// an agent elsewhere go a [*hostkey.PrivateKey], and a [*hostkey.DeviceKey]
	// to an agent that talks to devices.
	Signer hostkey.Signer

	Certificate *hostkey.Certificate // of the key, which then is not added by itself
	Comment     string

	Lifetime     time.Duration // after which it is removed; rounded up to seconds
	Confirm      bool          // the user is asked each time that it is to sign
	Destinations []Destination // where it may be used, unless empty
}

// A Destination is a step that a key may take (OpenSSH PROTOCOL.agent, section
// 2). One from here to host a, and another from host a to host b, let it be
// used on a for b, if the agent is forwarded there.
//
//	string
//	  string    from
//	  string    to
//	  string    reserved
type Destination struct {
	From Hop // the zero Hop is the host of the agent
	To   Hop
}

// A Hop is one end of a [Destination].
//
//	string    user
//	string    host name
//	string    reserved
//	string    key blob, and
//	bool      is a CA, for each key
type Hop struct {
	// User is a pattern with "*" and "?" for the name of the user to log in
	// as; "" for any. From has none.
	User string

	Host string   // its name, as given by whoever added the key
	Keys []HopKey // any of which it may have
}

// A HopKey is a host's key, or that of an authority that certifies hosts.
type HopKey struct {
	Key hostkey.PublicKey
	CA  bool
}
