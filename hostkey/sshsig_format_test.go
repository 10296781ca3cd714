package hostkey_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func signMessage(t testing.TB, s hostkey.Signer, namespace, message string) *hostkey.SSHSIG {
	t.Helper()
	sig, err := hostkey.SignSSHSIG(t.Context(), s, "", namespace, strings.NewReader(message))
	require.NoError(t, err)
	return sig
}

func TestSSHSIG(t *testing.T) {
	for _, s := range subjects() {
		for _, hash := range []string{"", "sha256", "sha512"} {
			sig, err := hostkey.SignSSHSIG(t.Context(), s, hash, "file", strings.NewReader("a message"))
			require.NoError(t, err)
			for _, encoded := range [][]byte{sig.Marshal(), sig.Armor(), bytes.ReplaceAll(sig.Armor(), []byte("\n"), []byte("\r\n"))} {
				read, err := hostkey.ParseSSHSIG(encoded)
				require.NoError(t, err)
				clear(encoded)
				require.Equal(t, sig.Marshal(), read.Marshal())
				require.True(t, hostkey.Equal(s.PublicKey(), read.Key))
				require.NoError(t, read.Verify("file", strings.NewReader("a message")))
				require.ErrorIs(t, read.Verify("file", strings.NewReader("another")), hostkey.ErrSignature)
				var other *hostkey.NamespaceError
				require.ErrorAs(t, read.Verify("git", strings.NewReader("a message")), &other)
				require.ErrorContains(t, other, `for namespace "file", and not for "git"`)
			}
		}
	}
}

// What is not covered by the hash is by the signature.
func TestSSHSIGCovers(t *testing.T) {
	for name, change := range map[string]func(*hostkey.SSHSIG){
		"namespace": func(s *hostkey.SSHSIG) { s.Namespace = "git" },
		"reserved":  func(s *hostkey.SSHSIG) { s.Reserved = []byte("x") },
		"hash":      func(s *hostkey.SSHSIG) { s.Hash = "sha256" },
		"key":       func(s *hostkey.SSHSIG) { s.Key = testkeys.Ed25519Other().PublicKey() },
	} {
		sig := signMessage(t, testkeys.Ed25519(), "file", "a message")
		change(sig)
		require.ErrorIs(t, sig.Verify(sig.Namespace, strings.NewReader("a message")), hostkey.ErrSignature, name)
	}
}

func TestSSHSIGRefuses(t *testing.T) {
	ctx, ed := t.Context(), testkeys.Ed25519()
	_, err := hostkey.SignSSHSIG(ctx, ed, "sha1", "file", strings.NewReader(""))
	require.ErrorContains(t, err, `not "sha1"`)
	_, err = hostkey.SignSSHSIG(ctx, ed, "", "", strings.NewReader(""))
	require.ErrorContains(t, err, "namespace")
	broken := errors.New("disk on fire")
	_, err = hostkey.SignSSHSIG(ctx, ed, "", "file", iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	sig := signMessage(t, ed, "file", "x")
	require.ErrorIs(t, sig.Verify("file", iotest.ErrReader(broken)), broken)

	var zero hostkey.SSHSIG
	require.Error(t, zero.Verify("", strings.NewReader("")))
	require.Error(t, (&hostkey.SSHSIG{Key: ed.PublicKey(), Signature: sig.Signature}).Verify("", strings.NewReader("")), "an empty namespace")
	require.NotPanics(t, func() { zero.Armor() })

	// OpenSSH PROTOCOL.sshsig, section 2: not over SHA-1.
	rsa, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	old := signMessage(t, rsa, "file", "x")
	if old.Signature.Algorithm != "ssh-rsa" {
		old.Signature, err = rsa.Sign(ctx, "ssh-rsa", []byte("any"))
		require.NoError(t, err)
	}
	require.Error(t, old.Verify("file", strings.NewReader("x")))

	// G12: a security key that nobody touched.
	a := testkeys.SKEd25519()
	a.Flags = 0
	var absent *hostkey.PresenceError
	require.ErrorAs(t, signMessage(t, a, "file", "x").Verify("file", strings.NewReader("x")), &absent)
}

func TestParseSSHSIGRefuses(t *testing.T) {
	good := signMessage(t, testkeys.Ed25519(), "file", "x")
	raw, text := good.Marshal(), string(good.Armor())
	with := func(change func(*hostkey.SSHSIG)) []byte {
		s := *good
		change(&s)
		return s.Marshal()
	}
	newer := slices.Clone(raw)
	newer[9] = 2
	for name, file := range map[string][]byte{
		"empty":                 nil,
		"version 2":             newer,
		"trailing bytes":        append(slices.Clone(raw), 0),
		"no namespace":          with(func(s *hostkey.SSHSIG) { s.Namespace = "" }),
		"a NUL":                 with(func(s *hostkey.SSHSIG) { s.Namespace = "a\x00b" }),
		"no key":                with(func(s *hostkey.SSHSIG) { s.Key = nil }),
		"no signature":          with(func(s *hostkey.SSHSIG) { s.Signature = nil }),
		"text before":           []byte("x\n" + text),
		"text behind":           []byte(text + "x"),
		"another text":          []byte(strings.ReplaceAll(text, "SSH SIGNATURE", "PGP SIGNATURE")),
		"no end":                []byte(strings.Split(text, "-----END")[0]),
		"no base64":             []byte(strings.Replace(text, "U1NI", "U1N!", 1)),
		"a space in the base64": []byte(strings.Replace(text, "U1NI", "U1 NI", 1)),
		"something in the line": []byte(strings.Replace(text, "\n", " \n", 1)),
		"nothing within":        []byte("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := hostkey.ParseSSHSIG(file)
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, s)
		})
	}
	for n := range raw {
		_, err := hostkey.ParseSSHSIG(raw[:n])
		require.Error(t, err, n)
	}
}

// What SignSSHSIG makes, ssh-keygen takes, and who it is by.
func TestSSHKeygenVerifiesSSHSIG(t *testing.T) {
	signers := ""
	for _, s := range append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256()) {
		signers += "me@example.com " + keyText(s) + "\n"
	}
	signers += "me@example.com cert-authority " + keyText(testkeys.Ed25519Other()) + "\n"
	allowed := writeFile(t, "allowed_signers", []byte(signers))
	certificate := &hostkey.Certificate{Key: testkeys.RSA2048().PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{"me@example.com"}, ValidBefore: 1 << 40}
	require.NoError(t, certificate.Certify(t.Context(), testkeys.Ed25519Other()))
	byCertificate, err := hostkey.NewCertificateSigner(certificate, testkeys.RSA2048())
	require.NoError(t, err)
	for _, s := range append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256(), byCertificate) {
		for _, hash := range []string{"sha256", "sha512"} {
			sig, err := hostkey.SignSSHSIG(t.Context(), s, hash, "file", strings.NewReader("a message\n"))
			require.NoError(t, err)
			path := writeFile(t, "sig", sig.Armor())
			verify := func(message string) (string, error) {
				cmd := exec.Command(needSSHKeygen(t), "-Y", "verify", "-f", allowed, "-I", "me@example.com", "-n", "file", "-s", path)
				cmd.Stdin = strings.NewReader(message)
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := verify("a message\n")
			require.NoError(t, err, out)
			require.Contains(t, out, `Good "file" signature for me@example.com`)
			_, err = verify("another message\n")
			require.Error(t, err)
			require.Equal(t, "me@example.com\n", sshKeygen(t, "-Y", "find-principals", "-s", path, "-f", allowed))
		}
	}
}

// What ssh-keygen signs, with a key or a certificate and either hash.
func TestVerifiesSSHKeygenSSHSIG(t *testing.T) {
	dir := t.TempDir()
	id, ca, message := dir+"/id", dir+"/ca", dir+"/message"
	require.NoError(t, os.WriteFile(id, testkeys.PEM("ecdsa256"), 0o600))
	require.NoError(t, os.WriteFile(id+".pub", hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), ""), 0o600))
	require.NoError(t, os.WriteFile(ca, testkeys.PEM("ed25519"), 0o600))
	require.NoError(t, os.WriteFile(message, []byte("a message\n"), 0o600))
	sshKeygen(t, "-q", "-s", ca, "-I", "id", "-n", "me@example.com", id+".pub")
	for _, hash := range []string{"sha256", "sha512"} {
		for _, key := range []string{id, id + "-cert.pub"} {
			sshKeygen(t, "-Y", "sign", "-n", "file", "-O", "hashalg="+hash, "-f", key, message)
			file, err := os.ReadFile(message + ".sig")
			require.NoError(t, err)
			require.NoError(t, os.Remove(message+".sig"))
			sig, err := hostkey.ParseSSHSIG(file)
			require.NoError(t, err)
			require.Equal(t, string(file), string(sig.Armor()), "the same text")
			require.Equal(t, hash, sig.Hash)
			require.NoError(t, sig.Verify("file", strings.NewReader("a message\n")))
			_, certified := sig.Key.(*hostkey.Certificate)
			require.Equal(t, key != id, certified)
		}
	}
}
