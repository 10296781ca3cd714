package hostkey

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// checkClient checks that the client data of a signature made by a browser are
// about data. They are JSON of a form so fixed that it is compared and not
// parsed (WebAuthn, sections 5.8.1.1 and 5.8.1.2):
//
//	{"type":"webauthn.get","challenge":"DATA IN BASE64URL","origin":"ORIGIN"
//
// followed by more members, or by the end. Whose origin it is makes no
// difference here: the application of the key, which the authenticator
// compares with it, does.
func (a *assertion) checkClient(data []byte) error {
	// A quote or a backslash would let the origin end where it likes.
	if strings.ContainsFunc(a.origin, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' }) {
		return ErrSignature
	}
	// The flags say what was signed besides.
	if a.flags&flagAttested != 0 || (a.flags&flagExtensions != 0) != (len(a.extensions) > 0) {
		return ErrSignature
	}
	prefix := `{"type":"webauthn.get","challenge":"` + base64.RawURLEncoding.EncodeToString(data) + `","origin":"` + a.origin + `"`
	rest, ok := bytes.CutPrefix(a.client, []byte(prefix))
	if !ok || len(rest) == 0 || rest[0] != ',' && rest[0] != '}' {
		return ErrSignature
	}
	return nil
}
