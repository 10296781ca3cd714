package hostkey_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func TestPPKRoundTrip(t *testing.T) {
	for name, key := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			file, err := hostkey.MarshalPPK(key, "a\ncomment")
			require.NoError(t, err)
			for _, file := range [][]byte{file, bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))} {
				k, err := hostkey.ParsePrivateKeyFile(file, nil)
				require.NoError(t, err)
				require.Equal(t, "a comment", k.Comment)
				require.True(t, key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Key))
			}
		})
	}
	t.Run("encrypted", func(t *testing.T) {
		key := privateKeys(t)["ecdsa521"]
		file, err := hostkey.MarshalEncryptedPPK(key, "", []byte(secret))
		require.NoError(t, err)
		require.Contains(t, string(file), "Key-Derivation: Argon2id\nArgon2-Memory: 65536\nArgon2-Passes: 3\nArgon2-Parallelism: 4\n", "RFC 9106, section 4")
		k, err := hostkey.ParsePrivateKeyFile(file, []byte(secret))
		require.NoError(t, err)
		require.True(t, key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Key))
		again, err := hostkey.MarshalEncryptedPPK(key, "", []byte(secret))
		require.NoError(t, err)
		require.NotEqual(t, file, again)
	})
}

func TestMarshalPPKRefuses(t *testing.T) {
	key := privateKeys(t)["ed25519"]
	for _, k := range []crypto.Signer{nil, &opaqueSigner{public: key.Public()}} {
		_, err := hostkey.MarshalPPK(k, "")
		require.ErrorContains(t, err, "hostkey: ")
		_, err = hostkey.MarshalEncryptedPPK(k, "", []byte("x"))
		require.ErrorContains(t, err, "hostkey: ")
	}
	_, err := hostkey.MarshalEncryptedPPK(key, "", nil)
	require.ErrorContains(t, err, "passphrase is empty")
}

// Each change makes a file that nobody is asked a passphrase for.
func TestPPKRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, from, to, want string }{
		"version 1":                {"putty-2.ppk", "File-2", "File-1", "version is not 2 or 3"},
		"version 4":                {"putty-2.ppk", "File-2", "File-4", "version is not 2 or 3"},
		"version 33":               {"putty-2.ppk", "File-2", "File-33", "version is not 2 or 3"},
		"another key":              {"putty-2.ppk", "2: ssh-ed25519", "2: ssh-rsa", "another key than it is"},
		"another cipher":           {"putty-2.ppk", "aes256-cbc", "aes512-cbc", `not supported: "aes512-cbc"`},
		"no cipher":                {"putty-2.ppk", "Encryption: aes256-cbc\n", "", "no Encryption"},
		"no comment":               {"putty-2.ppk", "Comment: fixture\n", "", "no Comment"},
		"no public half":           {"putty-2.ppk", "Public-Lines: 2", "Public-Lines: 0", "no Private-Lines"},
		"G13 2^31-1 public lines":  {"putty-2.ppk", "Public-Lines: 2", "Public-Lines: 2147483647", "less than its Public-Lines"},
		"2^31 public lines":        {"putty-2.ppk", "Public-Lines: 2", "Public-Lines: 2147483648", "not a number"},
		"-1 public lines":          {"putty-2.ppk", "Public-Lines: 2", "Public-Lines: -1", "not a number"},
		"G13 many private lines":   {"putty-2.ppk", "Private-Lines: 1", "Private-Lines: 100000", "less than its Private-Lines"},
		"no private half":          {"putty-2.ppk", "Private-Lines: 1", "Private-Lines: 0", "no Private-MAC"},
		"a public half in hex":     {"putty-2.ppk", "AAAAC3Nz", "AAAAC3N_", "not in base64"},
		"a MAC in base64":          {"putty-2.ppk", "Private-MAC: ", "Private-MAC: x", "not in hexadecimal"},
		"a line too much":          {"putty-2.ppk", "Private-MAC: ", "Private-MAC: 00\nPrivate-MAC: ", "after its end"},
		"Argon2 of another kind":   {"putty-3-argon2id.ppk", "Argon2id", "Argon2x", `not supported: "Argon2x"`},
		"Argon2 of none":           {"putty-3-argon2id.ppk", "Key-Derivation: Argon2id\n", "", "no Key-Derivation"},
		"G13 1 GiB":                {"putty-3-argon2id.ppk", "Argon2-Memory: 512", "Argon2-Memory: 1048576", "more than is accepted"},
		"G13 2^31-1 KiB":           {"putty-3-argon2id.ppk", "Argon2-Memory: 512", "Argon2-Memory: 2147483647", "more than is accepted"},
		"G13 2^31-1 passes":        {"putty-3-argon2id.ppk", "Argon2-Passes: 2", "Argon2-Passes: 2147483647", "more than is accepted"},
		"no memory":                {"putty-3-argon2id.ppk", "Argon2-Memory: 512", "Argon2-Memory: 0", "out of range"},
		"no passes":                {"putty-3-argon2id.ppk", "Argon2-Passes: 2", "Argon2-Passes: 0", "out of range"},
		"no lanes":                 {"putty-3-argon2id.ppk", "Parallelism: 1", "Parallelism: 0", "out of range"},
		"256 lanes":                {"putty-3-argon2id.ppk", "Parallelism: 1", "Parallelism: 256", "out of range"},
		"more lanes than memory":   {"putty-3-argon2id.ppk", "Memory: 512", "Memory: 7", "out of range"},
		"G13 a salt of 1025 bytes": {"putty-3-argon2id.ppk", "Argon2-Salt: ", "Argon2-Salt: " + strings.Repeat("00", 1025), "out of range"},
		"a salt of other letters":  {"putty-3-argon2id.ppk", "Argon2-Salt: ", "Argon2-Salt: xy", "not in hexadecimal"},
		"plain: the comment":       {"putty-3-plain.ppk", "fixture", "another", "MAC is wrong"},
		"plain: the MAC":           {"putty-2-plain.ppk", "Private-MAC: ", "Private-MAC: 00", "MAC is wrong"},
		"plain: no MAC":            {"putty-3-plain.ppk", "Private-MAC: ", "No-MAC: ", "no Private-MAC"},
	} {
		t.Run(name, func(t *testing.T) {
			file := string(keyFile(t, c.file))
			require.Contains(t, file, c.from)
			file = strings.Replace(file, c.from, c.to, 1)
			for _, passphrase := range [][]byte{nil, []byte("a passphrase")} {
				start := time.Now()
				k, err := hostkey.ParsePrivateKeyFile([]byte(file), passphrase)
				require.Nil(t, k)
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "hostkey: bad PuTTY key: ")
				require.Less(t, time.Since(start), time.Second)
			}
		})
	}
}

// The MAC covers what is not encrypted too: with it wrong, the passphrase is.
func TestPPKAuthenticates(t *testing.T) {
	for _, name := range []string{"putty-2.ppk", "putty-3-argon2i.ppk"} {
		file := string(keyFile(t, name))
		mac := regexp.MustCompile(`Private-MAC: .*`)
		for what, changed := range map[string]string{
			"comment":      strings.Replace(file, "fixture", "another", 1),
			"private half": swapPrivate(file),
			"short MAC":    mac.ReplaceAllString(file, "Private-MAC: 00"),
			"no MAC":       mac.ReplaceAllString(file, "Private-MAC: "),
		} {
			_, err := hostkey.ParsePrivateKey([]byte(changed), []byte("a passphrase"))
			var locked *hostkey.PassphraseError
			require.ErrorAs(t, err, &locked, what)
			require.True(t, locked.Wrong)
			require.Equal(t, "PuTTY", locked.Format)
		}
	}
}

// swapPrivate changes the first characters of the private half.
func swapPrivate(file string) string {
	head, tail, _ := strings.Cut(file, "Private-Lines: 1\n")
	return head + "Private-Lines: 1\nAAAA" + tail[4:]
}

// A file whose MAC is right, which for one without passphrase anybody can make.
func TestPPKContent(t *testing.T) {
	public := testkeys.Ed25519().PublicKey().Marshal()
	for name, c := range map[string]struct {
		public, private []byte
		want            string
	}{
		"nothing":                {public, nil, "truncated"},
		"33 bytes":               {public, blob(strings.Repeat("x", 33)), "wrong length"},
		"the key of another":     {public, blob(strings.Repeat("x", 32)), "does not belong"},
		"bytes after it":         {public, append(blob(strings.Repeat("x", 32)), 0), "bytes after its private half"},
		"a security key":         {testkeys.SKEd25519().PublicKey().Marshal(), nil, `"sk-ssh-ed25519@openssh.com" is not supported`},
		"ECDSA: nothing":         {testkeys.ECDSA256().PublicKey().Marshal(), nil, "malformed"},
		"ECDSA: 0":               {testkeys.ECDSA256().PublicKey().Marshal(), blob(""), "malformed"},
		"ECDSA: negative":        {testkeys.ECDSA256().PublicKey().Marshal(), blob("\xff"), "malformed"},
		"ECDSA: 1e5 bits":        {testkeys.ECDSA256().PublicKey().Marshal(), blob("\x01" + strings.Repeat("\x00", 12500)), "malformed"},
		"ECDSA: the order":       {testkeys.ECDSA256().PublicKey().Marshal(), blob("\x00" + string(orders["ecdsa-sha2-nistp256"].Bytes())), "malformed"},
		"ECDSA: 5":               {testkeys.ECDSA256().PublicKey().Marshal(), blob("\x05"), "does not belong"},
		"RSA: nothing":           {testkeys.RSA2048().PublicKey().Marshal(), nil, "truncated"},
		"RSA: 5, 5, 5":           {testkeys.RSA2048().PublicKey().Marshal(), blob("\x05", "\x05", "\x05", "\x05"), "does not belong"},
		"G13 RSA: d of 1e6 bits": {testkeys.RSA2048().PublicKey().Marshal(), blob("\x01" + strings.Repeat("\x00", 125000)), "larger than 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hostkey.ParsePrivateKey(plainPPK(c.public, c.private), nil)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// plainPPK is a file of PuTTY that is not encrypted, with the MAC that belongs
// to it.
func plainPPK(public, private []byte) []byte {
	r := wire.NewReader(public)
	keyType := r.Text()
	h := hmac.New(sha256.New, nil)
	h.Write(blob(keyType, "none", "", string(public), string(private)))
	b := fmt.Appendf(nil, "PuTTY-User-Key-File-3: %s\nEncryption: none\nComment: \nPublic-Lines: 1\n%s\n",
		keyType, base64.StdEncoding.EncodeToString(public))
	if len(private) == 0 {
		b = append(b, "Private-Lines: 0\n"...)
	} else {
		b = fmt.Appendf(b, "Private-Lines: 1\n%s\n", base64.StdEncoding.EncodeToString(private))
	}
	return fmt.Appendf(b, "Private-MAC: %x\n", h.Sum(nil))
}
