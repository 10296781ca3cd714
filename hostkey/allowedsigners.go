package hostkey

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// An AllowedSigner is a line of an allowed_signers file:
//
//	principals [options] key-format base64-key [comment]
//
// (ssh-keygen(1), ALLOWED SIGNERS.)
type AllowedSigner struct {
	Principals    string    // patterns of who the key belongs to, with commas between them
	CertAuthority bool      // it is an authority's: certificates it signed belong to them
	Namespaces    string    // patterns of what the key signs, with commas between them; "" for anything
	ValidAfter    time.Time // when the key begins to sign; the zero Time for always
	ValidBefore   time.Time // when it ceases to; the zero Time for never
	Key           PublicKey
	Comment       string
	Line          int // counted from 1; 0 if not from a file
}

// ParseAllowedSigners returns the lines of an allowed_signers file in their
// order. Bounds and errors are those of [AuthorizedKeys].
func ParseAllowedSigners(r io.Reader) iter.Seq2[*AllowedSigner, error] {
	return func(yield func(*AllowedSigner, error) bool) {
		readLines(r, "allowed signers", func(n int, line []byte) bool {
			s, err := parseAllowedSigner(line)
			if err == nil {
				s.Line = n
			}
			return yield(s, atLine(n, err))
		}, func(err error) { yield(nil, err) })
	}
}

func parseAllowedSigner(line []byte) (*AllowedSigner, error) {
	text, err := lineText(line, "allowed signers")
	if err != nil {
		return nil, err
	}
	text = strings.TrimLeft(text, " \t")
	principals, rest := cutWord(text)
	if strings.HasPrefix(text, `"`) {
		var ok bool
		if principals, rest, ok = unquote(text); !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			return nil, errors.New("hostkey: the principals of an allowed signer are in quotes that do not end")
		}
	}
	if principals == "" {
		return nil, errors.New("hostkey: a line of allowed signers begins with principals")
	}
	k, err := ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return nil, err
	}
	s := &AllowedSigner{Principals: principals, Key: k.Key, Comment: k.Comment}
	for _, o := range k.Options {
		if reason := s.apply(o); reason != nil {
			return nil, &OptionError{o.Name, reason.Error()}
		}
	}
	if !s.ValidBefore.IsZero() && s.ValidBefore.Before(s.ValidAfter) {
		return nil, &OptionError{"valid-before", "is earlier than valid-after"}
	}
	return s, nil
}

// apply applies one option. Its error is the end of a sentence.
func (s *AllowedSigner) apply(o Option) (err error) {
	switch o.Name {
	case "cert-authority":
		if o.HasValue {
			return errors.New("takes no value")
		}
		s.CertAuthority = true
		return nil
	case "namespaces", "valid-after", "valid-before":
	default:
		return errors.New("is not known: there are cert-authority, namespaces, valid-after and valid-before")
	}
	if o.Value == "" {
		return fmt.Errorf("has no value: write %s=\"...\"", o.Name)
	}
	switch {
	case o.Name == "namespaces" && s.Namespaces == "":
		s.Namespaces = o.Value
	case o.Name == "valid-after" && s.ValidAfter.IsZero():
		s.ValidAfter, err = parseTime(o.Value)
	case o.Name == "valid-before" && s.ValidBefore.IsZero():
		s.ValidBefore, err = parseTime(o.Value)
	default:
		err = errors.New("is there twice")
	}
	return err
}

// AllowedSigners says whose signatures are believed. The zero AllowedSigners
// believes nobody's. It must not be changed once it is used; it is safe for
// concurrent use then.
type AllowedSigners struct {
	Signers []*AllowedSigner

	// Revoked, unless nil, returns an error for a key or certificate that is
	// not to be believed any more: [KRL.Check] is one.
	Revoked func(key PublicKey) error

	Time time.Time // when the messages were signed; the zero Time for now
}

// A SignerError reports a signature by somebody who is not allowed to make it.
type SignerError struct {
	Principal string
	Namespace string
	Key       PublicKey
	Errs      []error // why lines that have the key do not allow it
}

func (e *SignerError) Error() string {
	why := "no line of allowed_signers has that key for that principal"
	if len(e.Errs) > 0 {
		why = strings.ReplaceAll(errors.Join(e.Errs...).Error(), "\n", "; ")
	}
	return fmt.Sprintf("hostkey: %.256q may not sign in namespace %.256q with the %s %s: %s",
		e.Principal, e.Namespace, e.Key.Type(), Fingerprint(e.Key), why)
}

// Unwrap returns Errs.
func (e *SignerError) Unwrap() []error { return e.Errs }

// Verify checks that principal signed the message, which it reads to its end,
// in the namespace, as `ssh-keygen -Y verify` does. It fails with a
// [*SignerError] if the signature is right and the signer is not.
func (a *AllowedSigners) Verify(s *SSHSIG, principal, namespace string, message io.Reader) error {
	if err := s.Verify(namespace, message); err != nil {
		return err
	}
	if a.Revoked != nil {
		if err := a.Revoked(s.Key); err != nil {
			return fmt.Errorf("hostkey: the signature is by a revoked key: %w", err)
		}
	}
	refused := &SignerError{Principal: principal, Namespace: namespace, Key: s.Key}
	for _, line := range a.Signers {
		if principal == "" || !pattern.MatchList(line.Principals, principal) || !line.has(s.Key) {
			continue
		}
		err := line.allows(a.at())
		if err == nil && line.Namespaces != "" && !pattern.MatchList(line.Namespaces, namespace) {
			err = fmt.Errorf("hostkey: line %d is for namespaces %q", line.Line, line.Namespaces)
		}
		if err == nil && line.CertAuthority {
			err = line.certifies(s, a.at(), func(name string) bool { return name == principal }, principal)
		}
		if err == nil {
			return nil
		}
		refused.Errs = append(refused.Errs, err)
	}
	return refused
}

func (a *AllowedSigners) at() time.Time {
	if a.Time.IsZero() {
		return time.Now()
	}
	return a.Time
}

// FindPrincipals returns who may have made a signature: the patterns of the
// first line that has its key, or the principals of its certificate that they
// match. It does not verify the signature: [AllowedSigners.Verify] does, given
// one of the results.
func (a *AllowedSigners) FindPrincipals(s *SSHSIG) ([]string, error) {
	refused := &SignerError{Namespace: s.Namespace, Key: s.Key}
	for _, line := range a.Signers {
		if !line.has(s.Key) {
			continue
		}
		err := line.allows(a.at())
		if err == nil && !line.CertAuthority {
			return strings.Split(line.Principals, ","), nil
		}
		if err == nil {
			matches := func(name string) bool { return pattern.MatchList(line.Principals, name) }
			if err = line.certifies(s, a.at(), matches, line.Principals); err == nil {
				all := slices.Clone(s.Key.(*Certificate).Principals)
				return slices.DeleteFunc(all, func(name string) bool { return name == "" || !matches(name) }), nil
			}
		}
		refused.Errs = append(refused.Errs, err)
	}
	return nil, refused
}

// MatchPrincipals returns the patterns of each line that is about principal.
func (a *AllowedSigners) MatchPrincipals(principal string) []string {
	var all []string
	for _, line := range a.Signers {
		if principal != "" && pattern.MatchList(line.Principals, principal) {
			all = append(all, line.Principals)
		}
	}
	return all
}

// has reports whether the line is about a key, or the authority of a
// certificate.
func (l *AllowedSigner) has(key PublicKey) bool {
	if !l.CertAuthority {
		return Equal(l.Key, key)
	}
	c, ok := key.(*Certificate)
	return ok && Equal(l.Key, c.CA)
}

// allows checks that the key may have signed at a time.
func (l *AllowedSigner) allows(at time.Time) error {
	switch {
	case !l.ValidAfter.IsZero() && at.Before(l.ValidAfter):
		return fmt.Errorf("hostkey: line %d is valid from %s on", l.Line, l.ValidAfter.Format(time.RFC3339))
	case !l.ValidBefore.IsZero() && at.After(l.ValidBefore):
		return fmt.Errorf("hostkey: line %d was valid until %s", l.Line, l.ValidBefore.Format(time.RFC3339))
	}
	return nil
}

// certifies checks the certificate of a signature.
func (l *AllowedSigner) certifies(s *SSHSIG, at time.Time, matches func(string) bool, wanted string) error {
	c := s.Key.(*Certificate)
	authority := Authority{Users: []PublicKey{l.Key}, Time: func() time.Time { return at }}
	if err := authority.check(c, UserCertificate, authority.Users); err != nil {
		return err
	}
	if err := c.checkPrincipals(matches, []string{wanted}); err != nil {
		return err
	}
	// What holds back a login does not matter to a message, but what it is that
	// holds back is known, or the certificate is not understood.
	r, err := c.restrictions()
	if err != nil {
		return err
	}
	if flags, _, ok := s.Signature.Authenticator(); ok && r.Flags&UserVerified&^flags != 0 {
		return &PresenceError{Missing: UserVerified}
	}
	return nil
}
