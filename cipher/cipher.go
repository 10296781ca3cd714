package cipher

import (
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/mac"
)

// A Mode describes an encryption algorithm as negotiated in SSH_MSG_KEXINIT.
// The zero Mode cannot protect anything: its constructors are nil.
type Mode struct {
	Name       string
	KeySize    int   // bytes of key
	IVSize     int   // bytes of initial IV; may be zero
	AEAD       bool  // authenticates by itself; the negotiated MAC is ignored
	RekeyAfter int64 // bytes after which the keys must change (RFC 4344, section 3.2)

	// NewSealer and NewOpener return one direction's state. They report a
	// [*KeySizeError] if the keys are not of the sizes that the Mode and the
	// Algorithm ask for, and [ErrNoMAC] if the Mode is not an AEAD and the
	// Algorithm is the zero one. They copy what they need of the keys.
	NewSealer func(Keys, mac.Algorithm) (Sealer, error)
	NewOpener func(Keys, mac.Algorithm) (Opener, error)
}

// Keys is one direction's key material (RFC 4253, section 7.2). The caller may
// clear it once a constructor has returned.
type Keys struct{ Key, IV, MAC []byte }

// A Sealer protects outgoing packets. It is not safe for concurrent use.
type Sealer interface {
	// Framing says how Seal wants packets laid out. It never changes.
	Framing() Framing
	// Seal protects packet in place. packet is packet_length, padding_length,
	// payload and padding, followed by Framing().Tag bytes for Seal to fill.
	// Nothing after len(packet) is written. It panics if packet has no
	// room for the tag, and may if its padded region is not a multiple of
	// Framing().Block or it is longer than mac.MaxData.
	//
	// The caller numbers packets from seq to seq, modulo 2^32, and must change
	// keys before a number returns (see Nonces in the package comment).
	Seal(seq uint32, packet []byte)
}

// An Opener unprotects incoming packets. It is not safe for concurrent use.
type Opener interface {
	// Framing says how incoming packets are laid out. It never changes.
	Framing() Framing
	// Length returns packet_length, given the first Framing().Head bytes of a
	// packet. The value is not yet authenticated. Length may decrypt head. It
	// must be called exactly once for each packet, and panics if head is
	// shorter than Framing().Head.
	Length(seq uint32, head []byte) uint32
	// Open authenticates and decrypts packet, tag included, and returns
	// padding_length, payload and padding, which alias dst[4:]. packet begins
	// with the bytes that Length was given, as Length left them. dst is either
	// packet itself, which is then decrypted in place, or as long and apart
	// from it.
	//
	// The result is as the peer sent it: padding_length may be anything, and
	// the padded region of any size from one block on, unless the mode can
	// decrypt whole blocks only. An error is always ErrAuthentication, leaves
	// no plaintext behind, and means that the Opener must not be used again,
	// except as Framing().Discard asks for. No packet makes Open panic.
	Open(dst []byte, seq uint32, packet []byte) ([]byte, error)
}

// ErrAuthentication is the only error of [Opener.Open]. It says nothing about
// what was wrong with the packet, because the peer may be asking to find out.
var ErrAuthentication = errors.New("cipher: packet failed authentication")

// ErrNoMAC reports that a Mode which does not authenticate by itself was given
// no usable [mac.Algorithm].
var ErrNoMAC = errors.New("cipher: mode needs a MAC: pass one of mac.Default")

// A KeySizeError reports key material of the wrong size. Modes do not cut or
// pad keys: a caller who derived the wrong number of bytes derived wrong keys.
type KeySizeError struct {
	Part      string // "key", "IV" or "MAC key"
	Got, Want int    // bytes
}

// Error implements error.
func (e *KeySizeError) Error() string {
	return fmt.Sprintf("cipher: %s of %d bytes, want %d: derive as many as the mode and the MAC say", e.Part, e.Got, e.Want)
}

// A sealOpener is the state of one direction, whichever that is: each layout
// has one type for both.
type sealOpener interface {
	Sealer
	Opener
}

// check returns an error unless the key and the IV have the sizes given.
func (k *Keys) check(keySize, ivSize int) error {
	if len(k.Key) != keySize {
		return &KeySizeError{Part: "key", Got: len(k.Key), Want: keySize}
	}
	if len(k.IV) != ivSize {
		return &KeySizeError{Part: "IV", Got: len(k.IV), Want: ivSize}
	}
	return nil
}

// newMAC returns the MAC that a over k.MAC makes. An algorithm without a tag
// would find every packet authentic, and is refused.
func (k *Keys) newMAC(a mac.Algorithm) (mac.MAC, error) {
	if a.New == nil || a.Size <= 0 {
		return nil, ErrNoMAC
	}
	if len(k.MAC) != a.KeySize {
		return nil, &KeySizeError{Part: "MAC key", Got: len(k.MAC), Want: a.KeySize}
	}
	return a.New(k.MAC), nil
}
