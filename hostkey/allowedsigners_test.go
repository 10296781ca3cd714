package hostkey_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// signers are the lines of a file, in which %K is the key testkeys.ECDSA256 and
// %C the authority testkeys.Ed25519. Bad lines are left out.
func signers(lines string) *hostkey.AllowedSigners {
	a := new(hostkey.AllowedSigners)
	for s, err := range hostkey.ParseAllowedSigners(strings.NewReader(signersFile(lines))) {
		if err == nil {
			a.Signers = append(a.Signers, s)
		}
	}
	return a
}

func signersFile(lines string) string {
	return strings.NewReplacer("%K", keyText(testkeys.ECDSA256()), "%C", keyText(testkeys.Ed25519()), "%O", keyText(testkeys.RSA2048())).Replace(lines)
}

func TestParseAllowedSigners(t *testing.T) {
	file := signersFile("# comment\n\nalice@example.com %K a comment\n" +
		`bob,*@example.com,!eve@example.com namespaces="git,file*",valid-after="20200101Z",valid-before="20300101Z" %K` + "\n" +
		`"two words" cert-authority %C` + "\r\n" +
		"alice@example.com NAMESPACES=\"git\" %K\n" +
		"alice@example.com\n" + // 7 and on: bad
		"%K\n" +
		"alice@example.com zork %K\n" +
		"alice@example.com namespaces %K\n" +
		"alice@example.com namespaces=\"\" %K\n" +
		"alice@example.com namespaces=\"a\",namespaces=\"b\" %K\n" +
		"alice@example.com valid-after=\"tomorrow\" %K\n" +
		"alice@example.com valid-after=\"20200102\",valid-before=\"20200101\" %K\n" +
		"alice@example.com cert-authority=\"x\" %K\n" +
		"\"alice %K\n" +
		"\"alice\"%K\n" +
		"\"\" %K\n" +
		"alice@example.com restrict %K\n" +
		"alice@example.com \x1b %K\n")
	var good []*hostkey.AllowedSigner
	var bad []int
	for s, err := range hostkey.ParseAllowedSigners(strings.NewReader(file)) {
		if err == nil {
			good = append(good, s)
			continue
		}
		require.Nil(t, s)
		var at *hostkey.LineError
		require.ErrorAs(t, err, &at)
		bad = append(bad, at.Line)
	}
	require.Equal(t, []int{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, bad)
	key, ca := testkeys.ECDSA256().PublicKey(), testkeys.Ed25519().PublicKey()
	for i, s := range good { // keys are compared as such
		require.True(t, hostkey.Equal(s.Key, key) || hostkey.Equal(s.Key, ca), i)
		s.Key = nil
	}
	require.Equal(t, []*hostkey.AllowedSigner{
		{Principals: "alice@example.com", Comment: "a comment", Line: 3},
		{Principals: "bob,*@example.com,!eve@example.com", Namespaces: "git,file*", Line: 4,
			ValidAfter: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), ValidBefore: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Principals: "two words", CertAuthority: true, Line: 5},
		{Principals: "alice@example.com", Namespaces: "git", Line: 6},
	}, good)
	for _, err := range hostkey.ParseAllowedSigners(strings.NewReader(strings.Repeat("#", 2<<20))) {
		require.ErrorContains(t, err, "larger")
	}
}

// A case is a file and a signature, on which ssh-keygen has to agree.
type signerCase struct {
	file      string
	principal string
	at        string // as ssh-keygen has it; "" for now
	ok        bool
	found     string // principals, one after the other
}

var signerCases = map[string]signerCase{
	"the key":                          {"me %K", "me", "", true, "me"},
	"another key":                      {"me %O", "me", "", false, ""},
	"another principal":                {"you %K", "me", "", false, "you"},
	"a pattern":                        {"m*,x %K", "me", "", true, "m* x"},
	"one character":                    {"m? %K", "me", "", true, "m?"},
	"negated":                          {"*,!me %K", "me", "", false, "* !me"},
	"negated first":                    {"!me,* %K", "me", "", false, "!me *"},
	"a later line":                     {"you %K\nme %K", "me", "", true, "you"},
	"a bad line before":                {"me zork %K\nme %K", "me", "", true, "me"},
	"the namespace":                    {`me namespaces="file" %K`, "me", "", true, "me"},
	"a pattern of namespaces":          {`me namespaces="git,fi*" %K`, "me", "", true, "me"},
	"another namespace":                {`me namespaces="git" %K`, "me", "", false, "me"},
	"a negated namespace":              {`me namespaces="*,!file" %K`, "me", "", false, "me"},
	"expired":                          {`me valid-before="20200101" %K`, "me", "", false, ""},
	"not expired then":                 {`me valid-before="20200101" %K`, "me", "20191231", true, "me"},
	"not valid yet":                    {`me valid-after="20990101" %K`, "me", "", false, ""},
	"valid from then on":               {`me valid-after="20200101" %K`, "me", "20200101", true, "me"},
	"valid until then":                 {`me valid-before="20200101" %K`, "me", "20200101", true, "me"},
	"not valid then":                   {`me valid-after="20200101" %K`, "me", "20191231", false, ""},
	"an authority is no signer":        {"me cert-authority %K", "me", "", false, ""},
	"an empty file":                    {"# nobody", "me", "", false, ""},
	"certificate: by the authority":    {"me cert-authority %C", "me", "", true, "me"},
	"certificate: the second name":     {"* cert-authority %C", "other", "", true, "me other"},
	"certificate: one that matches":    {"o*,x cert-authority %C", "other", "", true, "other"},
	"certificate: none that matches":   {"x cert-authority %C", "x", "", false, ""},
	"certificate: no such name":        {"* cert-authority %C", "x", "", false, "me other"},
	"certificate: no cert-authority":   {"me %C", "me", "", false, ""},
	"certificate: its own key":         {"me cert-authority %K", "me", "", false, ""},
	"certificate: expired":             {"me cert-authority %C", "me", "20400101", false, ""},
	"certificate: not valid yet":       {"me cert-authority %C", "me", "20100101", false, ""},
	"certificate: another namespace":   {`me cert-authority,namespaces="git" %C`, "me", "", false, "me"},
	"certificate: line expired":        {`me cert-authority,valid-before="20200601" %C`, "me", "20210101", false, ""},
	"certificate: line not yet useful": {`me cert-authority,valid-after="20200601" %C`, "me", "20200301", false, ""},
}

// signature is that of a message by testkeys.ECDSA256, or its certificate,
// which is valid in the twenties and thirties.
func signature(t *testing.T, certificate bool) *hostkey.SSHSIG {
	t.Helper()
	if !certificate {
		return signMessage(t, testkeys.ECDSA256(), "file", "a message\n")
	}
	c := certified(t, func(c *hostkey.Certificate) {
		c.Principals, c.ValidAfter, c.ValidBefore = []string{"me", "other"}, 1577836800, 2208988800
	})
	s, err := hostkey.NewCertificateSigner(c, testkeys.ECDSA256())
	require.NoError(t, err)
	return signMessage(t, s, "file", "a message\n")
}

func TestAllowedSigners(t *testing.T) {
	for name, test := range signerCases {
		t.Run(name, func(t *testing.T) {
			a := signers(test.file)
			if test.at != "" {
				at, err := time.ParseInLocation("20060102", test.at, time.Local)
				require.NoError(t, err)
				a.Time = at
			}
			sig := signature(t, strings.HasPrefix(name, "certificate"))
			err := a.Verify(sig, test.principal, "file", strings.NewReader("a message\n"))
			if test.ok {
				require.NoError(t, err)
			} else {
				var refused *hostkey.SignerError
				require.ErrorAs(t, err, &refused)
				require.NotContains(t, err.Error(), "\n")
			}
			require.ErrorIs(t, a.Verify(sig, test.principal, "file", strings.NewReader("x")), hostkey.ErrSignature)
			require.Error(t, a.Verify(sig, test.principal, "git", strings.NewReader("a message\n")))
			require.Error(t, a.Verify(sig, "", "file", strings.NewReader("a message\n")))
			found, err := a.FindPrincipals(sig)
			require.Equal(t, test.found, strings.Join(found, " "))
			require.Equal(t, test.found == "", err != nil)
		})
	}
}

// ssh-keygen says the same.
func TestSSHKeygenAgreesOnSigners(t *testing.T) {
	for name, test := range signerCases {
		t.Run(name, func(t *testing.T) {
			sig := writeFile(t, "sig", signature(t, strings.HasPrefix(name, "certificate")).Armor())
			file := writeFile(t, "allowed_signers", []byte(signersFile(test.file)+"\n"))
			args := []string{"-s", sig, "-f", file}
			if test.at != "" {
				args = append(args, "-O", "verify-time="+test.at)
			}
			verify := exec.Command(needSSHKeygen(t), append([]string{"-Y", "verify", "-n", "file", "-I", test.principal}, args...)...)
			verify.Stdin = strings.NewReader("a message\n")
			out, err := verify.CombinedOutput()
			require.Equal(t, test.ok, err == nil, "%s", out)
			out, _ = exec.Command(needSSHKeygen(t), append([]string{"-Y", "find-principals"}, args...)...).Output()
			require.Equal(t, test.found, strings.Join(strings.Fields(string(out)), " "))
		})
	}
}

func TestMatchPrincipals(t *testing.T) {
	file := "alice@example.com,*@example.org %K\n*@example.* namespaces=\"git\" %O\n!bob@example.com,* cert-authority %C\nmallory %K\n"
	a := signers(file)
	path := writeFile(t, "allowed_signers", []byte(signersFile(file)))
	for principal, lines := range map[string]int{"alice@example.com": 3, "bob@example.com": 1, "x@example.org": 3, "mallory": 2, "nobody": 1, "*": 1} {
		got := a.MatchPrincipals(principal)
		require.Len(t, got, lines, principal)
		out, err := exec.Command(needSSHKeygen(t), "-Y", "match-principals", "-I", principal, "-f", path).Output()
		require.NoError(t, err)
		require.Equal(t, strings.Fields(string(out)), got, principal)
	}
	require.Empty(t, a.MatchPrincipals(""))
	require.Empty(t, new(hostkey.AllowedSigners).MatchPrincipals("x"))
}

func TestAllowedSignersRevoked(t *testing.T) {
	a := signers("me %K\nme cert-authority %C")
	for _, certificate := range []bool{false, true} {
		sig := signature(t, certificate)
		for _, key := range []hostkey.Signer{testkeys.ECDSA256(), testkeys.Ed25519()} {
			var l hostkey.KRL
			l.RevokeKey(key.PublicKey())
			a.Revoked = l.Check
			err := a.Verify(sig, "me", "file", strings.NewReader("a message\n"))
			var revoked *hostkey.RevokedError
			require.Equal(t, certificate || key == testkeys.ECDSA256(), errors.As(err, &revoked), "%v", err)
		}
	}
}

// J1: a certificate is not understood for a message either if it has a critical
// option that nobody knows; those of logins do not matter.
func TestAllowedSignersCriticalOptions(t *testing.T) {
	a := signers("alice cert-authority %C")
	verify := func(change func(*hostkey.Certificate), s hostkey.Signer) error {
		c := certified(t, func(c *hostkey.Certificate) { c.Key = s.PublicKey(); change(c) })
		signer, err := hostkey.NewCertificateSigner(c, s)
		require.NoError(t, err)
		return a.Verify(signMessage(t, signer, "file", "x"), "alice", "file", strings.NewReader("x"))
	}
	require.NoError(t, verify(critical("force-command", "ls"), testkeys.ECDSA256()))
	var refused *hostkey.CertificateError
	require.ErrorAs(t, verify(critical("x@example.com", ""), testkeys.ECDSA256()), &refused)
	require.Equal(t, hostkey.UnknownOption, refused.Reason)
	require.ErrorContains(t, verify(func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate }, testkeys.ECDSA256()), "host certificate")
	verifyRequired := func(c *hostkey.Certificate) {
		c.CriticalOptions = []hostkey.CertificateOption{{Name: "verify-required"}}
	}
	key := testkeys.SKEd25519()
	require.ErrorContains(t, verify(verifyRequired, key), "user verification")
	key.Flags |= hostkey.UserVerified
	require.NoError(t, verify(verifyRequired, key))
}
