package wire

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// large is a number of 128 bits, the first of which is set, and its mpint
// without the length.
var (
	large      = new(big.Int).SetBytes(largeMPInt)
	largeMPInt = []byte("\x00\x80123456789abcdef")
)

var gexSamples = []sample{
	{
		message: &KexDHGexRequestOld{Preferred: 2048},
		parse:   parsing(ParseKexDHGexRequestOld),
		layout:  []any{Number(30), uint32(2048)},
		line:    `30 SSH_MSG_KEX_DH_GEX_REQUEST_OLD preferred=2048`,
	},
	{
		message: &KexDHGexGroup{P: large, G: big.NewInt(2)},
		parse:   parsing(ParseKexDHGexGroup),
		layout:  []any{Number(31), string(largeMPInt), "\x02"},
		line:    `31 SSH_MSG_KEX_DH_GEX_GROUP p=(128 bits 0x80313233343536373839616263646566) g=(2 bits 0x02)`,
	},
	{
		message: &KexDHGexInit{E: new(big.Int).SetBytes(append([]byte{1}, largeMPInt...))},
		parse:   parsing(ParseKexDHGexInit),
		layout:  []any{Number(32), "\x01" + string(largeMPInt)},
		line:    `32 SSH_MSG_KEX_DH_GEX_INIT e=(137 bits 0x01008031323334353637383961626364...)`,
	},
	{
		message: &KexDHGexReply{
			HostKey:   encode([]any{"ssh-ed25519", "key"}),
			F:         big.NewInt(-2),
			Signature: encode([]any{"ssh-ed25519", "signature"}),
		},
		parse: parsing(ParseKexDHGexReply),
		layout: []any{
			Number(33), string(encode([]any{"ssh-ed25519", "key"})), "\xfe",
			string(encode([]any{"ssh-ed25519", "signature"})),
		},
		line: `33 SSH_MSG_KEX_DH_GEX_REPLY host-key="ssh-ed25519"(22 bytes) f=(2 bits -0x02) signature="ssh-ed25519"(28 bytes)`,
	},
	{
		message: &KexDHGexRequest{Min: 1024, Preferred: 2048, Max: 8192},
		parse:   parsing(ParseKexDHGexRequest),
		layout:  []any{Number(34), uint32(1024), uint32(2048), uint32(8192)},
		line:    `34 SSH_MSG_KEX_DH_GEX_REQUEST min=1024 preferred=2048 max=8192`,
	},
}

// RFC 4251, section 5: a number has one encoding, in these messages too.
func TestGexNumbersAreInShortestForm(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload []any
		parse   func([]byte) (message, error)
	}{
		{"p", []any{Number(31), "\x00\x17", "\x02"}, parsing(ParseKexDHGexGroup)},
		{"g", []any{Number(31), "\x17", "\x00\x02"}, parsing(ParseKexDHGexGroup)},
		{"e", []any{Number(32), "\x00"}, parsing(ParseKexDHGexInit)},
		{"f", []any{Number(33), "key", "\xff\x80", "signature"}, parsing(ParseKexDHGexReply)},
	} {
		_, err := test.parse(encode(test.payload))
		require.ErrorIs(t, err, ErrMPInt, test.name)
	}
}

// RFC 4253, section 8: what a method of one round trip sends has the layout of
// RFC 5656, section 4, because the encoding of an mpint is a string.
func TestMPIntIsAString(t *testing.T) {
	init, err := ParseKexECDHInit(AppendMPInt([]byte{30}, large))
	require.NoError(t, err)
	require.Equal(t, largeMPInt, init.Public)
}

// Numbers 30 and 31 are those of other methods: of those the layout decides.
func TestDescribeGex(t *testing.T) {
	require.Equal(t, `30 SSH_MSG_KEX_ECDH_INIT public=(0 bytes)`, Describe(encode([]any{Number(30), uint32(0)})))
	require.Equal(t, `31 SSH_MSG_KEX_ECDH_REPLY malformed: wire: message is truncated`,
		Describe(encode([]any{Number(31), "\x00\x17", "\x02"})), "not a number")
	p := encode([]any{Number(31), "\x7f" + strings.Repeat("p", 1<<10), string(bytes.Repeat([]byte{1}, 20))})
	require.Equal(t, `31 SSH_MSG_KEX_DH_GEX_GROUP p=(8199 bits 0x7f707070707070707070707070707070...)`+
		` g=(153 bits 0x01010101010101010101010101010101...)`, Describe(p))
}
