package userauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

// doubts are the reasons to refuse a certificate that can be seen in it. What a
// server has its own view of is not among them: whom it trusts, from where, and
// what it has revoked.
var doubts = []hostkey.CertificateReason{
	hostkey.WrongKind, hostkey.NotYetValid, hostkey.Expired, hostkey.NoPrincipals, hostkey.WrongPrincipal,
	hostkey.UnknownOption, hostkey.MalformedOption,
}

// doubt returns what a server may have had against a certificate that it refused,
// and nil for a key. RFC 4252 gives a server no way to say so, and only the certificate shows
// it here. That it does not name the user is no proof: the server may know that
// user's other names (AuthorizedPrincipalsFile of sshd_config(5)).
func (o *offer) doubt(user string) error {
	c, ok := o.signer.PublicKey().(*hostkey.Certificate)
	if !ok {
		return nil
	}
	itself := hostkey.Authority{Users: []hostkey.PublicKey{c.CA}}
	_, err := itself.CheckUser(c, nil, user)
	var refused *hostkey.CertificateError
	if errors.As(err, &refused) && slices.Contains(doubts, refused.Reason) {
		return &doubtError{refused}
	}
	return fmt.Errorf("the server refused the certificate %.128q (serial %d, by %s), in which nothing is wrong: "+
		"it may not trust that authority for this user, not take %s, or have revoked the certificate",
		c.KeyID, c.Serial, hostkey.Fingerprint(c.CA), o.algorithm)
}

// A doubtError says why a certificate may have been refused.
type doubtError struct{ *hostkey.CertificateError }

func (e *doubtError) Error() string {
	return fmt.Sprintf("the server may have had this against a certificate: %s", strings.TrimPrefix(e.CertificateError.Error(), "hostkey: "))
}

func (e *doubtError) Unwrap() error { return e.CertificateError }
