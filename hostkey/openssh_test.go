package hostkey_test

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// fastest costs the test one round.
func fastest(cipher string) hostkey.Encryption {
	return hostkey.Encryption{Passphrase: []byte(secret), Cipher: cipher, Rounds: 1}
}

func TestEncryptedRoundTrip(t *testing.T) {
	for name, key := range privateKeys(t) {
		for _, cipher := range hostkey.KeyFileCiphers() {
			for _, comment := range []string{"", "x", "a comment of some more words"} {
				if name != "ed25519" && cipher != "aes128-gcm@openssh.com" || comment == "x" && !strings.Contains(cipher, "aes128") {
					continue // what is encrypted is the same, or as long
				}
				t.Run(name+" "+cipher+" "+comment, func(t *testing.T) {
					file, err := hostkey.MarshalEncryptedPrivateKey(key, comment, fastest(cipher))
					require.NoError(t, err)
					k, err := hostkey.ParsePrivateKeyFile(file, []byte(secret))
					require.NoError(t, err)
					require.Equal(t, comment, k.Comment)
					require.True(t, hostkey.Equal(publicOf(t, key), k.PublicKey()))
					require.True(t, key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Key))
				})
			}
		}
	}
}

// Each file has a salt of its own, and so nothing in common with another.
func TestEncryptedDiffers(t *testing.T) {
	key := privateKeys(t)["ed25519"]
	for _, cipher := range hostkey.KeyFileCiphers() {
		var files [2]*pem.Block
		for i := range files {
			file, err := hostkey.MarshalEncryptedPrivateKey(key, "", fastest(cipher))
			require.NoError(t, err)
			files[i], _ = pem.Decode(file)
		}
		n := len(files[0].Bytes)
		require.NotEqual(t, files[0].Bytes[n-64:], files[1].Bytes[n-64:])
		require.NotContains(t, string(files[0].Bytes), string(key.(interface{ Seed() []byte }).Seed()))
	}
}

func TestMarshalEncryptedRefuses(t *testing.T) {
	key := privateKeys(t)["ed25519"]
	for name, c := range map[string]struct {
		key  crypto.Signer
		e    hostkey.Encryption
		want string
	}{
		"nothing":         {key, hostkey.Encryption{}, "passphrase is empty"},
		"unknown cipher":  {key, hostkey.Encryption{Passphrase: []byte("x"), Cipher: "aes512-ctr"}, `no cipher "aes512-ctr": want one of ["aes256-ctr"`},
		"no cipher":       {key, hostkey.Encryption{Passphrase: []byte("x"), Cipher: "none"}, `no cipher "none"`},
		"2049 rounds":     {key, hostkey.Encryption{Passphrase: []byte("x"), Rounds: 2049}, "2049 rounds: want from 1 to 2048"},
		"negative rounds": {key, hostkey.Encryption{Passphrase: []byte("x"), Rounds: -1}, "-1 rounds"},
		"no key":          {nil, hostkey.Encryption{Passphrase: []byte("x")}, "nil"},
		"hardware":        {&opaqueSigner{public: key.Public()}, hostkey.Encryption{Passphrase: []byte("x"), Rounds: 1}, "cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hostkey.MarshalEncryptedPrivateKey(c.key, "", c.e)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "hostkey: ")
		})
	}
}

// A file whose encryption nobody could undo, or only for too long, is refused
// before anybody is asked for a passphrase.
func TestOpenSSHEncryptionRefuses(t *testing.T) {
	options := func(salt string, rounds uint32) string { return string(wire.AppendUint32(blob(salt), rounds)) }
	for name, c := range map[string]struct {
		change func(*private)
		want   string
	}{
		"G13 2^32-1 rounds":          {func(p *private) { p.options = options("sixteen byte salt", 1<<32-1) }, "4294967295 rounds"},
		"G13 2049 rounds":            {func(p *private) { p.options = options("sixteen byte salt", 2049) }, "from 1 to 2048"},
		"G13 no rounds":              {func(p *private) { p.options = options("sixteen byte salt", 0) }, "0 rounds"},
		"G13 a salt of 1025 bytes":   {func(p *private) { p.options = options(strings.Repeat("s", 1025), 1) }, "1025 bytes"},
		"no salt":                    {func(p *private) { p.options = options("", 1) }, "0 bytes"},
		"no options":                 {func(p *private) { p.options = "" }, "malformed"},
		"options and a byte":         {func(p *private) { p.options = options("s", 1) + "x" }, "malformed"},
		"G13 an unknown cipher":      {func(p *private) { p.cipher = "aes512-ctr" }, `"aes512-ctr" is not supported: `},
		"a cipher of no name":        {func(p *private) { p.cipher = "" }, `"" is not supported`},
		"G13 an unknown KDF":         {func(p *private) { p.kdf = "scrypt" }, `"scrypt", which is not supported`},
		"a cipher without a KDF":     {func(p *private) { p.kdf, p.options = "none", "" }, `"none", which is not supported`},
		"not a multiple of 16":       {func(p *private) { p.padding = append(p.padding, 1, 2, 3, 4, 5, 6, 7, 8) }, "not padded to 16"},
		"a tag, without that of GCM": {func(p *private) { p.tail = "x" }, "after its end"},
		"a tag of 15 bytes":          {func(p *private) { p.cipher, p.tail = "aes128-gcm@openssh.com", strings.Repeat("x", 15) }, "tag is truncated"},
		"a tag of 17 bytes":          {func(p *private) { p.cipher, p.tail = "aes128-gcm@openssh.com", strings.Repeat("x", 17) }, "after its end"},
	} {
		t.Run(name, func(t *testing.T) {
			p := validPrivate()
			p.cipher, p.kdf, p.options = "aes256-ctr", "bcrypt", options("sixteen byte salt", 1)
			for p.padding = nil; (8+len(p.key)+4+len(p.comment)+len(p.padding))%16 != 0; {
				p.padding = append(p.padding, 0)
			}
			c.change(p)
			for _, passphrase := range [][]byte{nil, []byte(secret)} {
				start := time.Now()
				_, err := hostkey.ParsePrivateKey(p.encode(), passphrase)
				var format *hostkey.KeyFormatError
				require.ErrorAs(t, err, &format)
				require.ErrorContains(t, err, c.want)
				require.Less(t, time.Since(start), time.Second)
			}
		})
	}
}

// A byte that is another one is found out, by the check numbers or the tag, or
// by what has to be in the list. Without a tag, that is not all of them: in the
// comment nobody could tell.
func TestEncryptedDamaged(t *testing.T) {
	key := privateKeys(t)["ed25519"]
	for _, cipher := range []string{"aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-cbc"} {
		t.Run(cipher, func(t *testing.T) {
			file, err := hostkey.MarshalEncryptedPrivateKey(key, "comment", fastest(cipher))
			require.NoError(t, err)
			block, _ := pem.Decode(file)
			n := len(block.Bytes)
			first := bytes.Index(block.Bytes, publicOf(t, key).Marshal()) + 51 + 4 // the list, encrypted
			for _, at := range []int{first, first + 5, first + 40, first + 80, n - 1} {
				changed := bytes.Clone(block.Bytes)
				changed[at] ^= 0x80
				_, err := hostkey.ParsePrivateKey(encode(block.Type, changed), []byte(secret))
				require.Error(t, err, "byte %d of %d", at, n)
				if strings.Contains(cipher, "@") {
					var locked *hostkey.PassphraseError
					require.ErrorAs(t, err, &locked)
					require.True(t, locked.Wrong)
				}
			}
			for cut := range n {
				_, err := hostkey.ParsePrivateKey(encode(block.Type, block.Bytes[:cut]), nil)
				require.Error(t, err, "cut at %d", cut)
			}
		})
	}
}

// What is written can be told from what an agent is sent by nothing.
func TestAppendPrivateKey(t *testing.T) {
	for name, key := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			b, err := hostkey.AppendPrivateKey([]byte("head"), key)
			require.NoError(t, err)
			require.Equal(t, "head", string(b[:4]))
			r := wire.NewReader(append(b[4:], "tail"...))
			k, err := hostkey.ReadPrivateKey(&r)
			require.NoError(t, err)
			require.Equal(t, "tail", string(r.Rest()))
			require.True(t, key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Key))
			for n := range len(b) - 4 {
				r := wire.NewReader(b[4 : 4+n])
				_, err := hostkey.ReadPrivateKey(&r)
				require.Error(t, err, "cut at %d", n)
			}
		})
	}
	_, err := hostkey.AppendPrivateKey(nil, nil)
	require.Error(t, err)
	r := wire.NewReader(blob("ssh-dss"))
	_, err = hostkey.ReadPrivateKey(&r)
	var unknown *hostkey.UnknownKeyTypeError
	require.ErrorAs(t, err, &unknown)
}
