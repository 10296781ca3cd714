package fuzz_test

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

// A gexPeer is a kex.Conn whose peer says some things and then hangs up.
type gexPeer struct {
	says  [][]byte
	wrote int
}

func (p *gexPeer) ReadPacket() ([]byte, error) {
	if len(p.says) == 0 {
		return nil, errHungUp
	}
	said := p.says[0]
	p.says = p.says[1:]
	return said, nil
}

func (p *gexPeer) WritePacket(...[]byte) error {
	p.wrote++
	return nil
}

// oddNumber returns an odd number of so many bits, as good as a prime to who
// does not test it.
func oddNumber(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Add(n, big.NewInt(1))
}

func groupExchange(f *testing.F) kex.Method {
	m, ok := kex.Lookup("diffie-hellman-group-exchange-sha256")
	require.True(f, ok)
	return m
}

// FuzzGroupExchange gives each half of group exchange two messages.
func FuzzGroupExchange(f *testing.F) {
	m := groupExchange(f)
	small := big.NewInt(15)
	request := (&wire.KexDHGexRequest{Min: 2048, Preferred: 2048, Max: 8192}).Append(nil)
	old := (&wire.KexDHGexRequestOld{Preferred: 2048}).Append(nil)
	init := (&wire.KexDHGexInit{E: small}).Append(nil)
	group := (&wire.KexDHGexGroup{P: oddNumber(2048), G: big.NewInt(2)}).Append(nil)
	reply := (&wire.KexDHGexReply{HostKey: []byte("key"), F: small, Signature: []byte("signature")}).Append(nil)
	for _, seed := range []struct {
		server        bool
		first, second []byte
	}{
		{true, request, init},
		{true, old, init},
		{true, request, request},
		{true, request, init[:1]},
		{true, request[:4], init},
		{false, group, reply},
		{false, group, group},
		{false, group, reply[:len(reply)-1]},
		{false, group[:20], reply},
		{false, (&wire.KexDHGexGroup{P: oddNumber(1024), G: big.NewInt(2)}).Append(nil), reply},
		{false, (&wire.KexDHGexGroup{P: new(big.Int), G: new(big.Int)}).Append(nil), reply},
		{false, group, (&wire.KexDHGexReply{F: big.NewInt(-1)}).Append(nil)},
	} {
		f.Add(seed.server, seed.first, seed.second)
	}
	f.Fuzz(func(t *testing.T, server bool, first, second []byte) {
		peer := gexPeer{says: [][]byte{bytes.Clone(first), bytes.Clone(second)}}
		var r *kex.Result
		var err error
		if server {
			id := kex.Identity{HostKey: []byte("key"), Sign: func(h []byte) ([]byte, error) { return h, nil }}
			r, err = m.Server(&peer, kexTranscript, id)
		} else {
			r, err = m.Client(&peer, kexTranscript)
		}
		if errors.Is(err, errHungUp) {
			t.Fatal("it read a third message")
		}
		requireKexOutcome(t, r, err)
		if err == nil {
			require.Equal(t, 2, peer.wrote)
		}
	})
}

// FuzzModuli reads a moduli file. Whatever is in it, the groups that come of it
// serve a client.
func FuzzModuli(f *testing.F) {
	m := groupExchange(f)
	line := "20260101000000 2 6 100 2047 2 " + new(big.Int).Add(oddNumber(2048), big.NewInt(2)).Text(16)
	for _, seed := range []string{"", "# comment\n", line, line + "\n" + line, strings.Replace(line, "2047", "2048", 1), strings.ToUpper(line), "a b c d e f g"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		groups, skipped, err := kex.ParseModuli(strings.NewReader(file))
		require.NoError(t, err)
		lines := strings.Count(file, "\n") + 1
		require.LessOrEqual(t, groups.Len()+len(skipped), lines)
		for _, s := range skipped {
			require.LessOrEqual(t, s.Line, lines)
			require.NotContains(t, s.Error(), "\x1b")
		}
		peer := gexPeer{says: [][]byte{(&wire.KexDHGexRequest{Min: 2048, Preferred: 2048, Max: 8192}).Append(nil)}}
		_, err = kex.WithGroups([]kex.Method{m}, groups)[0].Server(&peer, kexTranscript, kex.Identity{})
		require.ErrorIs(t, err, errHungUp)
		require.Equal(t, 1, peer.wrote)
	})
}
