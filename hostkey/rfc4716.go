package hostkey

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// The markers of a public key file (RFC 4716, section 3.2).
const (
	rfc4716Begin = "---- BEGIN SSH2 PUBLIC KEY ----"
	rfc4716End   = "---- END SSH2 PUBLIC KEY ----"
)

// Sizes in bytes: of a file, of a line as it is written, and of the parts of a
// header (RFC 4716, section 3.3). Lines of others may be longer.
const (
	maxRFC4716File = 64 << 10
	rfc4716Line    = 72
	base64Line     = 70 // as ssh-keygen has it
	maxHeaderTag   = 64
	maxHeaderValue = 1024
)

func rfc4716Error(format string, a ...any) error {
	return &KeyFormatError{Type: "SSH2 PUBLIC KEY", Reason: fmt.Sprintf(format, a...)}
}

// ParseRFC4716 parses a public key file of RFC 4716, such as `ssh-keygen -e`
// and PuTTY write, and returns the key and the header Comment without its
// quotes. Other headers are passed over, as section 3.3 says. A certificate is a key here. The result does not
// alias file.
func ParseRFC4716(file []byte) (key PublicKey, comment string, err error) {
	if len(file) > maxRFC4716File {
		return nil, "", rfc4716Error("its file is larger than %d bytes", maxRFC4716File)
	}
	// RFC 4716, section 3.1: lines end with CR, LF or CR LF.
	text := strings.ReplaceAll(strings.ReplaceAll(string(file), "\r\n", "\n"), "\r", "\n")
	_, text, ok := strings.Cut("\n"+text, "\n"+rfc4716Begin+"\n")
	if !ok {
		return nil, "", rfc4716Error("it does not begin with %q", rfc4716Begin)
	}
	body, _, ok := strings.Cut("\n"+text, "\n"+rfc4716End)
	if !ok {
		return nil, "", rfc4716Error("it does not end with %q", rfc4716End)
	}
	comment, body, err = parseRFC4716Headers(strings.TrimPrefix(body, "\n"))
	if err != nil {
		return nil, "", err
	}
	blob, err := base64.StdEncoding.DecodeString(body) // which passes over the ends of lines
	if err != nil {
		return nil, "", rfc4716Error("it is not in base64")
	}
	if key, err = ParsePublicKey(blob); err != nil {
		return nil, "", err
	}
	return key, comment, nil
}

// parseRFC4716Headers takes the headers off, and returns what follows.
func parseRFC4716Headers(text string) (comment, body string, err error) {
	for {
		line, rest, _ := strings.Cut(text, "\n")
		tag, value, ok := strings.Cut(line, ":")
		if !ok {
			return comment, text, nil
		}
		// RFC 4716, section 3.3: "A line is continued if the last character in the line is a '\'."
		for strings.HasSuffix(value, `\`) {
			line, rest, _ = strings.Cut(rest, "\n")
			value = strings.TrimSuffix(value, `\`) + line
			if rest == "" {
				break
			}
		}
		value = strings.TrimPrefix(value, " ")
		if len(tag) > maxHeaderTag || len(value) > maxHeaderValue {
			return "", "", rfc4716Error("a header is too long")
		}
		// RFC 4716, section 3.3: "The Header-tag MUST NOT be more than 64 8-bit bytes and
		// is case-insensitive."
		if strings.EqualFold(tag, "Comment") {
			comment = unquoteRFC4716(value)
		}
		text = rest
	}
}

// unquoteRFC4716 removes the quotes that a comment may have (RFC 4716, section
// 3.3.2).
func unquoteRFC4716(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// MarshalRFC4716 returns the public key file of RFC 4716 for a key, with a
// header for the comment unless that is empty. Control characters in the comment
// become spaces, and what does not fit in a line of 72 bytes is left out: PuTTY
// does not read a comment in two. The caller owns the result.
func MarshalRFC4716(key PublicKey, comment string) []byte {
	b := []byte(rfc4716Begin + "\n")
	if comment != "" {
		const room = rfc4716Line - len(`Comment: ""`)
		comment = strings.Map(printable, comment)
		comment = strings.ToValidUTF8(comment[:min(len(comment), room)], "")
		b = append(b, `Comment: "`+comment+"\"\n"...)
	}
	encoded := base64.StdEncoding.EncodeToString(key.Marshal())
	for len(encoded) > 0 {
		n := min(len(encoded), base64Line)
		b = append(append(b, encoded[:n]...), '\n')
		encoded = encoded[n:]
	}
	return append(b, rfc4716End+"\n"...)
}
