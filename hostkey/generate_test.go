package hostkey_test

import (
	"crypto/rsa"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

func TestGenerateKey(t *testing.T) {
	for _, c := range []struct {
		keyType string
		bits    int
		rsaBits int
	}{
		{hostkey.Ed25519, 0, 0}, {hostkey.Ed25519, 256, 0},
		{hostkey.ECDSA256, 0, 0}, {hostkey.ECDSA256, 256, 0},
		{hostkey.ECDSA384, 0, 0}, {hostkey.ECDSA384, 384, 0},
		{hostkey.ECDSA521, 0, 0}, {hostkey.ECDSA521, 521, 0},
		{hostkey.RSA, 0, 3072}, {hostkey.RSA, 2048, 2048},
	} {
		one, err := hostkey.GenerateKey(c.keyType, c.bits)
		require.NoError(t, err)
		require.Equal(t, c.keyType, publicOf(t, one).Type())
		if c.rsaBits != 0 {
			require.Equal(t, c.rsaBits, one.(*rsa.PrivateKey).N.BitLen())
			require.Equal(t, 65537, one.(*rsa.PrivateKey).E)
			continue
		}
		other, err := hostkey.GenerateKey(c.keyType, c.bits)
		require.NoError(t, err)
		require.False(t, hostkey.Equal(publicOf(t, one), publicOf(t, other)), "G15")
	}
}

func TestGenerateKeyRefuses(t *testing.T) {
	for _, c := range []struct {
		keyType string
		bits    int
		want    string
	}{
		{"", 0, `no format "": want one of ["ssh-ed25519"`},
		{hostkey.DSA, 1024, `no format "ssh-dss"`},
		{hostkey.SKEd25519, 0, "no format"},
		{hostkey.RSASHA512, 0, "no format"},
		{hostkey.Ed25519, 255, "with 255 bits: it has 256"},
		{hostkey.ECDSA256, 384, "with 384 bits: it has 256"},
		{hostkey.RSA, 2047, "from 2048 to 16384"},
		{hostkey.RSA, 16385, "from 2048 to 16384"},
		{hostkey.RSA, -1, "from 2048 to 16384"},
	} {
		k, err := hostkey.GenerateKey(c.keyType, c.bits)
		require.ErrorContains(t, err, c.want)
		require.Nil(t, k)
	}
}
