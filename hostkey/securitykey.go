package hostkey

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Flags say what an authenticator did before it signed (WebAuthn, section 6.1).
type Flags byte

// The flags that a signature can be required to have.
const (
	UserPresent  Flags = 0x01 // somebody touched the key
	UserVerified Flags = 0x04 // the key's owner did: it asked for a PIN or a finger
)

// Flags of what follows in the data that was signed.
const (
	flagAttested   Flags = 0x40 // a public key: never, for a signature
	flagExtensions Flags = 0x80
)

// String names the flags that can be required.
func (f Flags) String() string {
	var names []string
	if f&UserPresent != 0 {
		names = append(names, "user presence")
	}
	if f&UserVerified != 0 {
		names = append(names, "user verification")
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " and ")
}

// A PresenceError reports a signature by a security key that does not prove
// that somebody was there when it was made, or who it was.
type PresenceError struct {
	Missing Flags
}

func (e *PresenceError) Error() string {
	return fmt.Sprintf("hostkey: the signature of the security key lacks %v, and its key is not let off that", e.Missing)
}

// A SecurityKey is the public key of a FIDO authenticator (OpenSSH
// PROTOCOL.u2f). The private half never leaves the device, and a signature
// tells whether somebody touched it: without that, a program on the computer
// it is plugged into could sign by itself (CVE-2026-39831). Verify insists on
// it; [Require] insists on something else.
//
//	string    "sk-ssh-ed25519@openssh.com"
//	string    public key
//	string    application
//
//	string    "sk-ecdsa-sha2-nistp256@openssh.com"
//	string    curve name
//	string    Q, an uncompressed point
//	string    application
type SecurityKey struct {
	keyType     string
	key         securityVerifier
	application string
	required    Flags
}

// A securityVerifier verifies the signature within that of a security key.
type securityVerifier interface {
	PublicKey
	verifySecurity(message, blob []byte) error
}

func (k *ed25519Key) verifySecurity(message, blob []byte) error { return k.verifyBlob(message, blob) }

func (k *ecdsaKey) verifySecurity(message, blob []byte) error {
	sum := sha256.Sum256(message)
	return k.verifyBlob(sum[:], blob)
}

func parseSKEd25519(r *wire.Reader) (PublicKey, error) {
	key, err := parseEd25519(r)
	if err != nil {
		return nil, err
	}
	return newSecurityKey(SKEd25519, key, r)
}

func parseSKECDSA256(r *wire.Reader) (PublicKey, error) {
	key, err := curves[0].parse(r)
	if err != nil {
		return nil, err
	}
	return newSecurityKey(SKECDSA256, key, r)
}

func newSecurityKey(keyType string, key PublicKey, r *wire.Reader) (PublicKey, error) {
	k := &SecurityKey{keyType: keyType, key: key.(securityVerifier), application: r.Text(), required: UserPresent}
	// OpenSSH reads it as a C string, and would see another application.
	if strings.Contains(k.application, "\x00") {
		return nil, &KeyFormatError{Type: keyType, Reason: "its application has a NUL"}
	}
	return k, nil
}

// Type returns the key format.
func (k *SecurityKey) Type() string { return k.keyType }

// Application returns what the key was made for: "ssh:" and maybe more, or the
// domain of a web site. Every signature covers it.
func (k *SecurityKey) Application() string { return k.application }

// Marshal returns the key blob. The caller owns the result.
func (k *SecurityKey) Marshal() []byte {
	inner := k.key.Marshal()
	b := wire.AppendString(nil, k.keyType)
	b = append(b, inner[4+len(k.key.Type()):]...)
	return wire.AppendString(b, k.application)
}

// Verify checks a signature over the data by the authenticator, which signs
//
//	byte[32]  SHA256(application)
//	byte      flags
//	uint32    counter
//	....      extensions, in a signature of WebAuthn
//	byte[32]  SHA256(data), or of what WebAuthn makes of it
//
// The error is a [*PresenceError] if the signature is right and lacks a flag.
func (k *SecurityKey) Verify(data []byte, sig *Signature) error {
	if sig == nil {
		return ErrSignature
	}
	if _, err := hashFor(sig.Algorithm, k.keyType); err != nil {
		return err
	}
	a, err := parseAssertion(sig)
	if err != nil {
		return err
	}
	if sig.Algorithm == WebAuthnECDSA256 {
		if err := a.checkClient(data); err != nil {
			return err
		}
		data = a.client
	}
	if err := k.key.verifySecurity(a.message(k.application, data), sig.Blob); err != nil {
		return err
	}
	if missing := k.required &^ a.flags; missing != 0 {
		return &PresenceError{Missing: missing}
	}
	return nil
}

// Require returns key with the flags that its signatures have to have, no more
// and no less, if it is a security key or a certificate of one: 0 for one that
// "no-touch-required" was said of, [UserPresent] | [UserVerified] for
// "verify-required" (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Other keys are
// returned as they are.
func Require(key PublicKey, flags Flags) PublicKey {
	switch k := key.(type) {
	case *SecurityKey:
		other := *k
		other.required = flags & (UserPresent | UserVerified)
		return &other
	case *Certificate:
		other := *k
		other.Key = Require(k.Key, flags)
		return &other
	}
	return key
}

// Authenticator returns what a signature by a security key says about how it
// was made, and false if it is not of that form. It is as true as the signature
// is. The counter only ever grows, on a device that has one: two copies of a
// key show by one that does not.
func (s *Signature) Authenticator() (flags Flags, counter uint32, ok bool) {
	if !slices.Contains([]string{SKEd25519, SKECDSA256, WebAuthnECDSA256}, s.Algorithm) {
		return 0, 0, false
	}
	a, err := parseAssertion(s)
	if err != nil {
		return 0, 0, false
	}
	return a.flags, a.counter, true
}

// An assertion is what follows the blob of a signature by a security key:
//
//	byte      flags
//	uint32    counter
//
// (OpenSSH PROTOCOL.u2f, SSH U2F signatures), and in one of WebAuthn
//
//	string    origin
//	string    client data
//	string    extensions
//
// (OpenSSH PROTOCOL.u2f, webauthn signatures).
type assertion struct {
	flags      Flags
	counter    uint32
	origin     string
	client     []byte
	extensions []byte
}

func parseAssertion(sig *Signature) (*assertion, error) {
	r := wire.NewReader(sig.Rest)
	a := &assertion{flags: Flags(r.Byte()), counter: r.Uint32()}
	if sig.Algorithm == WebAuthnECDSA256 {
		a.origin, a.client, a.extensions = r.Text(), r.Blob(), r.Blob()
	}
	if r.End() != nil {
		return nil, ErrSignature
	}
	return a, nil
}

// message returns what the authenticator signed.
func (a *assertion) message(application string, data []byte) []byte {
	app, sum := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	b := append(app[:], byte(a.flags))
	b = wire.AppendUint32(b, a.counter)
	b = append(b, a.extensions...)
	return append(b, sum[:]...)
}
