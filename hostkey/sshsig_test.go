package hostkey_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// The signatures that ssh-keygen makes and checks are files of their own
// (OpenSSH PROTOCOL.sshsig).
const (
	sshsigLabel     = "SSH SIGNATURE"
	sshsigMagic     = "SSHSIG"
	sshsigNamespace = "test@whelk"
)

// sshsigData returns what is signed instead of a message.
func sshsigData(message []byte) []byte {
	sum := sha512.Sum512(message)
	return append([]byte(sshsigMagic), blob(sshsigNamespace, "", "sha512", string(sum[:]))...)
}

// sshsig returns the file of a signature.
func sshsig(key hostkey.PublicKey, sig *hostkey.Signature) []byte {
	b := wire.AppendUint32([]byte(sshsigMagic), 1)
	b = append(b, blob(string(key.Marshal()), sshsigNamespace, "", "sha512", string(sig.Append(nil)))...)
	return pem.EncodeToMemory(&pem.Block{Type: sshsigLabel, Bytes: b})
}

// parseSSHSIG returns the key and the signature of a file.
func parseSSHSIG(t *testing.T, file []byte, more ...hostkey.Format) (hostkey.PublicKey, *hostkey.Signature) {
	t.Helper()
	block, _ := pem.Decode(file)
	require.NotNil(t, block)
	r := wire.NewReader(block.Bytes)
	require.Equal(t, sshsigMagic, string(r.Bytes(len(sshsigMagic))))
	require.EqualValues(t, 1, r.Uint32())
	key, err := hostkey.ParsePublicKey(r.Blob(), more...)
	require.NoError(t, err)
	require.Equal(t, sshsigNamespace, r.Text())
	require.Empty(t, r.Text())
	require.Equal(t, "sha512", r.Text())
	sig, err := hostkey.ParseSignature(r.Blob())
	require.NoError(t, err)
	require.NoError(t, r.End())
	return key, sig
}

// keygenVerifies asks ssh-keygen what it thinks of a signature.
func keygenVerifies(t *testing.T, key hostkey.PublicKey, sig *hostkey.Signature, message []byte) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sig")
	require.NoError(t, os.WriteFile(path, sshsig(key, sig), 0o600))
	cmd := exec.Command(needSSHKeygen(t), "-Y", "check-novalidate", "-n", sshsigNamespace, "-s", path)
	cmd.Stdin = bytes.NewReader(message)
	out, err := cmd.CombinedOutput()
	if err == nil {
		require.Contains(t, string(out), hostkey.Fingerprint(key))
	}
	return err == nil
}

// What is signed here, ssh-keygen verifies, and not if it is another text.
// Security keys are in software, and signed as PROTOCOL.u2f says.
func TestSSHKeygenVerifies(t *testing.T) {
	message := []byte("a message\n")
	type signing struct {
		signer    hostkey.Signer
		algorithm string
	}
	var all []signing
	for _, s := range testkeys.All() {
		for _, algorithm := range s.Algorithms() {
			all = append(all, signing{s, algorithm})
		}
	}
	all = append(all, signing{testkeys.SKEd25519(), hostkey.SKEd25519}, signing{testkeys.SKECDSA256(), hostkey.SKECDSA256},
		signing{testkeys.SKECDSA256(), hostkey.WebAuthnECDSA256})
	for _, c := range all {
		t.Run(c.algorithm, func(t *testing.T) {
			sig, err := c.signer.Sign(t.Context(), c.algorithm, sshsigData(message))
			require.NoError(t, err)
			require.NoError(t, c.signer.PublicKey().Verify(sshsigData(message), sig))
			require.True(t, keygenVerifies(t, c.signer.PublicKey(), sig, message))
			require.False(t, keygenVerifies(t, c.signer.PublicKey(), sig, []byte("another message\n")))
		})
	}
}

// A web site's extensions, and other members of what the browser says.
func TestSSHKeygenVerifiesWebAuthn(t *testing.T) {
	message := []byte("a message\n")
	for name, change := range map[string]func(*testkeys.Authenticator){
		"nothing besides":   func(a *testkeys.Authenticator) { a.Members = "}" },
		"another member":    func(a *testkeys.Authenticator) { a.Members = `,"crossOrigin":true,"other":"x"}` },
		"extensions":        func(a *testkeys.Authenticator) { a.Flags |= 0x80; a.Extensions = []byte{0xa0} },
		"user verified":     func(a *testkeys.Authenticator) { a.Flags |= hostkey.UserVerified },
		"application":       func(a *testkeys.Authenticator) { a.Application = "keys.example" },
		"counter of 2^32-1": func(a *testkeys.Authenticator) { a.Counter = 1<<32 - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			a := testkeys.SKECDSA256()
			change(a)
			sig, err := a.Sign(t.Context(), hostkey.WebAuthnECDSA256, sshsigData(message))
			require.NoError(t, err)
			require.NoError(t, a.PublicKey().Verify(sshsigData(message), sig))
			require.True(t, keygenVerifies(t, a.PublicKey(), sig, message))
		})
	}
}

// What ssh-keygen signs is verified here.
func TestVerifiesSSHKeygen(t *testing.T) {
	dir := t.TempDir()
	message := filepath.Join(dir, "message")
	require.NoError(t, os.WriteFile(message, []byte("a message\n"), 0o600))
	for name, args := range map[string][]string{
		"ssh-ed25519":         {"-t", "ed25519"},
		"ecdsa-sha2-nistp256": {"-t", "ecdsa", "-b", "256"},
		"ecdsa-sha2-nistp384": {"-t", "ecdsa", "-b", "384"},
		"ecdsa-sha2-nistp521": {"-t", "ecdsa", "-b", "521"},
		"rsa-sha2-512":        {"-t", "rsa", "-b", "2048"},
		"ssh-dss":             {"-t", "dsa"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			// OpenSSH 10.0 has no DSA any more.
			if err := exec.Command(needSSHKeygen(t), append([]string{"-q", "-N", "", "-f", path}, args...)...).Run(); err != nil {
				t.Skipf("ssh-keygen makes no such key: %v", err)
			}
			sshKeygen(t, "-Y", "sign", "-n", sshsigNamespace, "-f", path, message)
			file, err := os.ReadFile(message + ".sig")
			require.NoError(t, err)
			require.NoError(t, os.Remove(message+".sig"))
			key, sig := parseSSHSIG(t, file)
			require.Equal(t, name, sig.Algorithm)
			require.NoError(t, hostkey.Verify(key, name, sshsigData([]byte("a message\n")), sig))
			require.ErrorIs(t, hostkey.Verify(key, name, sshsigData([]byte("another\n")), sig), hostkey.ErrSignature)
		})
	}
}
