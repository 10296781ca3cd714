package hostkey_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func TestParseCertificateFile(t *testing.T) {
	want := certify(t, testkeys.ECDSA256().PublicKey(), testkeys.Ed25519())
	line := strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(want, "")))
	for name, c := range map[string]struct{ file, comment string }{
		"a line":           {line, ""},
		"with its end":     {line + "\n", ""},
		"with CR LF":       {line + " a comment\r\n", "a comment"},
		"behind a comment": {"# hello\n\n" + line + "\ta comment \n", "a comment"},
		"ahead of another": {line + " first\n" + line + " second\n", "first"},
		"with an escape":   {line + " a\x1b[31m\n", "a [31m"},
	} {
		t.Run(name, func(t *testing.T) {
			got, comment, err := hostkey.ParseCertificateFile([]byte(c.file))
			require.NoError(t, err)
			require.Equal(t, c.comment, comment)
			require.True(t, hostkey.Equal(want, got))
		})
	}
	s, err := hostkey.NewCertificateSigner(want, testkeys.ECDSA256())
	require.NoError(t, err)
	require.Equal(t, []string{"ecdsa-sha2-nistp256-cert-v01@openssh.com"}, s.Algorithms())
}

func TestParseCertificateFileRefuses(t *testing.T) {
	c := certify(t, testkeys.ECDSA256().PublicKey(), testkeys.Ed25519())
	line := string(hostkey.MarshalAuthorizedKey(c, ""))
	forged := c.Marshal()
	forged[len(forged)-1] ^= 1
	for name, test := range map[string]struct{ file, want string }{
		"nothing":              {"", "no line"},
		"comments":             {"# hello\n\n", "no line"},
		"one word":             {"hello\n", "no format and certificate"},
		"no base64":            {c.Type() + " ?\n", "no format and certificate"},
		"a key":                {string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")), "is a key, and a certificate is wanted"},
		"another format":       {strings.Replace(line, "ecdsa-sha2-nistp256", "ssh-rsa", 1), "of another format"},
		"options":              {"restrict " + line, "no format and certificate"},
		"J: nobody signed it":  {c.Type() + " " + base64.StdEncoding.EncodeToString(forged), "did not sign it"},
		"G13 more than enough": {strings.Repeat("#", 256<<10+1), "larger than 262144"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := hostkey.ParseCertificateFile([]byte(test.file))
			require.ErrorContains(t, err, test.want)
			require.Nil(t, got)
		})
	}
}
