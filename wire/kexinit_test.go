package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var kexSamples = []sample{
	{
		message: &KexInit{
			Cookie:                  [16]byte([]byte("0123456789abcdef")),
			KeyExchanges:            []string{"curve25519-sha256", "kex-strict-c-v00@openssh.com"},
			HostKeys:                []string{"ssh-ed25519"},
			CiphersClientServer:     []string{"aes128-gcm@openssh.com"},
			CiphersServerClient:     []string{"aes256-ctr", "aes128-ctr"},
			MACsClientServer:        []string{"hmac-sha2-256"},
			MACsServerClient:        []string{"hmac-sha2-512"},
			CompressionClientServer: []string{"none"},
			CompressionServerClient: []string{"zlib", "none"},
			LanguagesClientServer:   []string{"en"},
			LanguagesServerClient:   []string{"de"},
			FirstFollows:            true,
			Reserved:                7,
		},
		parse: parsing(ParseKexInit),
		layout: []any{
			Number(20), raw("0123456789abcdef"), "curve25519-sha256,kex-strict-c-v00@openssh.com", "ssh-ed25519",
			"aes128-gcm@openssh.com", "aes256-ctr,aes128-ctr", "hmac-sha2-256", "hmac-sha2-512",
			"none", "zlib,none", "en", "de", true, uint32(7),
		},
		line: "20 SSH_MSG_KEXINIT cookie=(16 bytes 30313233343536373839616263646566)" +
			" kex=[curve25519-sha256,kex-strict-c-v00@openssh.com] host-key=[ssh-ed25519]" +
			" cipher-client-to-server=[aes128-gcm@openssh.com] cipher-server-to-client=[aes256-ctr,aes128-ctr]" +
			" mac-client-to-server=[hmac-sha2-256] mac-server-to-client=[hmac-sha2-512]" +
			" compression-client-to-server=[none] compression-server-to-client=[zlib,none]" +
			" language-client-to-server=[en] language-server-to-client=[de]" +
			" first-kex-packet-follows=true reserved=7",
	},
	{
		message: &KexECDHInit{Public: []byte{4, 1, 2}},
		parse:   parsing(ParseKexECDHInit),
		layout:  []any{Number(30), "\x04\x01\x02"},
		line:    `30 SSH_MSG_KEX_ECDH_INIT public=(3 bytes 040102)`,
	},
	{
		message: &KexECDHReply{
			HostKey:   encode([]any{"ssh-ed25519", "key"}),
			Public:    []byte("0123456789abcdefg"),
			Signature: encode([]any{"ssh-ed25519", "signature"}),
		},
		parse: parsing(ParseKexECDHReply),
		layout: []any{
			Number(31), string(encode([]any{"ssh-ed25519", "key"})), "0123456789abcdefg",
			string(encode([]any{"ssh-ed25519", "signature"})),
		},
		line: `31 SSH_MSG_KEX_ECDH_REPLY host-key="ssh-ed25519"(22 bytes)` +
			` public=(17 bytes 30313233343536373839616263646566...) signature="ssh-ed25519"(28 bytes)`,
	},
}

// kexInitWith returns a KEXINIT whose first list has the content given.
func kexInitWith(list string) []byte {
	return encode([]any{
		Number(20), raw("0123456789abcdef"), list, "ssh-ed25519", "", "", "", "", "none", "none", "", "", false, uint32(0),
	})
}

func TestParseKexInitLists(t *testing.T) {
	many := strings.Repeat("a,", maxNames-1) + "a"
	tests := []struct {
		name string
		list string
		ok   bool
	}{
		{"C3: an empty list", "", true},
		{"RFC 4251 6: a name of 64 characters", strings.Repeat("x", 64), true},
		{"RFC 4251 6: a name of 65 characters", strings.Repeat("x", 65), false},
		{"C2: 1024 names", many, true},
		{"C2: 1025 names", many + ",a", false},
		{"C2: 100,000 names", strings.Repeat("a,", 100_000) + "a", false},
		{"C2, CVE-2025-30211: a name of 200 KiB", strings.Repeat("x", 200<<10), false},
		{"C2: a list of 250 KiB", strings.Repeat("name,", 50<<10) + "name", false},
		{"C2: an empty name", "a,,b", false},
		{"C2: a leading comma", ",a", false},
		{"C2: a trailing comma", "a,", false},
		{"C2: only a comma", ",", false},
		{"C2: a NUL", "a\x00b", false},
		{"C2: a space", "a b", false},
		{"C2: a tab", "a\tb", false},
		{"C2: a DEL", "a\x7f", false},
		{"C2: not US-ASCII", "caf\u00e9", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := ParseKexInit(kexInitWith(test.list))
			if test.ok {
				require.NoError(t, err)
				require.Equal(t, test.list, strings.Join(m.KeyExchanges, ","))
				return
			}
			require.ErrorIs(t, err, ErrNameList)
			require.Empty(t, m.KeyExchanges)
		})
	}
}

func TestParseKexInitDoesNotAlias(t *testing.T) {
	p := kexInitWith("curve25519-sha256")
	m, err := ParseKexInit(p)
	require.NoError(t, err)
	clear(p)
	require.Equal(t, []string{"curve25519-sha256"}, m.KeyExchanges)
	require.Equal(t, [16]byte([]byte("0123456789abcdef")), m.Cookie)
}

// C2: a list nobody should send is refused before it costs anything.
func TestParseKexInitRefusesWithoutAllocating(t *testing.T) {
	p := kexInitWith(strings.Repeat("name,", 50<<10) + "name")
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = ParseKexInit(p) }))
}

func BenchmarkParseKexInitHostile(b *testing.B) {
	p := kexInitWith(strings.Repeat(strings.Repeat("n", 64)+",", maxNames-1) + strings.Repeat("n", 65))
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		_, _ = ParseKexInit(p)
	}
}
