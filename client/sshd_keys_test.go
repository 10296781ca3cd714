package client

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// with is a signer that signs with one algorithm only.
type with struct {
	hostkey.Signer
	algorithm string
}

func (w with) Algorithms() []string { return []string{w.algorithm} }

// authorized returns the option for a file of authorized keys.
func authorized(t *testing.T, keys ...hostkey.Signer) string {
	t.Helper()
	var file []byte
	for _, k := range keys {
		file = append(file, hostkey.MarshalAuthorizedKey(k.PublicKey(), "")...)
	}
	return "AuthorizedKeysFile=" + keyFile(t, "authorized", file)
}

func keyFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// logIn logs in with one key.
func logIn(t *testing.T, address string, config *Config, key hostkey.Signer) error {
	t.Helper()
	c := *config
	c.Auth = []userauth.Method{userauth.PublicKey(key)}
	conn, err := Dial(t.Context(), "tcp", address, &c)
	if err != nil {
		return err
	}
	defer conn.Close()
	out, err := conn.Command("echo in").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, "in\n", string(out))
	return nil
}

// sshd lets security keys in that are in software, and sign as PROTOCOL.u2f
// says, unless nobody touched them.
func TestOpenSSHSecurityKeys(t *testing.T) {
	ed, ec := testkeys.SKEd25519(), testkeys.SKECDSA256()
	address, config := sshd(t, authorized(t, ed, ec), "PubkeyAcceptedAlgorithms=+"+hostkey.WebAuthnECDSA256)
	require.NoError(t, logIn(t, address, config, ed))
	require.NoError(t, logIn(t, address, config, ec))
	require.NoError(t, logIn(t, address, config, with{ec, hostkey.WebAuthnECDSA256}))
	ed.Flags, ec.Flags = 0, hostkey.UserVerified
	require.Error(t, logIn(t, address, config, ed), "G12")
	require.Error(t, logIn(t, address, config, ec), "G12")
}

// sshd lets the holders of our certificates in, of each kind of key.
func TestOpenSSHUserCertificates(t *testing.T) {
	ca := testkeys.ECDSA384()
	address, config := sshd(t, "AuthorizedKeysFile=none", "TrustedUserCAKeys="+keyFile(t, "ca", hostkey.MarshalAuthorizedKey(ca.PublicKey(), "")))
	for _, key := range append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256()) {
		c := &hostkey.Certificate{
			Key: key.PublicKey(), Kind: hostkey.UserCertificate, KeyID: "test", Principals: []string{config.User}, ValidBefore: 1<<64 - 1,
			Extensions: []hostkey.CertificateOption{{Name: "permit-pty"}},
		}
		require.NoError(t, c.Certify(t.Context(), ca))
		signer, err := hostkey.NewCertificateSigner(c, key)
		require.NoError(t, err)
		for _, algorithm := range signer.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				require.NoError(t, logIn(t, address, config, with{signer, algorithm}))
			})
		}
		require.NoError(t, logIn(t, address, config, signer), "sshd lists %s without its certificates", key.PublicKey().Type())
		require.Error(t, logIn(t, address, config, key), "the key itself is not authorized")
	}
}

// The certificate of a host that sshd presents is verified, as far as a
// certificate is here.
func TestOpenSSHHostCertificate(t *testing.T) {
	for _, name := range []string{"ed25519", "ecdsa521", "rsa2048"} {
		key, err := hostkey.ParsePrivateKey(testkeys.PEM(name), nil)
		require.NoError(t, err)
		c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"127.0.0.1"}, ValidBefore: 1<<64 - 1}
		require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519Other()))
		path := keyFile(t, "host", testkeys.PEM(name))
		address, config := sshd(t, "HostKey="+path, "HostCertificate="+keyFile(t, "host-cert.pub", hostkey.MarshalAuthorizedKey(c, "")))
		signer, err := hostkey.NewCertificateSigner(c, key)
		require.NoError(t, err)
		for _, algorithm := range signer.Algorithms() {
			config.HostKeys, config.Transport.HostKeyAlgorithms = hostkey.InsecureAcceptAny(), []string{algorithm}
			conn, err := Dial(t.Context(), "tcp", address, config)
			require.NoError(t, err)
			require.True(t, hostkey.Equal(c, conn.State().HostKey))
			conn.Close()
			config.HostKeys = hostkey.Pin(key.PublicKey())
			_, err = Dial(t.Context(), "tcp", address, config)
			var refused *hostkey.PinError
			require.ErrorAs(t, err, &refused)
		}
	}
}

// Hosts and users with nothing but SHA-1, when both sides were told to.
func TestOpenSSHInsecure(t *testing.T) {
	rsa, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	host := keyFile(t, "host", testkeys.PEM("rsa3072"))
	address, config := sshd(t, "HostKey="+host, authorized(t, rsa), "HostKeyAlgorithms=ssh-rsa", "PubkeyAcceptedAlgorithms=ssh-rsa", "RequiredRSASize=2048")
	config.HostKeys = hostkey.Pin(testkeys.RSA3072().PublicKey())
	require.ErrorAs(t, logIn(t, address, config, rsa), new(*transport.NegotiationError))
	config.Transport.HostKeyAlgorithms = []string{"ssh-rsa"}
	require.Error(t, logIn(t, address, config, rsa), "the host may sign over SHA-1, the user not")
	config.Transport.UserKeyAlgorithms = []string{"ssh-rsa"} // sshd announces rsa-sha2-512 whether it takes it or not
	require.NoError(t, logIn(t, address, config, rsa))
	require.Error(t, logIn(t, address, config, testkeys.RSA2048()), "the key was not told to")
}

func TestOpenSSHDSAHostKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dsa")
	// OpenSSH 10.0 has no DSA any more.
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen makes no DSA key: %s", out)
	}
	line, err := os.ReadFile(path + ".pub")
	require.NoError(t, err)
	key, err := hostkey.ParseAuthorizedKey([]byte(strings.TrimSpace(string(line))))
	require.NoError(t, err)
	address, config := sshd(t, "HostKey="+path, "HostKeyAlgorithms=ssh-dss")
	config.HostKeys = hostkey.Pin(key.Key)
	require.ErrorAs(t, logIn(t, address, config, testkeys.RSA2048()), new(*transport.NegotiationError))
	config.Transport.HostKeyAlgorithms = []string{"ssh-dss"}
	require.NoError(t, logIn(t, address, config, testkeys.RSA2048()))
}
