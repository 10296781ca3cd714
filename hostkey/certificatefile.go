package hostkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// maxCertificateFile bounds a file with a certificate: 256 principals of 255
// bytes, and options, in base64.
const maxCertificateFile = 256 << 10

// ParseCertificateFile parses a file with a certificate, such as ssh-keygen
// writes beside a key, in id_ed25519-cert.pub for id_ed25519:
//
//	certificate-format base64-certificate [comment]
//
// Empty lines, comments and what follows the first certificate are passed over.
// The certificate is one that its authority signed, and that is all that is known
// of it. [NewCertificateSigner] makes a Signer of it and its key. The result does
// not alias file.
func ParseCertificateFile(file []byte) (c *Certificate, comment string, err error) {
	if len(file) > maxCertificateFile {
		return nil, "", fmt.Errorf("hostkey: a file with a certificate is larger than %d bytes", maxCertificateFile)
	}
	for line := range bytes.Lines(file) {
		if !isBlank(line) {
			return parseCertificateLine(strings.TrimRight(string(line), "\r\n"))
		}
	}
	return nil, "", errors.New("hostkey: a file with a certificate has no line")
}

func parseCertificateLine(line string) (*Certificate, string, error) {
	certType, rest := cutWord(line)
	encoded, comment := cutWord(rest)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return nil, "", errors.New("hostkey: a file with a certificate has no format and certificate in base64")
	}
	if r := wire.NewReader(blob); r.Text() != certType {
		return nil, "", fmt.Errorf("hostkey: the line of a certificate says %q, and the certificate is of another format", certType)
	}
	key, err := ParsePublicKey(blob)
	if err != nil {
		return nil, "", err
	}
	c, ok := key.(*Certificate)
	if !ok {
		return nil, "", fmt.Errorf("hostkey: %q is a key, and a certificate is wanted", certType)
	}
	return c, strings.Map(printable, strings.TrimRight(comment, " \t")), nil
}
