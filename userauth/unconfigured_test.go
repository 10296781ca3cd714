package userauth

import (
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// A method that the server was not given is refused like one that nobody has
// ever heard of, whatever its fields are (attack G3, CVE-2020-29652; H15 where
// GSSAPI is not asked for).
func TestG3UnconfiguredMethods(t *testing.T) {
	mechanisms, err := asn1.Marshal(kerberos)
	require.NoError(t, err)
	gssapi := wire.AppendString(wire.AppendUint32(nil, 1), mechanisms)
	for name, request := range map[string][]byte{
		"gssapi-with-mic":                 requestOf("alice", "gssapi-with-mic", gssapi),
		"gssapi-with-mic without fields":  requestOf("alice", "gssapi-with-mic", nil),
		"gssapi-with-mic of 2^32-1 names": requestOf("alice", "gssapi-with-mic", wire.AppendUint32(nil, 1<<32-1)),
		"gssapi-keyex":                    requestOf("alice", "gssapi-keyex", gssapi),
		"keyboard-interactive":            requestOf("alice", "keyboard-interactive", wire.AppendString(wire.AppendString(nil, ""), "")),
		"hostbased":                       requestOf("alice", "hostbased", []byte{1}),
		"publickey":                       queryOf("alice", keyA()),
		"publickey, signed":               signedBy(t, "alice", keyA()),
		"a name of 64 KiB":                requestOf("alice", string(make([]byte, 64<<10)), nil),
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, &Server{Checks: []Check{onlyPassword("alice", "right")}}, request, passwordOf("alice", "right"))
			require.NoError(t, o.err)
			require.Equal(t, [][]byte{failureOf("password"), success()}, o.conn.out)
			// What follows such a request is nobody's either: RFC 4462,
			// section 3.4, gives 61 and 66 a meaning where there is a method.
			for _, number := range []byte{60, 61, 63, 64, 65, 66} {
				o := serve(t, &Server{Checks: []Check{onlyPassword("alice", "right")}}, request, wire.AppendString([]byte{number}, "x"), passwordOf("alice", "right"))
				require.Nil(t, o.grant)
				require.ErrorAs(t, o.err, new(*ProtocolError))
			}
		})
	}
}
