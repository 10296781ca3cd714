package kex

import "hash"

// A Method is a key exchange method. It is stateless: one value serves every
// connection, and its methods may be called concurrently.
type Method interface {
	// Name returns the method's name in SSH_MSG_KEXINIT.
	Name() string
	// Client runs the client's half of one exchange over c. It writes before
	// it reads, and does not look at t before its first ReadPacket has
	// returned. The caller verifies Result.Signature.
	Client(c Conn, t *Transcript) (*Result, error)
	// Server runs the server's half, proving possession of id. It too does not
	// look at t before its first ReadPacket has returned.
	Server(c Conn, t *Transcript, id Identity) (*Result, error)
}

// A Conn carries the messages of one exchange, numbered 30 to 49. Only one
// goroutine uses it. An error of either method ends the exchange and is
// returned by it unchanged.
type Conn interface {
	// ReadPacket returns the payload of the next message, which stays valid
	// until the next call.
	ReadPacket() ([]byte, error)
	// WritePacket sends a message whose payload is the concatenation of parts.
	// It does not keep them.
	WritePacket(parts ...[]byte) error
}

// A Transcript is what both sides said before the exchange: the version lines
// V_C and V_S without CR LF, and the payloads of SSH_MSG_KEXINIT I_C and I_S
// (RFC 4253, section 8). The exchange reads it only.
type Transcript struct{ ClientVersion, ServerVersion, ClientInit, ServerInit []byte }

// An Identity is the host key a server answers with.
type Identity struct {
	HostKey []byte // K_S, the public key blob
	// Sign signs the exchange hash h, which it must not change. The result is
	// an encoded signature (RFC 4253, section 6.6). An error ends the exchange
	// and can be found in the error that the exchange returns.
	Sign func(h []byte) (signature []byte, err error)
}

// A Result is the outcome of an exchange. Its owner is the caller, who clears
// K after deriving the last key.
type Result struct {
	Hash      func() hash.Hash // HASH of the method
	K         []byte           // the shared secret, encoded as it enters the hashes: mpint or string
	H         []byte           // the exchange hash; that of a connection's first exchange is its session identifier
	HostKey   []byte           // K_S, the public key blob; on a server, that of its Identity
	Signature []byte           // of H by HostKey; on a client, not verified yet
}
