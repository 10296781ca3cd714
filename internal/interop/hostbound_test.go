package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A user's signature is bound to the host key wherever both ends know how
// (OpenSSH PROTOCOL, section 3.1): what each says of it is looked at.
func TestHostBound(t *testing.T) {
	const method = "publickey-hostbound-v00@openssh.com"
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server, "LogLevel=DEBUG3")
		// With two keys whelk asks first, and knows by then what the server takes.
		r := s.run(t, p.client, "echo in", "-vvv", "-i", otherKeys.file(t, hostkey.Ed25519), "-i", userKeyFile(t, hostkey.Ed25519))
		require.Equal(t, "in\n", r.stdout, r.stderr)
		require.Contains(t, r.stderr, method)
		if p.server == whelkd {
			require.Eventually(t, func() bool {
				for line := range strings.Lines(s.log.String()) {
					if strings.Contains(line, "msg=read") && strings.Contains(line, method) && strings.Contains(line, "signature") {
						return true
					}
				}
				return false
			}, patience, patience/1000)
			return
		}
		require.Contains(t, s.log.String(), method, "sshd says which method it was")
	})
}
