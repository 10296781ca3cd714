package transport

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

const finiteField = "diffie-hellman-"

func isFiniteField(name string) bool { return strings.HasPrefix(name, finiteField) }

// Every method of finite fields, at first and again. Being the client's first,
// it is begun on a guess: with group exchange that is a request.
func TestFiniteFields(t *testing.T) {
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		if !isFiniteField(m.Name()) {
			continue
		}
		t.Run(m.Name(), func(t *testing.T) {
			t.Parallel()
			cc, sc := clientConfig(), serverConfig()
			cc.KeyExchanges, sc.KeyExchanges = []kex.Method{m}, []kex.Method{m}
			c, s := newPair(t, cc, sc)
			id := c.State().SessionID
			require.Equal(t, m.Name(), c.State().KeyExchange)
			require.Equal(t, id, s.State().SessionID)
			require.NoError(t, c.Rekey())
			exchangeData(t, c, s, 300, 10_000)
			require.Equal(t, 2, c.State().KeyExchangesFinished)
			require.Equal(t, id, c.State().SessionID)
		})
	}
}

// D9, CVE-2002-20001: a client offers finite fields, a server does not unless
// it is told to.
func TestServersOfferNoFiniteField(t *testing.T) {
	var offers [2][]string
	see := func(r role) *Trace {
		return &Trace{PacketRead: func(_ uint32, p []byte) {
			if init, err := wire.ParseKexInit(p); err == nil {
				offers[r] = init.KeyExchanges
			}
		}}
	}
	cc, sc := clientConfig(), serverConfig()
	cc.Trace, sc.Trace = see(server), see(client)
	newPair(t, cc, sc)
	require.True(t, slices.ContainsFunc(offers[client], isFiniteField), "%v", offers)
	require.False(t, slices.ContainsFunc(offers[server], isFiniteField), "%v", offers)

	cc.KeyExchanges = slices.DeleteFunc(kex.Default(), func(m kex.Method) bool { return !isFiniteField(m.Name()) })
	_, _, cerr, serr := handshake(t, cc, sc)
	requireReason(t, serr, ReasonKeyExchangeFailed)
	require.Error(t, cerr)
}

// C7: a guess that was wrong is one packet, whatever group exchange would have
// said after it; and a wrong guess of another method leaves group exchange its
// own first packet.
func TestGuessAndGroupExchange(t *testing.T) {
	gex, ok := kex.Lookup("diffie-hellman-group-exchange-sha256")
	require.True(t, ok)
	curve, ok := kex.Lookup("curve25519-sha256")
	require.True(t, ok)
	for _, client := range [][]kex.Method{{gex, curve}, {curve, gex}} {
		cc, sc := clientConfig(), serverConfig()
		cc.KeyExchanges, sc.KeyExchanges = client, []kex.Method{client[1], client[0]}
		c, s := newPair(t, cc, sc)
		require.Equal(t, client[0].Name(), s.State().KeyExchange)
		exchangeData(t, c, s, 50, 1000)
		cc.KeyExchanges, sc.KeyExchanges = client, client[1:]
		c, s = newPair(t, cc, sc)
		require.Equal(t, client[1].Name(), s.State().KeyExchange)
		exchangeData(t, c, s, 50, 1000)
	}
}

// E4: a group exchange is asked for once.
func TestSecondGroupRequest(t *testing.T) {
	gex, ok := kex.Lookup("diffie-hellman-group-exchange-sha256")
	require.True(t, ok)
	sc, cc := serverConfig(), clientConfig()
	cc.KeyExchanges, sc.KeyExchanges = []kex.Method{twice{gex}}, []kex.Method{gex}
	_, _, _, serr := handshake(t, cc, sc)
	requireReason(t, serr, ReasonProtocolError)
	require.ErrorContains(t, serr, "expected SSH_MSG_KEX_DH_GEX_INIT, got SSH_MSG_KEX_DH_GEX_REQUEST")
}

// A twice is a method that asks for a group twice.
type twice struct{ kex.Method }

func (m twice) Client(c kex.Conn, t *kex.Transcript) (*kex.Result, error) {
	request := wire.KexDHGexRequest{Min: 2048, Preferred: 2048, Max: 8192}
	if err := c.WritePacket(request.Append(nil)); err != nil {
		return nil, err
	}
	if _, err := c.ReadPacket(); err != nil {
		return nil, err
	}
	if err := c.WritePacket(request.Append(nil)); err != nil {
		return nil, err
	}
	_, err := c.ReadPacket()
	return nil, err
}
