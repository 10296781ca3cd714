package userauth

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A vouching is a "hostbased" request, and the ways to get it wrong.
type vouching struct {
	key                  hostkey.Signer
	user, host, theirs   string // as requested; theirs is the user's name on the host
	session              []byte // as signed; nil for that requested, as with the rest
	signedUser, signedAs string
	signedHost           string
	signedTheirs         string
	algorithm            string // in the request
}

func (v vouching) request(t *testing.T) []byte {
	t.Helper()
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	id := session
	if v.session != nil {
		id = v.session
	}
	algorithm, blob := or(v.algorithm, v.key.Algorithms()[0]), v.key.PublicKey().Marshal()
	// RFC 4252, section 9, written out once more.
	data := append(wire.AppendString(nil, id), 50)
	for _, s := range []string{or(v.signedUser, v.user), "ssh-connection", or(v.signedAs, "hostbased"), algorithm} {
		data = wire.AppendString(data, s)
	}
	data = wire.AppendString(data, blob)
	data = wire.AppendString(wire.AppendString(data, or(v.signedHost, v.host)), or(v.signedTheirs, v.theirs))
	sig, err := v.key.Sign(t.Context(), v.key.Algorithms()[0], data)
	require.NoError(t, err)
	m := wire.HostbasedFields{Algorithm: algorithm, Key: blob, Host: v.host, User: v.theirs, Signature: sig.Append(nil)}
	return requestOf(v.user, "hostbased", m.Append(nil))
}

// fromTrusted lets alice in from her account on host.example.org, which has key
// A.
func fromTrusted(seen *[]ClientHost) Check {
	return CheckHostbased(func(_ context.Context, a *Attempt, c ClientHost) (Decision, error) {
		*seen = append(*seen, c)
		if a.User == "alice" && c.User == "ally" && c.Name == "host.example.org" && hostkey.Equal(c.Key, keyA().PublicKey()) {
			return Accept(nil), nil
		}
		return Decision{}, nil
	})
}

// RFC 4252, section 9: what the policy hears of has been signed by the key it
// sees, and nothing else reaches it.
func TestHostbasedServer(t *testing.T) {
	good := vouching{key: keyA(), user: "alice", host: "host.example.org.", theirs: "ally"}
	with := func(change func(v *vouching)) vouching {
		v := good
		change(&v)
		return v
	}
	for _, tt := range []struct {
		name  string
		v     vouching
		asked bool
		ok    bool
	}{
		{"right", good, true, true},
		{"without the dot", with(func(v *vouching) { v.host = "host.example.org" }), true, true},
		{"another key says it is that host", with(func(v *vouching) { v.key = keyB() }), true, false},
		{"that key says it is another host", with(func(v *vouching) { v.host = "other.example.org" }), true, false},
		{"another user there", with(func(v *vouching) { v.theirs = "mallory" }), true, false},
		{"another user here", with(func(v *vouching) { v.user = "root" }), true, false},
		{"attack H18: of another session", with(func(v *vouching) { v.session = []byte("another") }), false, false},
		{"attack H18: signed for another user", with(func(v *vouching) { v.signedUser = "bob" }), false, false},
		{"attack H18: signed as another host", with(func(v *vouching) { v.signedHost = "other.example.org" }), false, false},
		{"attack H18: signed for another user there", with(func(v *vouching) { v.signedTheirs = "bob" }), false, false},
		{"attack H18: signed for another method", with(func(v *vouching) { v.signedAs = "publickey" }), false, false},
		{"an algorithm that is not the key's", with(func(v *vouching) { v.algorithm = "rsa-sha2-256" }), false, false},
		{"an algorithm that is not taken", with(func(v *vouching) { v.algorithm = "ssh-rsa" }), false, false},
		{"a certificate", with(func(v *vouching) { v.key = certificateSigner(t, keyA()) }), false, false},
		{"attack H12: a user name with NUL", with(func(v *vouching) { v.theirs = "ally\x00" }), false, false},
		{"no user name", with(func(v *vouching) { v.theirs = "" }), false, false},
		{"no host name", with(func(v *vouching) { v.host = "" }), false, false},
		{"a dot as host name", with(func(v *vouching) { v.host = "." }), false, false},
		{"a pattern as host name", with(func(v *vouching) { v.host = "*" }), false, false},
		{"a line as host name", with(func(v *vouching) { v.host = "a\nb" }), false, false},
		{"a host name of 256 bytes", with(func(v *vouching) { v.host = strings.Repeat("a", 256) }), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen []ClientHost
			o := serve(t, &Server{Checks: []Check{fromTrusted(&seen)}}, tt.v.request(t))
			require.Equal(t, tt.asked, len(seen) == 1)
			require.Equal(t, tt.ok, o.grant != nil)
			if !tt.ok {
				require.Equal(t, [][]byte{failureOf("hostbased")}, o.conn.out)
			}
		})
	}
	t.Run("malformed", func(t *testing.T) {
		var broken *ProtocolError
		p := good.request(t)
		require.ErrorAs(t, serve(t, &Server{Checks: []Check{fromTrusted(new([]ClientHost))}}, p[:len(p)-1]).err, &broken)
	})
	t.Run("attack H16: nobody decides", func(t *testing.T) {
		o := serve(t, &Server{Checks: []Check{CheckHostbased(nil)}}, good.request(t))
		require.Equal(t, [][]byte{failureOf("hostbased")}, o.conn.out)
	})
	t.Run("a session without identifier", func(t *testing.T) {
		s := &Server{Checks: []Check{fromTrusted(new([]ClientHost))}, Delay: -1}
		grant, _ := s.Authenticate(t.Context(), &script{in: [][]byte{good.request(t)}}, Binding{})
		require.Nil(t, grant)
	})
}

// Both roles against each other, with each type of key.
func TestHostbased(t *testing.T) {
	for _, key := range testkeys.All() {
		check := CheckHostbased(func(_ context.Context, a *Attempt, c ClientHost) (Decision, error) {
			if a.User == "alice" && c.Name == "h" && c.User == "ally" && hostkey.Equal(c.Key, key.PublicKey()) {
				return Accept(nil), nil
			}
			return Decision{}, nil
		})
		c := &Client{User: "alice", Methods: []Method{Hostbased("h.", "ally", testkeys.Ed25519Other(), key)}}
		grant, clientErr, serverErr := run(t, c, &Server{Checks: []Check{check}, Delay: -1})
		require.NoError(t, clientErr)
		require.NoError(t, serverErr)
		require.Equal(t, []string{"hostbased"}, grant.Methods)
	}
}

func TestHostbasedClient(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method Method
		b      Binding
		server [][]byte
		sent   int
		want   string
	}{
		{"no keys", Hostbased("h", "u"), bound, [][]byte{failureOf()}, 1, "there are no host keys"},
		{"a nil key", Hostbased("h", "u", nil), bound, [][]byte{failureOf()}, 1, "one of the host keys is nil"},
		{"an algorithm the server does not take", Hostbased("h", "u", keyA()), Binding{SessionID: session, Algorithms: []string{"rsa-sha2-256"}},
			[][]byte{failureOf()}, 1, "of which the server takes none"},
		{"no session", Hostbased("h", "u", keyA()), Binding{}, [][]byte{failureOf()}, 1, errNoSession.Error()},
		{"all refused", Hostbased("h", "u", keyA(), keyB()), bound, slicesRepeat(failureOf("hostbased"), 3), 2, `tried ["hostbased"]`},
		{"a message nobody knows", Hostbased("h", "u", keyA(), keyB()), bound, [][]byte{{60}}, 1, "SSH_MSG_USERAUTH_60"},
		{"the connection", Hostbased("h", "u", keyA(), keyB()), bound, nil, 1, "connection lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: tt.server}
			err := (&Client{User: "alice", Methods: []Method{tt.method}}).Authenticate(t.Context(), conn, tt.b)
			require.ErrorContains(t, err, tt.want)
			require.Len(t, conn.out, tt.sent)
		})
	}
}
