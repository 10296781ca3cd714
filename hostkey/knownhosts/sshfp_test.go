package knownhosts_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A zone is a resolver with one answer.
type zone struct {
	records       []knownhosts.SSHFP
	authenticated bool
	err           error
	asked         []string
}

func (z *zone) LookupSSHFP(_ context.Context, name string) ([]knownhosts.SSHFP, bool, error) {
	z.asked = append(z.asked, name)
	return z.records, z.authenticated, z.err
}

// match returns the records of a key.
func match(k hostkey.PublicKey) []knownhosts.SSHFP {
	number := map[string]uint8{"ssh-rsa": 1, "ecdsa-sha2-nistp256": 3, "ssh-ed25519": 4, "ssh-ed448": 6}[k.Type()]
	weak, strong := sha1.Sum(k.Marshal()), sha256.Sum256(k.Marshal())
	return []knownhosts.SSHFP{{Algorithm: number, Type: 1, Fingerprint: weak[:]}, {Algorithm: number, Type: 2, Fingerprint: strong[:]}}
}

func TestSSHFP(t *testing.T) {
	good, wrong := match(key), match(other)
	for _, test := range []struct {
		name    string
		records []knownhosts.SSHFP
		secure  bool
		want    knownhosts.SSHFPAnswer
	}{
		{"nothing", nil, true, knownhosts.SSHFPNone},
		{"RFC 6594 4.2: SHA-256", good[1:], true, knownhosts.SSHFPAuthenticated},
		{"both", good, true, knownhosts.SSHFPAuthenticated},
		{"RFC 4255 2.4: not authenticated", good, false, knownhosts.SSHFPMatch},
		{"SHA-1 alone", good[:1], true, knownhosts.SSHFPMatch},
		{"RFC 6594 4.1: SHA-256 differs, SHA-1 does not", append(good[:1:1], wrong[1]), true, knownhosts.SSHFPMismatch},
		{"one of several", append(wrong[1:2:2], good[1]), true, knownhosts.SSHFPAuthenticated},
		{"another key", wrong, true, knownhosts.SSHFPMismatch},
		{"another algorithm", match(rsa), true, knownhosts.SSHFPMismatch},
		{"the fingerprint under another algorithm", []knownhosts.SSHFP{{Algorithm: 1, Type: 2, Fingerprint: good[1].Fingerprint}}, true, knownhosts.SSHFPMismatch},
		{"algorithm 0", []knownhosts.SSHFP{{Algorithm: 0, Type: 2, Fingerprint: good[1].Fingerprint}}, true, knownhosts.SSHFPMismatch},
		{"SHA-256 as type 1", []knownhosts.SSHFP{{Algorithm: 4, Type: 1, Fingerprint: good[1].Fingerprint}}, true, knownhosts.SSHFPMismatch},
		{"type 0", []knownhosts.SSHFP{{Algorithm: 4, Fingerprint: good[1].Fingerprint}}, true, knownhosts.SSHFPMismatch},
		{"no fingerprint", []knownhosts.SSHFP{{Algorithm: 4, Type: 2}}, true, knownhosts.SSHFPMismatch},
		{"cut", []knownhosts.SSHFP{{Algorithm: 4, Type: 2, Fingerprint: good[1].Fingerprint[:31]}}, true, knownhosts.SSHFPMismatch},
		{"longer", []knownhosts.SSHFP{{Algorithm: 4, Type: 2, Fingerprint: append(good[1].Fingerprint[:32:32], 0)}}, true, knownhosts.SSHFPMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			z := &zone{records: test.records, authenticated: test.secure}
			path := write(t)
			var asked *knownhosts.Question
			config := knownhosts.Config{Files: []string{path}, SSHFP: z, TrustSSHFP: true, Policy: knownhosts.Ask,
				Ask: func(_ context.Context, q *knownhosts.Question) (bool, error) {
					asked = q
					return false, nil
				}}
			err := knownhosts.New(config).VerifyHostKey(t.Context(), host("Example.com.:2222"), key)
			require.Equal(t, []string{"example.com"}, z.asked)
			require.Empty(t, read(t, path), "nothing is added on account of DNS")
			if test.want == knownhosts.SSHFPAuthenticated {
				require.NoError(t, err)
				require.Nil(t, asked)
			} else {
				require.ErrorIs(t, err, knownhosts.ErrDeclined)
				require.Equal(t, test.want, asked.SSHFP)
				require.Equal(t, test.want != knownhosts.SSHFPNone, strings.Contains(asked.String(), "DNS has "))
			}

			config.TrustSSHFP, config.Policy = false, knownhosts.Strict
			var refused *knownhosts.KeyError
			require.ErrorAs(t, knownhosts.New(config).VerifyHostKey(t.Context(), host("example.com"), key), &refused)
			require.Equal(t, test.want, refused.SSHFP)
			require.Equal(t, test.want != knownhosts.SSHFPNone, strings.Contains(refused.Error(), "DNS"))

			config.Policy = knownhosts.AcceptNew
			err = knownhosts.New(config).VerifyHostKey(t.Context(), host("example.com"), key)
			require.Equal(t, test.want == knownhosts.SSHFPMismatch, err != nil, "accept-new heeds a warning")
		})
	}
}

// CVE-2014-2653: what a server presents must not keep the client from asking,
// and what DNS says comes after what the files say.
func TestSSHFPAndFiles(t *testing.T) {
	z := &zone{records: match(key), authenticated: true}
	config := knownhosts.Config{SSHFP: z, TrustSSHFP: true}
	config.Files = []string{write(t, entry("changed", other), entry("known", key), entry("@revoked revoked", key))}
	var warned error
	config.Warn = func(err error) { warned = err }
	v := knownhosts.New(config)
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("changed:22"), key), knownhosts.ErrChanged)
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("revoked:22"), key), knownhosts.ErrRevoked)
	require.NoError(t, v.VerifyHostKey(t.Context(), host("known:22"), key))
	require.Empty(t, z.asked)
	require.NoError(t, v.VerifyHostKey(t.Context(), host("certified.test"), certify(t, nil)), "a certificate has a key, too")
	for _, address := range []string{"192.0.2.1:22", "[2001:db8::1]:22", "2001:db8::1", "[fe80::1%eth0]:22"} {
		require.ErrorIs(t, v.VerifyHostKey(t.Context(), host(address), key), knownhosts.ErrUnknown)
	}
	require.Equal(t, []string{"certified.test"}, z.asked, "addresses have no records")

	z.err = errTest
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("new.test"), key), knownhosts.ErrUnknown)
	require.ErrorIs(t, warned, errTest)

	aliased := knownhosts.New(knownhosts.Config{SSHFP: &zone{records: match(key), authenticated: true}, TrustSSHFP: true, Alias: "alias"})
	require.NoError(t, aliased.VerifyHostKey(t.Context(), host("real.test"), key), "DNS knows no aliases")
}

func TestSSHFPAnswerString(t *testing.T) {
	require.Contains(t, knownhosts.SSHFPAuthenticated.String(), "in an authenticated answer")
	require.Equal(t, "no fingerprint", knownhosts.SSHFPNone.String())
	require.Equal(t, "SSHFPAnswer(9)", knownhosts.SSHFPAnswer(9).String())
}

// RFC 8709, section 7, and keys without a number.
func TestSSHFPOfOtherFormats(t *testing.T) {
	s, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	v := knownhosts.New(knownhosts.Config{SSHFP: &zone{records: match(s.PublicKey()), authenticated: true}, TrustSSHFP: true})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h.test"), s.PublicKey()))
	sk := testkeys.SKEd25519().PublicKey()
	v = knownhosts.New(knownhosts.Config{SSHFP: &zone{records: match(sk), authenticated: true}, TrustSSHFP: true})
	require.Error(t, v.VerifyHostKey(t.Context(), host("h.test"), sk))
}

// The records that ssh-keygen -r prints for a key match it.
func TestSSHFPOfSSHKeygen(t *testing.T) {
	keygen := sshKeygen(t)
	for _, k := range []hostkey.PublicKey{key, rsa, p256, testkeys.ECDSA521().PublicKey()} {
		path := filepath.Join(t.TempDir(), "key.pub")
		require.NoError(t, exec.Command("cp", write(t, string(hostkey.MarshalAuthorizedKey(k, ""))), path).Run())
		out, err := exec.Command(keygen, "-r", "h.test", "-f", path).Output()
		require.NoError(t, err)
		var records []knownhosts.SSHFP
		for line := range strings.Lines(string(out)) {
			var r knownhosts.SSHFP
			var digits string
			_, err := fmt.Sscanf(line, "h.test IN SSHFP %d %d %s", &r.Algorithm, &r.Type, &digits)
			require.NoError(t, err, line)
			r.Fingerprint, err = hex.DecodeString(digits)
			require.NoError(t, err)
			records = append(records, r)
		}
		require.Len(t, records, 2)
		v := knownhosts.New(knownhosts.Config{SSHFP: &zone{records: records, authenticated: true}, TrustSSHFP: true})
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h.test"), k))
		require.Error(t, v.VerifyHostKey(t.Context(), host("h.test"), other))
	}
}
