package mac

// An Algorithm describes a MAC as negotiated in SSH_MSG_KEXINIT. The zero
// Algorithm authenticates nothing, and package cipher refuses it.
type Algorithm struct {
	Name    string
	KeySize int  // bytes of key material
	Size    int  // bytes of tag on the wire
	EtM     bool // authenticates ciphertext, with packet_length in the clear

	// New returns a MAC under key, which it does not keep. SSH derives KeySize
	// bytes of key (RFC 4253, section 7.2). HMAC itself takes any number; UMAC
	// panics if it gets another.
	New func(key []byte) MAC
}

// MaxData is the number of bytes that a MAC can be asked to authenticate at
// once, 64 times what any packet has. It is where UMAC would change to a second
// polynomial, modulo 2^128 - 159 (RFC 4418, section 5.3.1), which no packet
// needs and nothing here implements.
const MaxData = 1 << 24

// A MAC authenticates packets in one direction. It is not safe for concurrent use.
type MAC interface {
	// Append appends the tag of data, sent as packet number seq, to dst, and
	// returns the extended slice. Exactly Algorithm.Size bytes are appended.
	// data may be dst itself, so that the tag follows what it authenticates,
	// and may have MaxData bytes: with more, Append may panic. Both slices are
	// the caller's again when Append returns.
	//
	// The caller must change keys before a number returns: two tags of UMAC
	// under one number tell an observer how to forge others.
	Append(dst []byte, seq uint32, data []byte) []byte
}
