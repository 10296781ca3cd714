package transport

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/wire"
)

func testInit() *wire.KexInit {
	one := []string{"a"}
	none := []string{"none"}
	return &wire.KexInit{KeyExchanges: []string{"k"}, HostKeys: []string{"h"},
		CiphersClientServer: one, CiphersServerClient: one, MACsClientServer: []string{"m"}, MACsServerClient: []string{"m"},
		CompressionClientServer: none, CompressionServerClient: none}
}

func noAEAD(string) bool { return false }

func TestNegotiate(t *testing.T) {
	lists := []struct {
		what string
		of   func(*wire.KexInit) *[]string
	}{
		{"key exchange", func(m *wire.KexInit) *[]string { return &m.KeyExchanges }},
		{"host key algorithm", func(m *wire.KexInit) *[]string { return &m.HostKeys }},
		{"cipher client to server", func(m *wire.KexInit) *[]string { return &m.CiphersClientServer }},
		{"cipher server to client", func(m *wire.KexInit) *[]string { return &m.CiphersServerClient }},
		{"MAC client to server", func(m *wire.KexInit) *[]string { return &m.MACsClientServer }},
		{"MAC server to client", func(m *wire.KexInit) *[]string { return &m.MACsServerClient }},
		{"compression client to server", func(m *wire.KexInit) *[]string { return &m.CompressionClientServer }},
		{"compression server to client", func(m *wire.KexInit) *[]string { return &m.CompressionServerClient }},
	}
	for _, list := range lists {
		t.Run("C8: no common "+list.what, func(t *testing.T) {
			c, s := testInit(), testInit()
			*list.of(c), *list.of(s) = []string{"x"}, []string{"y", "z"}
			_, err := negotiate(c, s, noAEAD)
			var n *NegotiationError
			require.ErrorAs(t, err, &n)
			require.Equal(t, &NegotiationError{What: list.what, Ours: []string{"x"}, Theirs: []string{"y", "z"}}, n)
			require.Contains(t, err.Error(), list.what)
			require.Contains(t, err.Error(), `"y,z"`)
		})
	}
	t.Run("C8: an AEAD needs no common MAC", func(t *testing.T) {
		c, s := testInit(), testInit()
		c.MACsClientServer, c.MACsServerClient = []string{"x"}, nil
		got, err := negotiate(c, s, func(name string) bool { return name == "a" })
		require.NoError(t, err)
		require.Equal(t, Protection{Cipher: "a", Compression: "none"}, got.clientToServer)
	})
	t.Run("C5: markers are never chosen", func(t *testing.T) {
		c, s := testInit(), testInit()
		for _, markers := range [][2]string{{strictServer, strictServer}, {extInfoServer, extInfoServer}, {extInfoClient, extInfoClient}} {
			c.KeyExchanges, s.KeyExchanges = []string{markers[0], "p"}, []string{markers[1], "q"}
			_, err := negotiate(c, s, noAEAD)
			var n *NegotiationError
			require.ErrorAs(t, err, &n)
			require.Equal(t, "key exchange", n.What)
		}
	})
}

func TestC9NegotiatePrefersTheClient(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	pick := func() []string {
		r.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		return append([]string(nil), letters[:1+r.IntN(len(letters))]...)
	}
	for range 10_000 {
		c, s := testInit(), testInit()
		c.CiphersClientServer, s.CiphersClientServer = pick(), pick()
		want := ""
		for i := len(c.CiphersClientServer) - 1; i >= 0; i-- {
			for _, name := range s.CiphersClientServer {
				if name == c.CiphersClientServer[i] {
					want = name
				}
			}
		}
		got, err := negotiate(c, s, noAEAD)
		if want == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, got.clientToServer.Cipher, "C9: RFC 4253 7.1, client %v server %v", c.CiphersClientServer, s.CiphersClientServer)
	}
}

func TestGuessedRight(t *testing.T) {
	tests := []struct {
		name                 string
		clientKex, clientKey string
		serverKex, serverKey string
		want                 bool
	}{
		{"RFC 4253 7: both first choices agree", "k1", "h1", "k1", "h1", true},
		{"RFC 4253 7: another method first", "k1", "h1", "k2", "h1", false},
		{"RFC 4253 7: another host key first", "k1", "h1", "k1", "h2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := testInit(), testInit()
			c.KeyExchanges, c.HostKeys = []string{tt.clientKex, "z"}, []string{tt.clientKey, "z"}
			s.KeyExchanges, s.HostKeys = []string{tt.serverKex, "z"}, []string{tt.serverKey, "z"}
			require.Equal(t, tt.want, guessedRight(c, s))
		})
	}
	require.False(t, guessedRight(&wire.KexInit{}, &wire.KexInit{}))
}

func TestNegotiationErrorIsReadable(t *testing.T) {
	long := make([]string, 500)
	for i := range long {
		long[i] = "name"
	}
	err := error(&NegotiationError{What: "cipher client to server", Ours: []string{"aes128-ctr"}, Theirs: long})
	require.Less(t, len(err.Error()), 400)
	require.False(t, errors.Is(err, errClosed))
}
