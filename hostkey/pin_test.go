package hostkey_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func TestPin(t *testing.T) {
	host := hostkey.Host{Name: "example.com:22"}
	a, b := testkeys.Ed25519().PublicKey(), testkeys.RSA2048().PublicKey()
	other := testkeys.Ed25519Other().PublicKey()

	v := hostkey.Pin(a, b)
	require.NoError(t, v.VerifyHostKey(t.Context(), host, a))
	require.NoError(t, v.VerifyHostKey(t.Context(), host, b))

	err := v.VerifyHostKey(t.Context(), host, other)
	var pin *hostkey.PinError
	require.ErrorAs(t, err, &pin)
	require.Equal(t, host, pin.Host)
	require.Equal(t, other, pin.Key)
	require.Equal(t, []hostkey.PublicKey{a, b}, pin.Want)
	require.ErrorContains(t, err, `"example.com:22" presented the ssh-ed25519 key `+hostkey.Fingerprint(other))
	require.ErrorContains(t, err, hostkey.Fingerprint(a)+" or "+hostkey.Fingerprint(b))

	require.Equal(t, []string{"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"},
		v.(hostkey.AlgorithmChooser).HostKeyAlgorithms(host)[:3])
}

func TestPinOfNothingDenies(t *testing.T) {
	for _, v := range []hostkey.Verifier{hostkey.Pin(), hostkey.Pin(nil, nil)} {
		err := v.VerifyHostKey(t.Context(), hostkey.Host{Name: "h"}, testkeys.Ed25519().PublicKey())
		require.ErrorContains(t, err, `no key is pinned for "h"`)
		require.ErrorContains(t, v.VerifyHostKey(t.Context(), hostkey.Host{}, nil), "no key")
	}
	require.Error(t, hostkey.Pin(testkeys.Ed25519().PublicKey()).VerifyHostKey(t.Context(), hostkey.Host{}, nil))
}

func TestInsecureAcceptAny(t *testing.T) {
	v := hostkey.InsecureAcceptAny()
	require.NoError(t, v.VerifyHostKey(t.Context(), hostkey.Host{}, testkeys.Ed25519().PublicKey()))
	_, chooses := v.(hostkey.AlgorithmChooser)
	require.False(t, chooses)
}
