package hostkey_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// securityKeyFile is the file of a security key (OpenSSH PROTOCOL.u2f, SSH U2F
// Key Formats).
func securityKeyFile(s *testkeys.Authenticator) *private {
	public := s.PublicKey().Marshal()
	p := validPrivate()
	p.public = public
	p.key = append(append([]byte(nil), public...), byte(hostkey.UserPresent|hostkey.Resident))
	p.key = append(p.key, blob("a handle", "reserved")...)
	p.comment = "a device"
	p.pad()
	return p
}

func TestDeviceKey(t *testing.T) {
	for _, s := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
		t.Run(s.PublicKey().Type(), func(t *testing.T) {
			k, err := hostkey.ParsePrivateKeyFile(securityKeyFile(s).encode(), nil)
			require.NoError(t, err)
			require.Nil(t, k.Key)
			require.Equal(t, "a device", k.Comment)
			require.True(t, hostkey.Equal(s.PublicKey(), k.PublicKey()))
			require.Equal(t, []string{s.PublicKey().Type()}, k.Algorithms())
			device := k.Signer.(*hostkey.DeviceKey)
			require.Equal(t, hostkey.UserPresent|hostkey.Resident, device.Flags)
			require.Equal(t, "a handle", string(device.Handle))
			require.Equal(t, "reserved", string(device.Reserved))
			require.Equal(t, "ssh:", device.Key.Application())

			_, err = k.Sign(t.Context(), k.Algorithms()[0], nil)
			var missing *hostkey.DeviceError
			require.ErrorAs(t, err, &missing)
			require.ErrorContains(t, err, "ssh-add")
			require.True(t, hostkey.Equal(s.PublicKey(), missing.Key))
		})
	}
}

func TestDeviceKeyRefuses(t *testing.T) {
	for name, change := range map[string]func(*private){
		"without reserved":      func(p *private) { p.key = p.key[:len(p.key)-4-8] },
		"without handle":        func(p *private) { p.key = p.key[:len(p.public)+1] },
		"without flags":         func(p *private) { p.key = p.key[:len(p.public)] },
		"the key of another":    func(p *private) { p.public = testkeys.SKECDSA256().PublicKey().Marshal() },
		"a key of small order":  func(p *private) { clear(p.key[4+26+4 : 4+26+4+32]) },
		"an application of NUL": func(p *private) { p.key[4+26+4+32+4] = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			p := securityKeyFile(testkeys.SKEd25519())
			change(p)
			p.comment = ""
			p.pad()
			_, err := hostkey.ParsePrivateKeyFile(p.encode(), nil)
			var format *hostkey.KeyFormatError
			require.ErrorAs(t, err, &format)
		})
	}
}
