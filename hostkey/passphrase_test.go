package hostkey_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// What other programs wrote, kept in testdata.
var keyFiles = []struct {
	name string
	want hostkey.PassphraseError // without PublicKey
}{
	{"openssh-aes256-ctr.pem", hostkey.PassphraseError{Format: "OpenSSH", Cipher: "aes256-ctr", KDF: "bcrypt"}},
	{"openssh-aes128-cbc.pem", hostkey.PassphraseError{Format: "OpenSSH", Cipher: "aes128-cbc", KDF: "bcrypt"}},
	{"openssh-3des-cbc.pem", hostkey.PassphraseError{Format: "OpenSSH", Cipher: "3des-cbc", KDF: "bcrypt"}},
	{"openssh-aes256-gcm.pem", hostkey.PassphraseError{Format: "OpenSSH", Cipher: "aes256-gcm@openssh.com", KDF: "bcrypt"}},
	{"openssh-chacha20-poly1305.pem", hostkey.PassphraseError{Format: "OpenSSH", Cipher: "chacha20-poly1305@openssh.com", KDF: "bcrypt"}},
	{"dek-aes128-cbc.pem", hostkey.PassphraseError{Format: "PEM", Cipher: "AES-128-CBC"}},
	{"dek-des-ede3-cbc.pem", hostkey.PassphraseError{Format: "PEM", Cipher: "DES-EDE3-CBC"}},
	{"pkcs8-pbkdf2.pem", hostkey.PassphraseError{Format: "PKCS#8", Cipher: "AES-256-CBC", KDF: "PBKDF2"}},
	{"pkcs8-des3.pem", hostkey.PassphraseError{Format: "PKCS#8", Cipher: "DES-EDE3-CBC", KDF: "PBKDF2"}},
	{"pkcs8-scrypt.pem", hostkey.PassphraseError{Format: "PKCS#8", Cipher: "AES-256-CBC", KDF: "scrypt"}},
	{"putty-2.ppk", hostkey.PassphraseError{Format: "PuTTY", Cipher: "aes256-cbc", Comment: "fixture"}},
	{"putty-3-argon2id.ppk", hostkey.PassphraseError{Format: "PuTTY", Cipher: "aes256-cbc", KDF: "Argon2id", Comment: "fixture"}},
	{"putty-3-argon2i.ppk", hostkey.PassphraseError{Format: "PuTTY", Cipher: "aes256-cbc", KDF: "Argon2i", Comment: "fixture"}},
	{"putty-3-argon2d.ppk", hostkey.PassphraseError{Format: "PuTTY", Cipher: "aes256-cbc", KDF: "Argon2d", Comment: "fixture"}},
}

func keyFile(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "keyfiles", name))
	require.NoError(t, err)
	return file
}

// wanted is the key of a file in testdata.
func wanted(name string) hostkey.PublicKey {
	if strings.HasPrefix(name, "dek") || strings.HasPrefix(name, "pkcs8") {
		return testkeys.ECDSA256().PublicKey()
	}
	return testkeys.Ed25519().PublicKey()
}

func TestKeyFiles(t *testing.T) {
	for _, c := range keyFiles {
		t.Run(c.name, func(t *testing.T) {
			file := keyFile(t, c.name)
			before := string(file)
			for _, passphrase := range []string{"", "wrong", "a passphras", "a passphrase "} {
				s, err := hostkey.ParsePrivateKey(file, []byte(passphrase))
				require.Nil(t, s)
				var locked *hostkey.PassphraseError
				require.ErrorAs(t, err, &locked)
				if strings.HasPrefix(c.name, "openssh") || strings.HasPrefix(c.name, "putty") {
					require.True(t, hostkey.Equal(wanted(c.name), locked.PublicKey))
					require.ErrorContains(t, err, hostkey.Fingerprint(locked.PublicKey))
				}
				want := c.want
				want.PublicKey, want.Wrong = locked.PublicKey, passphrase != ""
				require.Equal(t, want, *locked)
				require.ErrorContains(t, err, map[bool]string{true: "is wrong", false: "is encrypted"}[want.Wrong])
			}
			k, err := hostkey.ParsePrivateKeyFile(file, []byte("a passphrase"))
			require.NoError(t, err)
			require.True(t, hostkey.Equal(wanted(c.name), k.PublicKey()))
			require.Equal(t, before, string(file), "it is the caller's")
		})
	}
	for _, name := range []string{"putty-2-plain.ppk", "putty-3-plain.ppk"} {
		t.Run(name, func(t *testing.T) {
			for _, passphrase := range [][]byte{nil, []byte("of no meaning")} {
				k, err := hostkey.ParsePrivateKeyFile(keyFile(t, name), passphrase)
				require.NoError(t, err)
				require.Equal(t, "fixture", k.Comment)
				require.True(t, hostkey.Equal(wanted(name), k.PublicKey()))
			}
		})
	}
}

// A file that is cut off anywhere, or of which a byte is another, is an error or
// the same key; nothing panics.
func TestKeyFilesDamaged(t *testing.T) {
	for _, c := range keyFiles {
		if strings.HasPrefix(c.name, "putty-3") || strings.HasPrefix(c.name, "openssh") {
			continue // a guess takes too long for hundreds of them; fuzz does it
		}
		file := keyFile(t, c.name)
		for n := range len(file) - 1 {
			if k, err := hostkey.ParsePrivateKey(file[:n], []byte("a passphrase")); err == nil {
				require.True(t, hostkey.Equal(wanted(c.name), k.PublicKey()), "%s cut at %d", c.name, n)
			}
			changed := append([]byte(nil), file...)
			changed[n] ^= 1
			if k, err := hostkey.ParsePrivateKey(changed, []byte("a passphrase")); err == nil {
				require.NotNil(t, k)
			}
		}
	}
}

// An asker plays somebody at a keyboard.
type asker struct {
	t       *testing.T
	answers []string
	asked   []hostkey.PassphraseError
	files   []string
	given   [][]byte
}

func (a *asker) ask(_ context.Context, file string, locked *hostkey.PassphraseError) ([]byte, error) {
	require.NotEmpty(a.t, a.answers, "asked too often")
	passphrase := []byte(a.answers[0])
	a.answers = a.answers[1:]
	a.asked, a.files, a.given = append(a.asked, *locked), append(a.files, file), append(a.given, passphrase)
	return passphrase, nil
}

func TestReadPrivateKeyFile(t *testing.T) {
	path := write(t, keyFile(t, "pkcs8-pbkdf2.pem"))
	for name, c := range map[string]struct {
		answers []string
		asked   int
		ok      bool
		wrong   bool // if not ok
	}{
		"right":                        {[]string{"a passphrase"}, 1, true, false},
		"right the second time":        {[]string{"no", "a passphrase"}, 2, true, false},
		"right the third time":         {[]string{"no", "nor", "a passphrase"}, 3, true, false},
		"right the fourth time: late":  {[]string{"no", "nor", "never", "a passphrase"}, 3, false, true},
		"given up":                     {[]string{"", "a passphrase"}, 1, false, false},
		"given up after the first one": {[]string{"no", "", "a passphrase"}, 2, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := &asker{t: t, answers: c.answers}
			k, err := hostkey.ReadPrivateKeyFile(t.Context(), path, a.ask)
			require.Len(t, a.asked, c.asked)
			for i := range a.asked {
				require.Equal(t, path, a.files[i])
				require.Equal(t, i > 0, a.asked[i].Wrong)
				require.Equal(t, make([]byte, len(a.given[i])), a.given[i], "it is cleared")
			}
			if c.ok {
				require.NoError(t, err)
				require.True(t, hostkey.Equal(testkeys.ECDSA256().PublicKey(), k.PublicKey()))
				return
			}
			require.Nil(t, k)
			var file *hostkey.KeyFileError
			require.ErrorAs(t, err, &file)
			require.Equal(t, path, file.Path)
			var locked *hostkey.PassphraseError
			require.ErrorAs(t, err, &locked)
			require.Equal(t, c.wrong, locked.Wrong)
			require.ErrorContains(t, err, "hostkey: private key file "+path+": the ")
		})
	}
}

func TestReadPrivateKeyFileWithoutPassphrase(t *testing.T) {
	never := func(context.Context, string, *hostkey.PassphraseError) ([]byte, error) {
		t.Error("nobody is asked")
		return nil, nil
	}
	k, err := hostkey.ReadPrivateKeyFile(t.Context(), write(t, testkeys.PEM("ed25519")), never)
	require.NoError(t, err)
	require.True(t, hostkey.Equal(testkeys.Ed25519().PublicKey(), k.PublicKey()))

	// Of an encrypted file without anybody to ask, and of one that no passphrase
	// opens.
	var locked *hostkey.PassphraseError
	_, err = hostkey.ReadPrivateKeyFile(t.Context(), write(t, keyFile(t, "putty-2.ppk")), nil)
	require.ErrorAs(t, err, &locked)
	unknown := strings.Replace(string(keyFile(t, "dek-aes128-cbc.pem")), "AES-128-CBC", "CAMELLIA-128-CBC", 1)
	_, err = hostkey.ReadPrivateKeyFile(t.Context(), write(t, []byte(unknown)), never)
	var format *hostkey.KeyFormatError
	require.ErrorAs(t, err, &format)
	require.ErrorContains(t, err, `"CAMELLIA-128-CBC" is not supported: `)
}

func TestReadPrivateKeyFileRefuses(t *testing.T) {
	_, err := hostkey.ReadPrivateKeyFile(t.Context(), filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = hostkey.ReadPrivateKeyFile(t.Context(), t.TempDir(), nil)
	require.Error(t, err)

	path := write(t, testkeys.PEM("ed25519"))
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o620, 0o601} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = hostkey.ReadPrivateKeyFile(t.Context(), path, nil)
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, "chmod 600")
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = hostkey.ReadPrivateKeyFile(t.Context(), path, nil)
	require.NoError(t, err)

	_, err = hostkey.ReadPrivateKeyFile(t.Context(), write(t, make([]byte, 2<<20)), nil)
	require.ErrorContains(t, err, "larger than 1048576", "G13")

	cancelled := errors.New("the terminal is gone")
	_, err = hostkey.ReadPrivateKeyFile(t.Context(), write(t, keyFile(t, "putty-2.ppk")),
		func(context.Context, string, *hostkey.PassphraseError) ([]byte, error) { return nil, cancelled })
	require.Equal(t, cancelled, err)
}

// With nothing but what FIPS 140-3 approves, PBKDF2 with SHA-2 and AES opens a
// file; another is an error and no panic.
func TestKeyFilesFIPS(t *testing.T) {
	if os.Getenv("WHELK_FIPS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKeyFilesFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "WHELK_FIPS=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestKeyFilesFIPS")
		return
	}
	for _, c := range keyFiles {
		file, err := os.ReadFile(filepath.Join("testdata", "keyfiles", c.name))
		require.NoError(t, err)
		k, err := hostkey.ParsePrivateKeyFile(file, []byte("a passphrase"))
		require.ErrorContains(t, err, "hostkey: ", "%s: OpenSSL 3.0 has salts of 8 bytes, which are too short", c.name)
		require.Nil(t, k, c.name)
	}
	_, err := hostkey.ParsePrivateKey(validPBES2(t, padded(plainPKCS8(t))).encode(t), []byte(secret))
	require.NoError(t, err)
	key, err := hostkey.GenerateKey(hostkey.ECDSA256, 0)
	require.NoError(t, err)
	_, err = hostkey.MarshalEncryptedPrivateKey(key, "", hostkey.Encryption{Passphrase: []byte("x")})
	require.ErrorContains(t, err, "PKCS#8 with PBKDF2")
	_, err = hostkey.MarshalPPK(key, "")
	require.ErrorContains(t, err, "not approved")
}
