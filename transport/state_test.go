package transport

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// OpenSSH PROTOCOL.agent, section 1: the signature that an agent is shown is
// that of the first exchange, however many follow.
func TestHostKeySignature(t *testing.T) {
	for _, key := range testkeys.All() {
		t.Run(key.PublicKey().Type(), func(t *testing.T) {
			c, s := newPair(t, &Config{Verifier: hostkey.Pin(key.PublicKey()), Rekey: RekeyPolicy{Packets: 10}},
				&Config{HostKeys: []hostkey.Signer{key}})
			check := func(state State) {
				sig, err := hostkey.ParseSignature(state.HostKeySignature)
				require.NoError(t, err)
				require.NoError(t, hostkey.Verify(state.HostKey, state.HostKeyAlgorithm, state.SessionID, sig))
			}
			check(c.State())
			check(s.State())
			first := c.State().HostKeySignature
			exchangeData(t, c, s, 100, 100)
			require.Greater(t, c.State().KeyExchangesFinished, 1)
			require.Equal(t, first, c.State().HostKeySignature)
			check(c.State())

			c.State().HostKeySignature[0]++
			check(c.State())
		})
	}
}
