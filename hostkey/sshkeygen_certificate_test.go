package hostkey_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// parseLine parses the key or certificate of a public key file.
func parseLine(t *testing.T, path string) hostkey.PublicKey {
	t.Helper()
	line, err := os.ReadFile(path)
	require.NoError(t, err)
	b, err := base64.StdEncoding.DecodeString(strings.Fields(string(line))[1])
	require.NoError(t, err)
	k, err := hostkey.ParsePublicKey(b)
	require.NoError(t, err)
	require.Equal(t, b, k.Marshal())
	return k
}

// Certificates that ssh-keygen makes are read, of each kind of key by each kind
// of authority.
func TestReadsSSHKeygenCertificates(t *testing.T) {
	dir := t.TempDir()
	authorities := map[string]string{}
	for name, pem := range map[string]string{"ed25519": "ed25519", "ecdsa": "ecdsa384", "rsa": "rsa2048"} {
		authorities[name] = filepath.Join(dir, "ca-"+name)
		require.NoError(t, os.WriteFile(authorities[name], testkeys.PEM(pem), 0o600))
	}
	for _, s := range subjects() {
		for name, ca := range authorities {
			t.Run(s.PublicKey().Type()+" by "+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "id.pub")
				require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(s.PublicKey(), ""), 0o600))
				sshKeygen(t, "-q", "-s", ca, "-I", "an id", "-n", "alice,bob", "-z", "42", "-V", "20200101000000Z:20380101000000Z",
					"-O", "force-command=ls -l", "-O", "no-pty", "-O", "source-address=192.0.2.0/24", "-O", "extension:x@example.com=y", path)
				c := parseLine(t, strings.TrimSuffix(path, ".pub")+"-cert.pub").(*hostkey.Certificate)
				require.True(t, hostkey.Equal(s.PublicKey(), c.Key))
				require.Equal(t, hostkey.UserCertificate, c.Kind)
				require.Equal(t, "an id", c.KeyID)
				require.Equal(t, []string{"alice", "bob"}, c.Principals)
				require.EqualValues(t, 42, c.Serial)
				require.EqualValues(t, 1577836800, c.ValidAfter)
				require.EqualValues(t, 2145916800, c.ValidBefore)
				require.Equal(t, []hostkey.CertificateOption{
					{Name: "force-command", Data: blob("ls -l")}, {Name: "source-address", Data: blob("192.0.2.0/24")}}, c.CriticalOptions)
				var names []string
				for _, e := range c.Extensions {
					names = append(names, e.Name)
				}
				require.Equal(t, []string{"permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-user-rc",
					"x@example.com"}, names)
				require.NoError(t, c.CheckSignature())
			})
		}
	}
	t.Run("host, for ever, for nobody", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "id.pub")
		require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), ""), 0o600))
		sshKeygen(t, "-q", "-h", "-s", authorities["ed25519"], "-I", "", path)
		c := parseLine(t, strings.TrimSuffix(path, ".pub")+"-cert.pub").(*hostkey.Certificate)
		require.Equal(t, hostkey.HostCertificate, c.Kind)
		require.Empty(t, c.Principals)
		require.Empty(t, c.Extensions)
		require.Zero(t, c.ValidAfter)
		require.Equal(t, ^uint64(0), c.ValidBefore)
	})
}

// Certificates that are made here ssh-keygen reads, and it agrees about what is
// in them.
func TestSSHKeygenReadsCertificates(t *testing.T) {
	for _, s := range subjects() {
		for _, ca := range subjects() {
			t.Run(s.PublicKey().Type()+" by "+ca.PublicKey().Type(), func(t *testing.T) {
				c := certify(t, s.PublicKey(), ca)
				path := filepath.Join(t.TempDir(), "id-cert.pub")
				require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(c, ""), 0o600))
				out := sshKeygen(t, "-L", "-f", path)
				for _, want := range []string{
					c.Type() + " user certificate", hostkey.Fingerprint(s.PublicKey()), hostkey.Fingerprint(ca.PublicKey()),
					`Key ID: "alice's key"`, "Serial: 18446744073709551615", "force-command ls", "source-address 192.0.2.0/24",
					"alice\n", "root\n", "permit-pty", "a@example.com UNKNOWN",
				} {
					require.Contains(t, out, want)
				}
			})
		}
	}
}
