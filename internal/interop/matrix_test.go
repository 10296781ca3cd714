package interop

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// A kind is a kind of algorithm, which both sides list in their KEXINIT (RFC
// 4253, section 7.1).
type kind struct {
	name   string
	list   func(*wire.KexInit) []string
	choose func(name string) suite
}

var kinds = []kind{
	{"key exchange", func(m *wire.KexInit) []string { return m.KeyExchanges }, func(name string) suite { return suite{kex: name} }},
	{"cipher", func(m *wire.KexInit) []string { return m.CiphersClientServer }, func(name string) suite { return suite{cipher: name} }},
	{"MAC", func(m *wire.KexInit) []string { return m.MACsClientServer }, func(name string) suite { return suite{cipher: "aes128-ctr", mac: name} }},
	{"compression", func(m *wire.KexInit) []string { return m.CompressionClientServer }, func(name string) suite { return suite{compression: name} }},
	{"host key", func(m *wire.KexInit) []string { return m.HostKeys }, func(name string) suite { return suite{hostKey: name} }},
}

// algorithms are those of the kind in a KEXINIT, without names that are there
// to announce something: RFC 8308, strict key exchange, and Dropbear's.
func (k kind) algorithms(m *wire.KexInit) []string {
	return slices.DeleteFunc(slices.Clone(k.list(m)), func(name string) bool {
		return strings.HasPrefix(name, "ext-info-") || strings.HasPrefix(name, "kex-strict-") || strings.HasPrefix(name, "kexguess2@")
	})
}

// Offers are the first KEXINITs of a connection in which we offered all there
// is, and the version line of the other side.
type offers struct {
	ours, theirs wire.KexInit
	version      string
}

// trace takes note of them.
func (o *offers) trace() *transport.Trace {
	note := func(m *wire.KexInit) func(uint32, []byte) {
		return func(_ uint32, payload []byte) {
			if m.KeyExchanges == nil && wire.Number(payload[0]) == wire.NumberKexInit {
				*m, _ = wire.ParseKexInit(payload)
			}
		}
	}
	return &transport.Trace{
		Version:    func(_, remote string) { o.version = remote },
		PacketSent: note(&o.ours), PacketRead: note(&o.theirs),
	}
}

// A cell is an algorithm and who has it.
type cell struct {
	kind      int // of kinds
	algorithm string
	peer      *peer
}

// Roles are those in which a peer was tried.
type roles struct{ client, server bool }

// A matrix is what TestMatrix has found out.
type matrix struct {
	mu       sync.Mutex
	ours     offers            // of our client, which offers more than our server
	versions map[*peer]string  // as of their version lines
	cells    map[cell]roles    // that have been found to work
	lacking  map[cell]struct{} // that they have and we have not
	deaf     map[*peer]string  // what its server does about a guess
}

// Every algorithm that a peer and we have, in both roles: our end offers it and
// no other of its kind. An exec moves a mebibyte each way, whose checksum is
// right, and on the way there keys are exchanged again, which is our end's
// wish. What the peer has its KEXINIT says.
func TestMatrix(t *testing.T) {
	m := &matrix{versions: make(map[*peer]string), cells: make(map[cell]roles), lacking: make(map[cell]struct{}), deaf: make(map[*peer]string)}
	t.Run("cells", func(t *testing.T) {
		m.tryOurselves(t)
		for _, p := range peers {
			t.Run("to "+p.name, func(t *testing.T) {
				t.Parallel()
				if p.server.path != "" {
					m.tryServer(t, p)
					return
				}
				between(t, "peer", []*program{p.server}, func(*testing.T) {})
			})
			t.Run("from "+p.name, func(t *testing.T) {
				t.Parallel()
				if p.client.path != "" {
					m.tryClient(t, p)
					return
				}
				between(t, "peer", []*program{p.client}, func(*testing.T) {})
			})
		}
	})
	cases.table = m.table()
	if !t.Failed() {
		m.checkREADME(t)
	}
}

// half is when keys are exchanged again, in bytes of either direction.
const half = mebibyte / 2

// tryOurselves runs every algorithm between our own two, so that those that no
// peer has are tried as well.
func (m *matrix) tryOurselves(t *testing.T) {
	s, _ := host(t, 0, offerAll)
	o := s.offers(t)
	m.ours = o
	for i, k := range kinds {
		for _, name := range k.algorithms(&o.theirs) {
			t.Run(fmt.Sprint("ourselves, ", kinds[i].name, ", ", name), func(t *testing.T) {
				t.Parallel()
				s, _ := host(t, mebibyte, offerAll)
				k.choose(name).tryServer(t, s)
			})
		}
	}
}

// tryServer runs our client against a peer's server.
func (m *matrix) tryServer(t *testing.T, p *peer) {
	tried := make(map[cell]bool)
	for _, s := range p.serve(t) {
		o := s.offers(t)
		m.meet(t, p, &o)
		if s.deaf != "" {
			m.deaf[p] = s.deaf
		}
		for i, k := range kinds {
			m.common(p, i, &o, func(name string) {
				c := cell{i, name, p}
				if tried[c] {
					return // with a server that has other host keys
				}
				tried[c] = true
				between(t, fmt.Sprint(k.name, ", ", name), []*program{library, p.server}, func(t *testing.T) {
					t.Parallel()
					k.choose(name).tryServer(t, s)
					m.works(c, roles{server: true})
				})
			})
		}
	}
}

// tryClient runs a peer's client against our server.
func (m *matrix) tryClient(t *testing.T, p *peer) {
	var o offers
	s, states := host(t, 0, func(c *transport.Config) {
		offerAll(c)
		c.Trace = o.trace()
	})
	r := run(t, p.connect(t, s, "exchange"))
	require.Equal(t, 0, r.status, r.stderr)
	<-states // and so o is complete
	m.meet(t, p, &o)
	for i, k := range kinds {
		m.common(p, i, &o, func(name string) {
			between(t, fmt.Sprint(k.name, ", ", name), []*program{p.client, hosted}, func(t *testing.T) {
				if why, ok := p.broken[name]; ok {
					t.Skipf("%s %s: %s", p.client.name, versionIn(o.version), why)
				}
				t.Parallel()
				k.choose(name).tryClient(t, p)
				m.works(cell{i, name, p}, roles{client: true})
			})
		})
	}
}

// meet takes note of who a peer is.
func (m *matrix) meet(t *testing.T, p *peer, o *offers) {
	t.Logf("%q prefers %s and %s", o.version, o.theirs.KeyExchanges[0], o.theirs.HostKeys[0])
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions[p] = versionIn(o.version)
}

// common calls f for the algorithms of a kind that both sides have, and takes
// note of those that we lack.
func (m *matrix) common(p *peer, kind int, o *offers, f func(name string)) {
	ours := kinds[kind].algorithms(&o.ours)
	for _, name := range kinds[kind].algorithms(&o.theirs) {
		if slices.Contains(ours, name) {
			f(name)
		} else if !slices.Contains(kinds[kind].algorithms(&m.ours.ours), name) {
			m.mu.Lock()
			m.lacking[cell{kind, name, p}] = struct{}{}
			m.mu.Unlock()
		}
	}
}

func (m *matrix) works(c cell, r roles) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.cells[c]
	m.cells[c] = roles{client: old.client || r.client, server: old.server || r.server}
}

// offers connects our client to s, offering all there is.
func (s *server) offers(t *testing.T) (o offers) {
	t.Helper()
	c := s.dial(t, func(c *client.Config) {
		c.HostKeys = s.vouched()
		c.Transport.DisableGuess = s.deaf != ""
		offerAll(&c.Transport)
		c.Transport.Trace = o.trace()
	})
	require.NoError(t, ignoreClosed(c.Close()))
	return o
}

// quicken has the fastest key exchanges only, of which every peer knows one.
func quicken(c *transport.Config) {
	c.KeyExchanges = slices.DeleteFunc(algolist.AllKeyExchanges(), func(m kex.Method) bool { return !strings.HasPrefix(m.Name(), "curve25519-") })
}

// tryServer runs package client against s.
func (u suite) tryServer(t *testing.T, s *server) {
	t.Helper()
	start := time.Now()
	c := s.dial(t, func(c *client.Config) {
		c.HostKeys = s.vouched()
		c.Transport.DisableGuess = s.deaf != ""
		quicken(&c.Transport)
		u.configure(&c.Transport)
		c.Transport.Rekey.Bytes = half
	})
	id := c.State().SessionID
	exchange(t, c, mebibyte)
	require.Equal(t, id, c.State().SessionID, "RFC 4253, section 7.2: it does not change")
	u.requireIn(t, c.State())
	// What was in flight when we asked for it may be all there was.
	require.Eventually(t, func() bool { return c.State().KeyExchangesFinished > 1 }, patience, time.Millisecond)
	t.Logf("%d key exchanges in %v", c.State().KeyExchangesFinished, time.Since(start).Round(time.Millisecond))
}

// tryClient runs a peer's client against package server.
func (u suite) tryClient(t *testing.T, p *peer) {
	t.Helper()
	s, states := host(t, mebibyte, func(c *transport.Config) {
		quicken(c)
		u.configure(c)
		c.Rekey.Bytes = half
	})
	received := newSum()
	cmd := p.connect(t, s, "exchange")
	cmd.Stdin, cmd.Stdout = newStream(mebibyte), received
	r := run(t, cmd)
	require.Equal(t, 0, r.status, r.stderr)
	require.Equal(t, streamSum(mebibyte), received.String())
	require.Contains(t, r.stderr, streamSum(mebibyte))
	state := <-states
	u.requireIn(t, state)
	require.Greater(t, state.KeyExchangesFinished, 1)
	t.Logf("%d key exchanges in %v", state.KeyExchangesFinished, r.elapsed.Round(time.Millisecond))
}
