package hostkey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Parts of the format of a signature (OpenSSH PROTOCOL.sshsig).
const (
	sshsigMagic   = "SSHSIG"
	sshsigVersion = 1
	sshsigBegin   = "-----BEGIN SSH SIGNATURE-----"
	sshsigEnd     = "-----END SSH SIGNATURE-----"
	sshsigWidth   = 70 // characters of base64 in a line, as ssh-keygen has it
)

// An SSHSIG is a signature of a message by itself (OpenSSH PROTOCOL.sshsig), as
// `ssh-keygen -Y sign` and git make them:
//
//	byte[6]   "SSHSIG"
//	uint32    1
//	string    public key
//	string    namespace
//	string    reserved
//	string    hash algorithm
//	string    signature
type SSHSIG struct {
	Key       PublicKey // or certificate
	Namespace string    // what the message is, such as "file" or "git"
	Reserved  []byte
	Hash      string // "sha512" or "sha256"
	Signature *Signature
}

// sshsigHashes are the hashes of messages.
var sshsigHashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}

// SignSSHSIG signs a message, which it reads to its end, with the first
// algorithm of s. The namespace says what the message is, lest it be taken for
// something else, and is not empty. The hash is "sha512" if it is "".
func SignSSHSIG(ctx context.Context, s Signer, hash, namespace string, message io.Reader) (*SSHSIG, error) {
	if hash == "" {
		hash = "sha512"
	}
	sig := &SSHSIG{Key: s.PublicKey(), Namespace: namespace, Hash: hash}
	data, err := sig.signed(message)
	if err != nil {
		return nil, err
	}
	if sig.Signature, err = s.Sign(ctx, s.Algorithms()[0], data); err != nil {
		return nil, err
	}
	return sig, nil
}

// signed returns what is signed instead of the message:
//
//	byte[6]   "SSHSIG"
//	string    namespace
//	string    reserved
//	string    hash algorithm
//	string    H(message)
func (s *SSHSIG) signed(message io.Reader) ([]byte, error) {
	newHash, ok := sshsigHashes[s.Hash]
	switch {
	case !ok:
		return nil, fmt.Errorf("hostkey: messages are hashed with sha512 or sha256, and not %.64q", s.Hash)
	case s.Namespace == "":
		// OpenSSH PROTOCOL.sshsig: "The namespace value MUST NOT be the empty
		// string."
		return nil, errors.New("hostkey: a signature must have a namespace, such as \"file\"")
	}
	h := newHash()
	if _, err := io.Copy(h, message); err != nil {
		return nil, fmt.Errorf("hostkey: reading the message of a signature: %w", err)
	}
	b := wire.AppendString([]byte(sshsigMagic), s.Namespace)
	b = wire.AppendString(b, s.Reserved)
	b = wire.AppendString(b, s.Hash)
	return wire.AppendString(b, h.Sum(nil)), nil
}

// A NamespaceError reports a signature of something else than what it is taken
// for.
type NamespaceError struct{ Got, Want string }

func (e *NamespaceError) Error() string {
	return fmt.Sprintf("hostkey: the signature is for namespace %.256q, and not for %.256q", e.Got, e.Want)
}

// Verify checks that Key signed the message, which it reads to its end, in the
// namespace. It fails with a [*NamespaceError] or [ErrSignature], among others.
// Whose key that is, and whether the authority of a certificate is anybody's, is
// for [AllowedSigners] to say.
func (s *SSHSIG) Verify(namespace string, message io.Reader) error {
	if s.Key == nil || s.Signature == nil {
		return ErrSignature
	}
	if s.Namespace != namespace {
		return &NamespaceError{Got: s.Namespace, Want: namespace}
	}
	data, err := s.signed(message)
	if err != nil {
		return err
	}
	// This takes no signature over SHA-1, as section 2 wants it.
	return s.Key.Verify(data, s.Signature)
}

// Marshal returns the signature in its binary form. The caller owns the result.
func (s *SSHSIG) Marshal() []byte {
	var key, signature []byte
	if s.Key != nil {
		key = s.Key.Marshal()
	}
	if s.Signature != nil {
		signature = s.Signature.Append(nil)
	}
	b := wire.AppendUint32([]byte(sshsigMagic), sshsigVersion)
	b = wire.AppendString(b, key)
	b = wire.AppendString(b, s.Namespace)
	b = wire.AppendString(b, s.Reserved)
	b = wire.AppendString(b, s.Hash)
	return wire.AppendString(b, signature)
}

// Armor returns the signature as a text, as ssh-keygen writes it. The caller
// owns the result.
func (s *SSHSIG) Armor() []byte {
	encoded := base64.StdEncoding.EncodeToString(s.Marshal())
	b := append([]byte(sshsigBegin), '\n')
	for len(encoded) > 0 {
		n := min(sshsigWidth, len(encoded))
		b = append(append(b, encoded[:n]...), '\n')
		encoded = encoded[n:]
	}
	return append(append(b, sshsigEnd...), '\n')
}

// ParseSSHSIG parses a signature, binary or as a text, all of it. Keys of the
// formats passed are known besides those of this package. The result does not
// alias p.
func ParseSSHSIG(p []byte, more ...Format) (*SSHSIG, error) {
	if !bytes.HasPrefix(p, []byte(sshsigMagic)) {
		var err error
		if p, err = dearmor(p); err != nil {
			return nil, err
		}
	}
	r := wire.NewReader(bytes.Clone(p))
	magic, version := string(r.Bytes(len(sshsigMagic))), r.Uint32()
	// "Verifiers MUST reject signatures with versions greater than those they
	// support." (OpenSSH PROTOCOL.sshsig)
	if magic != sshsigMagic || r.Err() == nil && version != sshsigVersion {
		return nil, fmt.Errorf("hostkey: this is no signature of version %d (OpenSSH PROTOCOL.sshsig)", sshsigVersion)
	}
	key := r.Blob()
	s := &SSHSIG{Namespace: r.Text(), Reserved: r.Blob(), Hash: r.Text()}
	encoded := r.Blob()
	if r.End() != nil || s.Namespace == "" || strings.Contains(s.Namespace, "\x00") {
		return nil, errors.New("hostkey: the signature is truncated or malformed, or has no namespace")
	}
	var err error
	if s.Key, err = ParsePublicKey(key, more...); err != nil {
		return nil, err
	}
	if s.Signature, err = ParseSignature(encoded); err != nil {
		return nil, ErrSignature
	}
	return s, nil
}

// dearmor returns what a text holds. Nothing comes before it: a signature that
// is looked for may not be the one meant.
func dearmor(text []byte) ([]byte, error) {
	body, ok := bytes.CutPrefix(text, []byte(sshsigBegin))
	body, after, closed := bytes.Cut(body, []byte("\n"+sshsigEnd))
	if !ok || !closed || len(bytes.TrimSpace(after)) > 0 || len(body) == 0 || body[0] != '\n' && body[0] != '\r' {
		return nil, fmt.Errorf("hostkey: a signature begins with a line %q, ends with %q, and has nothing around that", sshsigBegin, sshsigEnd)
	}
	blob, err := base64.StdEncoding.DecodeString(strings.Map(dropLineEnds, string(body)))
	if err != nil {
		return nil, errors.New("hostkey: the signature is not in base64")
	}
	return blob, nil
}

func dropLineEnds(c rune) rune {
	if c == '\n' || c == '\r' {
		return -1
	}
	return c
}
