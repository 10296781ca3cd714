package interop

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
)

// A suite is a choice of algorithms; what is empty is left to the defaults.
type suite struct{ kex, cipher, mac, compression, hostKey string }

func (u suite) String() string {
	return strings.Join(strings.Fields(strings.Join([]string{u.kex, u.cipher, u.mac, u.compression, u.hostKey}, " ")), ",")
}

// options are those of ssh(1) and sshd(8) that choose the suite.
func (u suite) options() (options []string) {
	for _, o := range []struct{ keyword, value string }{
		{"KexAlgorithms", u.kex}, {"Ciphers", u.cipher}, {"MACs", u.mac}, {"HostKeyAlgorithms", u.hostKey},
	} {
		if o.value != "" {
			options = append(options, o.keyword+"="+o.value)
		}
	}
	return options
}

// flags are options as flags.
func flags(options []string) (flags []string) {
	for _, o := range options {
		flags = append(flags, "-o", o)
	}
	return flags
}

// configure makes one of our ends offer the suite and nothing else.
func (u suite) configure(c *transport.Config) {
	c.KeyFormats = keyFormats
	if u.kex != "" {
		c.KeyExchanges = slices.DeleteFunc(algolist.AllKeyExchanges(), func(m kex.Method) bool { return m.Name() != u.kex })
	}
	if u.cipher != "" {
		c.Ciphers = slices.DeleteFunc(algolist.AllCiphers(), func(m cipher.Mode) bool { return m.Name != u.cipher })
	}
	if u.mac != "" {
		c.MACs = slices.DeleteFunc(algolist.AllMACs(), func(a mac.Algorithm) bool { return a.Name != u.mac })
	}
	if u.compression != "" {
		c.Compression = []string{u.compression}
	}
	if u.hostKey != "" {
		c.HostKeyAlgorithms = []string{u.hostKey}
	}
}

// requireIn fails unless the suite is what a connection uses.
func (u suite) requireIn(t *testing.T, s transport.State) {
	t.Helper()
	for _, p := range []transport.Protection{s.Send, s.Recv} {
		requireIfWanted(t, u.cipher, p.Cipher)
		requireIfWanted(t, u.mac, p.MAC)
		requireIfWanted(t, u.compression, p.Compression)
	}
	requireIfWanted(t, u.kex, s.KeyExchange)
	requireIfWanted(t, u.hostKey, s.HostKeyAlgorithm)
}

func requireIfWanted(t *testing.T, want, got string) {
	t.Helper()
	if want != "" {
		require.Equal(t, want, got)
	}
}

// offerAll makes one of our ends offer all there is.
func offerAll(c *transport.Config) {
	c.KeyExchanges, c.Ciphers, c.MACs = algolist.AllKeyExchanges(), algolist.AllCiphers(), algolist.AllMACs()
	c.Compression = []string{"none", "zlib@openssh.com", "zlib"}
	c.HostKeyAlgorithms, c.KeyFormats = algolist.AllSignatures(), keyFormats
}

var keyFormats = algolist.Formats(algolist.AllSignatures())

// signingAlgorithms are the default ones of the keys there are files of: a
// security key is not among them.
func signingAlgorithms() []string {
	return slices.DeleteFunc(hostkey.Default(), func(name string) bool { return !slices.Contains(keyTypes, hostkey.KeyType(name)) })
}

// everyHostKey are the options that give a server a key of each type.
func everyHostKey(t *testing.T) (options []string) {
	t.Helper()
	for _, keyType := range keyTypes {
		options = append(options, "HostKey="+hostKeyFile(t, keyType))
	}
	return options
}

// Options of the client choose, and so do those of the server. What they choose
// from is TestMatrix's to try.
func TestAlgorithmOptions(t *testing.T) {
	var input bytes.Buffer
	io.Copy(&input, newStream(300001))
	suites := []suite{
		{kex: "ecdh-sha2-nistp384", cipher: "aes192-ctr", mac: "hmac-sha2-512", hostKey: hostkey.ECDSA384},
		{kex: "diffie-hellman-group14-sha256", cipher: "chacha20-poly1305@openssh.com", hostKey: hostkey.RSASHA256},
		{kex: "diffie-hellman-group1-sha1", cipher: "3des-cbc", mac: "hmac-sha1-96", hostKey: hostkey.Ed25519},
	}
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		for _, u := range suites {
			between(t, u.String(), p.programs(), func(t *testing.T) {
				// One side says that it takes the suite too, and the other that it
				// takes nothing else.
				var too []string
				for _, option := range u.options() {
					too = append(too, strings.Replace(option, "=", "=+", 1))
				}
				for _, chooses := range []struct{ client, server []string }{{u.options(), too}, {too, u.options()}} {
					s := serve(t, p.server, append(chooses.server, everyHostKey(t)...)...)
					r := s.fed(t, p.client, bytes.NewReader(input.Bytes()), "cat", append(flags(chooses.client), "-v")...)
					require.Equal(t, 0, r.status, r.stderr)
					require.True(t, input.String() == r.stdout, "%d bytes", len(r.stdout))
					for _, name := range []string{u.kex, u.cipher, u.mac, u.hostKey} {
						require.Contains(t, r.stderr, name)
					}
				}
			})
		}
	})
}

// The short flags choose as the options do.
func TestAlgorithmFlags(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		r := s.run(t, p.client, "true", "-v", "-c", "aes192-ctr,aes256-ctr", "-m", "hmac-sha2-512,hmac-sha2-256")
		require.Equal(t, 0, r.status, r.stderr)
		require.Contains(t, r.stderr, "aes192-ctr")
		require.Contains(t, r.stderr, "hmac-sha2-512")
	})
}
