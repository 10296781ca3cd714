package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// In FIPS 140-3 mode -Q lists what is approved, and nothing else can be named.
func TestFIPSQueries(t *testing.T) {
	t.Setenv("GODEBUG", "fips140=on")
	for topic, want := range map[string]string{
		"cipher":      "aes128-gcm@openssh.com aes256-gcm@openssh.com aes128-ctr aes192-ctr aes256-ctr aes128-cbc aes192-cbc aes256-cbc",
		"cipher-auth": "aes128-gcm@openssh.com aes256-gcm@openssh.com",
		"mac":         "hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha2-256 hmac-sha2-512",
		"kex":         "mlkem768nistp256-sha256 mlkem1024nistp384-sha384 ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"key-sig":     strings.Join(slices.Concat(hostkey.Default(), hostkey.Optional()), " "),
	} {
		require.Equal(t, strings.Fields(want), queryOf(t, whelk, topic), topic)
	}
	for _, o := range []string{
		"Ciphers=+chacha20-poly1305@openssh.com", "MACs=umac-128-etm@openssh.com", "KexAlgorithms=curve25519-sha256", "KexAlgorithms=+curve448-sha512",
		"KexAlgorithms=+diffie-hellman-group14-sha256", "HostKeyAlgorithms=+ssh-ed448", "PubkeyAcceptedAlgorithms=+ssh-rsa",
	} {
		_, stderr, status := capture(exec.Command(whelk, "-F", "none", "-o", o, "host"), "")
		require.Equal(t, failure, status, o)
		require.Contains(t, stderr, "in FIPS 140-3 mode", o)
	}
}

// A host that is not in the mode has something approved.
func TestFIPSWithOpenSSH(t *testing.T) {
	s := startSSHD(t)
	t.Setenv("GODEBUG", "fips140=on")
	stdout, stderr, status := s.run("through\n", "-v", "@", "cat")
	require.Zero(t, status, stderr)
	require.Equal(t, "through\n", stdout)
	require.Contains(t, stderr, "kex: algorithm: ecdh-sha2-nistp256")
	require.Contains(t, stderr, "cipher: aes128-gcm@openssh.com")
	_, stderr, status = s.run("", "-v", "-c", "aes256-ctr", "@", "true")
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "MAC: hmac-sha2-256-etm@openssh.com")

	s = startSSHD(t, "KexAlgorithms=curve25519-sha256,sntrup761x25519-sha512@openssh.com,diffie-hellman-group14-sha256")
	_, stderr, status = s.run("", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "no common key exchange")
}

// Two in the mode agree on what withstands quantum computers all the same, also
// where whatever is not approved would fail or panic.
func TestFIPSWithWhelkd(t *testing.T) {
	whelkd := filepath.Join(t.TempDir(), "whelkd")
	out, err := exec.Command("go", "build", "-o", whelkd, "../../server/whelkd").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, mode := range []string{"on", "only"} {
		t.Run(mode, func(t *testing.T) { testFIPSWithWhelkd(t, whelkd, mode) })
	}
}

func testFIPSWithWhelkd(t *testing.T, whelkd, mode string) {
	t.Setenv("GODEBUG", "fips140="+mode)
	s := &sshd{dir: t.TempDir()}
	s.write(t, "host", string(testkeys.PEM("ed25519-other")))
	s.write(t, "user", string(testkeys.PEM("ed25519")))
	s.write(t, "authorized", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	s.cmd = exec.Command(whelkd, "-p", "0", "-h", s.path("host"), "-a", s.path("authorized"))
	stderr, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	_, s.port, _ = strings.Cut(strings.TrimSpace(line), "listening on 127.0.0.1:")
	s.write(t, "known", s.knownLine(testkeys.Ed25519Other()))

	for _, flags := range [][]string{nil, {"-c", "aes128-ctr"}, {"-oKexAlgorithms=mlkem1024nistp384-sha384"}, {"-oRekeyLimit=16"}} {
		stdout, said, status := s.run("through\n", append(append([]string{"-v"}, flags...), "@", "cat")...)
		require.Zero(t, status, said)
		require.Equal(t, "through\n", stdout)
		require.Regexp(t, "kex: algorithm: mlkem(768nistp256-sha256|1024nistp384-sha384)", said)
		require.NotContains(t, said, "not post-quantum")
	}
	t.Setenv("GODEBUG", "")
	_, said, status := s.run("", "-v", "@", "true")
	require.Zero(t, status, said)
	require.Contains(t, said, "kex: algorithm: ecdh-sha2-nistp256", "who is not in the mode does not offer the hybrids")
	_, said, status = s.run("", "-oKexAlgorithms=curve25519-sha256", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, said, "no common key exchange")
}
