package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// This machine vouches for its user, who logs in to sshd as somebody else and
// to whelkd as the same. RFC 4252, section 9.
func TestHostbased(t *testing.T) {
	machine := hostKeyFile(t, hostkey.ECDSA256)
	file := func(t *testing.T, content string) string {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	known := "localhost " + string(hostkey.MarshalAuthorizedKey(publicKey(t, machine), ""))
	other := "localhost " + string(hostkey.MarshalAuthorizedKey(publicKey(t, otherKeys.file(t, hostkey.ECDSA256)), ""))
	for _, tt := range []struct {
		name           string
		known, trusted string
		ok             bool
	}{
		{"trusted", known, "localhost\n", true},
		{"trusted by the user's name", known, "localhost " + userName(t) + "\n", true},
		{"another user trusted", known, "localhost mallory\n", false},
		{"refused", known, "-localhost\nlocalhost\n", false},
		{"another key known", other, "localhost\n", false},
		{"no key known", "", "localhost\n", false},
		{"not trusted", known, "", false},
	} {
		for _, p := range pairs {
			if p.server == sshd {
				continue // whose files cannot be named
			}
			between(t, p.String()+", "+tt.name, p.programs(), func(t *testing.T) {
				t.Parallel()
				s := serve(t, whelkd, "HostbasedAuthentication=yes", "PubkeyAuthentication=no",
					"KnownHostsFile="+file(t, tt.known), "TrustedHostsFile="+file(t, tt.trusted), "LogLevel=INFO")
				c, options := p.client, []string{"-o", "HostbasedAuthentication=yes", "-o", "PreferredAuthentications=hostbased"}
				if c == ssh {
					c = newSystem(t).within(t, ssh)
				} else {
					options = append(options, "-o", "HostbasedKeyFile="+machine)
				}
				r := s.run(t, c, "echo in", options...)
				require.Equal(t, tt.ok, r.status == 0, "%s%s", r.stderr, s.log.String())
				require.Equal(t, tt.ok, strings.Contains(s.log.String(), "methods=[hostbased]"))
			})
		}
	}
	for _, p := range pairs {
		if p.server != sshd {
			continue
		}
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			s := serve(t, sys.within(t, sshd), "HostbasedAuthentication=yes", "HostbasedUsesNameFromPacketOnly=yes", "PubkeyAuthentication=no")
			options := []string{"-l", sys.other, "-o", "HostbasedAuthentication=yes", "-o", "PreferredAuthentications=hostbased"}
			c := p.client
			if c == ssh {
				c = sys.within(t, ssh)
			} else {
				options = append(options, "-o", "HostbasedKeyFile="+machine)
			}
			r := s.run(t, c, "echo in", options...)
			require.Equal(t, "in\n", r.stdout, r.stderr)
			if p.client == whelk {
				options[len(options)-1] = "HostbasedKeyFile=" + otherKeys.file(t, hostkey.ECDSA256)
				require.Equal(t, 255, s.run(t, c, "echo in", options...).status)
			}
		})
	}
}
