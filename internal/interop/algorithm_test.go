package interop

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
)

// A suite is a choice of algorithms; what is empty is left to the defaults.
type suite struct{ kex, cipher, mac, hostKey string }

func (u suite) String() string {
	return strings.Join(strings.Fields(strings.Join([]string{u.kex, u.cipher, u.mac, u.hostKey}, " ")), ",")
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

// configure makes package client offer the suite and nothing else.
func (u suite) configure(t *testing.T, c *transport.Config) {
	if u.kex != "" {
		method, ok := kex.Lookup(u.kex)
		require.True(t, ok)
		c.KeyExchanges = []kex.Method{method}
	}
	if u.cipher != "" {
		mode, ok := cipher.Lookup(u.cipher)
		require.True(t, ok)
		c.Ciphers = []cipher.Mode{mode}
	}
	if u.mac != "" {
		algorithm, ok := mac.Lookup(u.mac)
		require.True(t, ok)
		c.MACs = []mac.Algorithm{algorithm}
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

// everyMethod returns every key exchange method.
func everyMethod() []kex.Method { return slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) }

// suites has every algorithm at least once, those that are not offered by
// default too. Of ciphers that take a MAC one has every MAC, and the others one
// of each layout.
func suites() (all []suite) {
	for _, method := range everyMethod() {
		all = append(all, suite{kex: method.Name()})
	}
	for _, mode := range everyMode() {
		switch {
		case mode.AEAD:
			all = append(all, suite{cipher: mode.Name})
		case mode.Name == "aes128-ctr":
			for _, algorithm := range everyMAC() {
				all = append(all, suite{cipher: mode.Name, mac: algorithm.Name})
			}
		default:
			all = append(all, suite{cipher: mode.Name, mac: "hmac-sha2-256"},
				suite{cipher: mode.Name, mac: "umac-128-etm@openssh.com"})
		}
	}
	for _, name := range signingAlgorithms() {
		all = append(all, suite{hostKey: name})
	}
	return all
}

func everyMode() []cipher.Mode { return append(cipher.Default(), cipher.Insecure()...) }

func everyMAC() []mac.Algorithm { return append(mac.Default(), mac.Insecure()...) }

// signingAlgorithms are the default ones of the keys there are: a security key
// is not among them.
func signingAlgorithms() []string {
	return slices.DeleteFunc(hostkey.Default(), func(name string) bool { return !slices.Contains(keyTypes, hostkey.KeyType(name)) })
}

// Every algorithm is tried in both roles, with the client or the server
// offering nothing else. The table of suites is the packages' own.
func TestAlgorithms(t *testing.T) {
	var input bytes.Buffer
	io.Copy(&input, newStream(300001))
	libraryToo := append([]pair{{library, sshd}, {library, whelkd}}, pairs[1:]...)
	tableOnPairs(t, libraryToo, func(t *testing.T, p pair) {
		open := serve(t, p.server, append(everyHostKey(t), everyAlgorithm(t, p)...)...)
		for _, u := range suites() {
			between(t, u.String(), p.programs(), func(t *testing.T) {
				u.needMethod(t, p)
				s, options := open, u.options()
				if p.client == ssh { // whelkd chooses
					s = serve(t, whelkd, append(options, everyHostKey(t)...)...)
					options = everyAlgorithm(t, p)
				}
				if p.client == library {
					u.tryLibrary(t, s, input.Bytes())
					return
				}
				r := s.fed(t, p.client, bytes.NewReader(input.Bytes()), "cat", append(flags(options), "-v")...)
				require.Equal(t, 0, r.status, r.stderr)
				require.True(t, input.String() == r.stdout, "%d bytes", len(r.stdout))
				for _, name := range []string{u.kex, u.cipher, u.mac, u.hostKey} {
					require.Contains(t, r.stderr, name)
				}
			})
		}
	})
}

// tryLibrary tries the suite with package client.
func (u suite) tryLibrary(t *testing.T, s *server, input []byte) {
	c := s.dial(t, func(c *client.Config) { u.configure(t, &c.Transport) })
	u.requireIn(t, c.State())
	require.True(t, c.State().StrictKeyExchange == s.strict(t), "strict key exchange")
	cmd := c.Command("cat")
	cmd.Stdin = bytes.NewReader(input)
	output, err := cmd.Output(t.Context())
	require.NoError(t, err)
	require.True(t, bytes.Equal(input, output), "%d bytes", len(output))
}

// strict reports whether the server knows strict key exchange: Debian's
// OpenSSH does from 9.2p1-2+deb12u2 on, others from 9.6 on.
func (s *server) strict(t *testing.T) bool {
	t.Helper()
	if s.program.ours {
		return true
	}
	var major, minor int
	text := version(t)
	_, err := fmt.Sscanf(text, "OpenSSH_%d.%d", &major, &minor)
	require.NoError(t, err, text)
	return major*100+minor >= 906 || strings.Contains(text, "deb12u") && !strings.Contains(text, "deb12u1 ")
}

// version is what OpenSSH says it is.
func version(t *testing.T) string {
	t.Helper()
	ssh.mustExist(t)
	cmd := commandOf(ssh.path, "-V")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err)
	return string(output)
}

// hasMethod reports whether both programs have a key exchange method.
func (p pair) hasMethod(t *testing.T, name string) bool {
	t.Helper()
	if p.client.ours && p.server.ours {
		return true
	}
	output, err := commandOf(ssh.path, "-Q", "kex").Output()
	require.NoError(t, err)
	return slices.Contains(strings.Fields(string(output)), name)
}

// needMethod skips a case of a key exchange method that one of them is without.
func (u suite) needMethod(t *testing.T, p pair) {
	t.Helper()
	if u.kex != "" && !p.hasMethod(t, u.kex) {
		t.Skipf("%s has no %s: it is tried between whelk and whelkd only", strings.TrimSpace(version(t)), u.kex)
	}
}

// everyAlgorithm returns the options that offer all that both sides have, the
// insecure algorithms too.
func everyAlgorithm(t *testing.T, p pair) []string {
	t.Helper()
	var methods, ciphers, macs []string
	for _, m := range everyMethod() {
		if p.hasMethod(t, m.Name()) {
			methods = append(methods, m.Name())
		}
	}
	for _, mode := range everyMode() {
		ciphers = append(ciphers, mode.Name)
	}
	for _, algorithm := range everyMAC() {
		macs = append(macs, algorithm.Name)
	}
	return []string{"KexAlgorithms=+" + strings.Join(methods, ","), "Ciphers=+" + strings.Join(ciphers, ","), "MACs=+" + strings.Join(macs, ",")}
}

func everyHostKey(t *testing.T) (options []string) {
	t.Helper()
	for _, keyType := range keyTypes {
		options = append(options, "HostKey="+hostKeyFile(t, keyType))
	}
	return options
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
