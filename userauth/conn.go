package userauth

import (
	"fmt"
	"net"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A Conn is what this layer needs of the one below: packets, in order.
type Conn interface {
	// ReadPacket returns the next payload for this layer, valid until the
	// next call.
	ReadPacket() ([]byte, error)
	// WritePacket sends one packet, its payload the concatenation of parts,
	// which it does not keep.
	WritePacket(parts ...[]byte) error
	// Unimplemented answers the packet last read with SSH_MSG_UNIMPLEMENTED.
	Unimplemented() error
}

// A Binding ties a dialogue to its transport. A zero Binding neither signs nor
// verifies.
type Binding struct {
	// SessionID is the session identifier, which every signature covers.
	SessionID []byte
	// Algorithms are the signature algorithms that the server takes, as its
	// server-sig-algs extension says (RFC 8308, section 3.1). On a client nil
	// says that there was none, and a name for keys stands for certificates as
	// well; on a server nil stands for hostkey.Default, and each name for itself.
	Algorithms []string
	// KeyFormats are formats of keys that package hostkey does not know, and
	// that a server takes.
	KeyFormats []hostkey.Format
	// HostKey is the key that the server proved itself with in the first key
	// exchange, encoded. A server needs it to take signatures that are bound
	// to it (OpenSSH PROTOCOL, section 3.1), and has it announced that it does
	// with [HostBoundExtension]; a client needs it to make them.
	HostKey []byte
	// HostBound says on a client that the server takes such signatures.
	HostBound bool
	// RemoteAddr is the client's address on a server, or nil: for checks that
	// look at it.
	RemoteAddr net.Addr
	// Relearn, unless nil, sets Algorithms and HostBound anew. A client calls
	// it before it signs and when a key was refused, while Algorithms is nil:
	// the extensions may have come behind a request that did not wait for
	// them. It must not wait.
	Relearn func(b *Binding)
}

// HostBoundExtension is the extension (RFC 8308) with which a server says, by
// the value "0", that it takes signatures bound to its host key (OpenSSH
// PROTOCOL, section 3.1).
const HostBoundExtension = "publickey-hostbound@openssh.com"

// The names of methods, and of the one service that authentication is for.
const (
	methodNone        = "none"
	methodPublicKey   = "publickey"
	methodHostBound   = "publickey-hostbound-v00@openssh.com" // a form of publickey
	methodPassword    = "password"
	methodInteractive = "keyboard-interactive"
	methodHostbased   = "hostbased"
	methodGSSAPI      = "gssapi-with-mic"

	connectionService = "ssh-connection"
)

// maxUnknown bounds the messages of unknown number that one dialogue answers.
const maxUnknown = 64

// A reader reads messages, and answers those nobody knows.
type reader struct {
	conn    Conn
	unknown int
}

// next returns the next message and its number.
func (r *reader) next() (wire.Number, []byte, error) {
	for {
		p, err := r.conn.ReadPacket()
		if err != nil {
			return 0, nil, err
		}
		if len(p) == 0 {
			return 0, nil, &ProtocolError{What: "empty message"}
		}
		n := wire.Number(p[0])
		if !unassigned(n) {
			return n, p, nil
		}
		if r.unknown++; r.unknown > maxUnknown {
			return 0, nil, &ProtocolError{What: fmt.Sprintf("more than %d unknown messages", maxUnknown)}
		}
		// RFC 4253, section 11.4: "An implementation MUST respond to all
		// unrecognized messages with an SSH_MSG_UNIMPLEMENTED message".
		if err := r.conn.Unimplemented(); err != nil {
			return 0, nil, err
		}
	}
}

// unassigned reports whether n is a number that neither this layer nor one
// above it gives a meaning. Numbers below 50 are the transport's.
func unassigned(n wire.Number) bool {
	switch n.Layer() {
	case wire.Userauth:
		return n > wire.NumberUserauthBanner
	case wire.Reserved, wire.Local:
		return n != 0
	}
	return false
}
