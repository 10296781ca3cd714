package hostkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// A CertificateKind says what a certificate vouches for.
type CertificateKind uint32

// The kinds there are.
const (
	UserCertificate CertificateKind = 1
	HostCertificate CertificateKind = 2
)

// String returns "user" or "host".
func (k CertificateKind) String() string {
	switch k {
	case UserCertificate:
		return "user"
	case HostCertificate:
		return "host"
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Bounds of a certificate. OpenSSH has the first; the second is beyond what
// anybody has defined.
const (
	maxPrincipals = 256
	maxOptions    = 256
)

// nonceSize is the length in bytes of the nonce of a certificate made here.
const nonceSize = 32

// A Certificate is a statement by an authority about a key (OpenSSH
// PROTOCOL.certkeys, draft-ietf-sshm-cert).
//
//	string    key format identifier, such as "ssh-ed25519-cert-v01@openssh.com"
//	string    nonce
//	....      the key, as it follows its own identifier
//	uint64    serial
//	uint32    type
//	string    key id
//	string    valid principals
//	uint64    valid after
//	uint64    valid before
//	string    critical options
//	string    extensions
//	string    reserved
//	string    signature key
//	string    signature
//
// It is a [PublicKey] to those who verify signatures with it. No method of it
// says whether the authority is to be trusted, whether the certificate is for
// that user or host on that day, and what its options restrict: an [Authority]
// does, for users and for hosts, and so do those who hold one, such as the
// Verifier of package knownhosts and the PublicKeys of package server.
//
// A Certificate must not be changed once somebody else uses it.
type Certificate struct {
	Nonce           []byte // chosen by the authority, so that nobody could foresee what it signed
	Key             PublicKey
	Serial          uint64
	Kind            CertificateKind
	KeyID           string // for logs; the authority chose it
	Principals      []string
	ValidAfter      uint64 // seconds since 1970-01-01 00:00 UTC: the first in which it is valid
	ValidBefore     uint64 // the first in which it is not any more
	CriticalOptions []CertificateOption
	Extensions      []CertificateOption
	Reserved        []byte
	CA              PublicKey // the authority, which is no certificate
	Signature       *Signature
}

// A CertificateOption is a critical option or an extension. Those of a
// certificate are in the order of their names, and each is there once.
type CertificateOption struct {
	Name string
	Data []byte // empty, or of most options one string with its length
}

// parseCertificate parses a blob that begins with the identifier of
// certificates of f.
func parseCertificate(f Format, blob []byte, more []Format) (*Certificate, error) {
	r := wire.NewReader(blob)
	certType := r.Text()
	malformed := func(reason string) error { return &KeyFormatError{Type: certType, Reason: reason} }
	c := &Certificate{Nonce: bytes.Clone(r.Blob())}
	var err error
	if c.Key, err = f.parseFields(&r); err != nil {
		return nil, err
	}
	c.Serial, c.Kind, c.KeyID = r.Uint64(), CertificateKind(r.Uint32()), r.Text()
	principals := r.Blob()
	c.ValidAfter, c.ValidBefore = r.Uint64(), r.Uint64()
	critical, extensions := r.Blob(), r.Blob()
	c.Reserved = bytes.Clone(r.Blob())
	ca, signature := r.Blob(), r.Blob()
	if r.End() != nil {
		return nil, malformed("it is truncated or has trailing bytes")
	}
	var ok [3]bool
	c.Principals, ok[0] = parsePrincipals(principals)
	c.CriticalOptions, ok[1] = parseCertificateOptions(critical)
	c.Extensions, ok[2] = parseCertificateOptions(extensions)
	if ok != [3]bool{true, true, true} {
		return nil, malformed("its principals or options are malformed, too many, twice there or in the wrong order")
	}
	if c.Kind != UserCertificate && c.Kind != HostCertificate {
		return nil, malformed("it is neither for a user nor for a host")
	}
	if strings.Contains(c.KeyID, "\x00") {
		return nil, malformed("its key id has a NUL")
	}
	if err := c.parseAuthority(ca, signature, more); err != nil {
		return nil, malformed(strings.ReplaceAll(err.Error(), "hostkey: ", ""))
	}
	if !bytes.Equal(c.Marshal(), blob) {
		return nil, malformed("it is not in its one encoding")
	}
	return c, nil
}

// ParseCertificate parses a certificate in the form in which ssh-keygen writes
// it: one line with its format, the certificate in base64, and maybe a comment.
// [MarshalAuthorizedKey] writes it.
func ParseCertificate(line []byte) (*Certificate, error) {
	text, err := lineText(line, "a certificate")
	if err != nil {
		return nil, err
	}
	format, rest := cutWord(text)
	encoded, _ := cutWord(rest)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !isCertificateName(format) {
		return nil, errors.New("hostkey: a certificate is one line of its format and base64, as `ssh-keygen -s` writes it")
	}
	key, err := ParsePublicKey(blob)
	if err != nil {
		return nil, err
	}
	c, ok := key.(*Certificate)
	if !ok || c.Type() != format {
		return nil, fmt.Errorf("hostkey: the line says %q and its certificate %q", format, key.Type())
	}
	return c, nil
}

// parseAuthority reads who signed the certificate, and checks that it did.
func (c *Certificate) parseAuthority(ca, signature []byte, more []Format) (err error) {
	// "Chained" certificates are not supported (OpenSSH PROTOCOL.certkeys): a
	// certificate here is not even parsed, and none within it.
	if c.CA, err = parsePlain(ca, more); err != nil {
		return fmt.Errorf("its authority: %w", err)
	}
	if c.Signature, err = ParseSignature(bytes.Clone(signature)); err != nil {
		return ErrSignature
	}
	return c.CheckSignature()
}

// parsePrincipals reads strings up to the end of p. OpenSSH reads them as C
// strings, and would see others where there is a NUL.
func parsePrincipals(p []byte) (principals []string, ok bool) {
	r := wire.NewReader(p)
	for r.Len() > 0 && r.Err() == nil {
		name := r.Text()
		if len(principals) == maxPrincipals || strings.Contains(name, "\x00") {
			return nil, false
		}
		principals = append(principals, name)
	}
	return principals, r.End() == nil
}

// parseCertificateOptions reads pairs of strings up to the end of p. "Options
// must be lexically ordered by "name" if they appear in the sequence. Each
// named option may only appear once in a certificate." (OpenSSH
// PROTOCOL.certkeys.) Of two with one name, one reader may enforce the first
// and another the second.
func parseCertificateOptions(p []byte) (options []CertificateOption, ok bool) {
	r := wire.NewReader(p)
	for r.Len() > 0 && r.Err() == nil {
		o := CertificateOption{Name: r.Text(), Data: bytes.Clone(r.Blob())}
		if n := len(options); n == maxOptions || n > 0 && options[n-1].Name >= o.Name {
			return nil, false
		}
		options = append(options, o)
	}
	return options, r.End() == nil
}

// Type returns the format of the certificate: that of its key, as certificates
// have it.
func (c *Certificate) Type() string {
	if c.Key == nil {
		return ""
	}
	return CertificateName(c.Key.Type())
}

// Marshal returns the certificate as keys are sent and stored. The caller owns
// the result.
func (c *Certificate) Marshal() []byte {
	var signature []byte
	if c.Signature != nil {
		signature = c.Signature.Append(nil)
	}
	return wire.AppendString(c.signed(), signature)
}

// signed returns what the authority signs: all but the signature.
func (c *Certificate) signed() []byte {
	b := wire.AppendString(nil, c.Type())
	b = wire.AppendString(b, c.Nonce)
	if c.Key != nil {
		b = append(b, c.Key.Marshal()[4+len(c.Key.Type()):]...)
	}
	b = wire.AppendUint64(b, c.Serial)
	b = wire.AppendUint32(b, uint32(c.Kind))
	b = wire.AppendString(b, c.KeyID)
	var principals []byte
	for _, p := range c.Principals {
		principals = wire.AppendString(principals, p)
	}
	b = wire.AppendString(b, principals)
	b = wire.AppendUint64(b, c.ValidAfter)
	b = wire.AppendUint64(b, c.ValidBefore)
	b = wire.AppendString(b, marshalCertificateOptions(c.CriticalOptions))
	b = wire.AppendString(b, marshalCertificateOptions(c.Extensions))
	b = wire.AppendString(b, c.Reserved)
	var ca []byte
	if c.CA != nil {
		ca = c.CA.Marshal()
	}
	return wire.AppendString(b, ca)
}

func marshalCertificateOptions(options []CertificateOption) (b []byte) {
	for _, o := range options {
		b = wire.AppendString(wire.AppendString(b, o.Name), o.Data)
	}
	return b
}

// Verify checks a signature over data by the key that the certificate is about.
// It says nothing about the certificate.
func (c *Certificate) Verify(data []byte, sig *Signature) error {
	if c.Key == nil {
		return errors.New("hostkey: the certificate has no key")
	}
	return c.Key.Verify(data, sig)
}

// CheckSignature checks that CA signed the certificate, with an algorithm that
// is sound. A certificate from [ParsePublicKey] has passed this. Whether CA is
// anybody to be trusted is another question.
func (c *Certificate) CheckSignature() error {
	if c.Key == nil || c.CA == nil || c.Signature == nil {
		return errors.New("hostkey: the certificate is not signed")
	}
	if isCertificateName(c.CA.Type()) {
		return errors.New("hostkey: the authority of a certificate is a certificate")
	}
	if err := c.CA.Verify(c.signed(), c.Signature); err != nil {
		return fmt.Errorf("hostkey: its authority did not sign it: %s", strings.TrimPrefix(err.Error(), "hostkey: "))
	}
	return nil
}

// Certify has the authority ca sign the certificate with its preferred
// algorithm, and sets CA and Signature, and Nonce anew. Options may be in any
// order, which becomes the right one.
func (c *Certificate) Certify(ctx context.Context, ca Signer) error {
	if c.Key == nil || isCertificateName(c.Key.Type()) {
		return errors.New("hostkey: a certificate needs a key, which is no certificate")
	}
	for _, options := range [][]CertificateOption{c.CriticalOptions, c.Extensions} {
		slices.SortFunc(options, func(a, b CertificateOption) int { return strings.Compare(a.Name, b.Name) })
	}
	c.Nonce = make([]byte, nonceSize)
	rand.Read(c.Nonce)
	c.CA = ca.PublicKey()
	var err error
	if c.Signature, err = ca.Sign(ctx, ca.Algorithms()[0], c.signed()); err != nil {
		return fmt.Errorf("hostkey: signing a certificate: %w", err)
	}
	return c.CheckSignature()
}

// NewCertificateSigner returns a Signer that signs with key and presents the
// certificate c, which is about that key.
func NewCertificateSigner(c *Certificate, key Signer) (Signer, error) {
	if err := c.CheckSignature(); err != nil {
		return nil, err
	}
	if !Equal(c.Key, key.PublicKey()) {
		return nil, errors.New("hostkey: the certificate is about another key")
	}
	s := &certificateSigner{certificate: c, key: key}
	for _, name := range key.Algorithms() {
		s.algorithms = append(s.algorithms, CertificateName(name))
	}
	return s, nil
}

type certificateSigner struct {
	certificate *Certificate
	key         Signer
	algorithms  []string
}

func (s *certificateSigner) PublicKey() PublicKey { return s.certificate }

func (s *certificateSigner) Algorithms() []string { return s.algorithms }

// Sign signs as the key does: the signature does not say that there is a
// certificate.
func (s *certificateSigner) Sign(ctx context.Context, algorithm string, data []byte) (*Signature, error) {
	i := slices.Index(s.algorithms, algorithm)
	if i < 0 {
		return nil, &AlgorithmError{Algorithm: algorithm, KeyType: s.certificate.Type()}
	}
	return s.key.Sign(ctx, s.key.Algorithms()[i], data)
}
