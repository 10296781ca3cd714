//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// RevokedHostKeys refuses what ssh refuses, as a list of keys or a KRL, and
// everything if a file is not there.
func TestRevokedHostKeys(t *testing.T) {
	s := startSSHD(t)
	list := new(hostkey.KRL)
	list.RevokeKey(testkeys.Ed25519Other().PublicKey())
	s.write(t, "krl", string(list.Marshal()))
	s.write(t, "keys", "# gone\n"+string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")))
	s.write(t, "others", string(hostkey.MarshalAuthorizedKey(testkeys.RSA2048().PublicKey(), "")))
	for _, test := range []struct {
		files string
		why   string // "" if the host is accepted
	}{
		{s.path("krl"), "which is revoked: do not connect, and ask who runs the host for its key (revoked keys " + s.path("krl")},
		{s.path("keys"), "which is revoked: do not connect"},
		{s.path("others"), ""},
		{s.path("others") + " " + s.path("krl"), "which is revoked: do not connect"},
		{s.path("none"), "no host is accepted while it is not known which keys are revoked"},
		{"none", ""},
	} {
		out, stderr, status := s.run("", "-oRevokedHostKeys="+test.files, "-oStrictHostKeyChecking=no", "@", "echo in")
		require.Equal(t, test.why == "", status == 0, stderr)
		require.Equal(t, test.why == "", out == "in\n")
		require.Contains(t, stderr, test.why)
		if !strings.Contains(test.files, " ") { // OpenSSH takes one before 10.0
			_, said, status := s.ssh(t, "known", "RevokedHostKeys="+test.files, "StrictHostKeyChecking=no")
			require.Equal(t, test.why == "", status == 0, "ssh agrees: %s", said)
		}
	}
}
