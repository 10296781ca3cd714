package fuzz_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// theirs is the number of the first channel that a Peer opens.
const theirs = 1000

// openSession opens a session with a server, runs a command there and returns the
// server's number of the channel.
func openSession(p *fuzz.Peer) uint32 {
	p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 30, MaxPacket: 1 << 15})
	m, _ := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
	fields := wire.ExecRequest{Command: "x"}
	p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "exec", WantReply: true, Data: fields.Append(nil)})
	p.Expect(wire.NumberChannelSuccess)
	return m.Sender
}

// F1, CVE-2025-22869: a peer begins a key re-exchange and says no more. Who writes
// waits, little is kept, and it is over in time.
func TestF1UnfinishedReexchange(t *testing.T) {
	for _, tt := range []struct {
		name string
		stop func(p *fuzz.Peer)
		most int // bytes that are written
	}{
		{"after KEXINIT", func(p *fuzz.Peer) { p.SendKexInit() }, 8 << 20},
		// There it may go on, with new keys (RFC 4253, section 7.3).
		{"after the method", func(p *fuzz.Peer) { p.SendKexInit(); p.ExpectKexInit(); p.Exchange() }, 64 << 20},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			wrote, sett := make(chan int, 1), nullCrypto()
			sett.server = func(s *server.Server) {
				s.Session = server.HandlerFunc(func(session *server.Session) {
					n, _ := io.Copy(session, io.LimitReader(zeros{}, 64<<20))
					wrote <- int(n)
				})
			}
			p, v := againstServer(t, nullPeer(), sett)
			p.Handshake()
			p.Login(alice, password(secret))
			p.Gather(time.Millisecond)
			p.Config.Timeout = time.Minute
			start := time.Now()
			openSession(p)
			tt.stop(p)
			require.NoError(t, p.Err())
			p.ExpectDisconnect()
			require.NoError(t, p.Err())
			require.LessOrEqual(t, time.Since(start), 31*time.Second)
			require.ErrorIs(t, v.gone(t), transport.ErrTimeout)
			require.LessOrEqual(t, <-wrote, tt.most)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// F2: nothing but the exchange comes behind a KEXINIT until the NEWKEYS that ends it,
// from either side.
func TestF2NothingButTheExchange(t *testing.T) {
	for _, m := range []fuzz.Message{
		&wire.ChannelData{Data: []byte("x")}, &wire.GlobalRequest{Type: "x", WantReply: true}, &wire.ChannelOpen{Type: "session", MaxPacket: 1 << 15},
		&wire.ServiceRequest{Name: "ssh-userauth"}, &wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "none"}, &wire.ExtInfo{}, fuzz.Payload{200},
	} {
		name := wire.Describe(m.Append(nil))
		eachSide(t, "after KEXINIT: "+name, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			s.enter(p)
			p.SendKexInit()
			p.Send(m)
			v.denies(t, p, transport.ReasonProtocolError)
		})
		eachSide(t, "before NEWKEYS: "+name, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			s.enter(p)
			p.SendKexInit()
			p.ExpectKexInit()
			p.Exchange()
			p.Send(m)
			v.denies(t, p, transport.ReasonProtocolError)
		})
	}
	bubble(t, "what a busy server sends", func(t *testing.T) {
		p, _ := againstServer(t, nullPeer(), nullCrypto())
		p.Handshake()
		p.Login(alice, password(secret))
		p.Gather(time.Millisecond)
		id := openSession(p)
		for range 20 {
			for range 10 {
				p.Send(&wire.ChannelData{Recipient: id, Data: make([]byte, 4<<10)})
			}
			p.SendKexInit()
			p.ExpectKexInit() // OpenSSH since 10.4 disconnects who sends anything else behind it
			p.Exchange()
			p.SwitchKeys()
			require.NoError(t, p.Err())
		}
	})
}

// F3: what was sent before the other's KEXINIT was seen is delivered (RFC 4253,
// section 7.1), and both sides may begin at once.
func TestF3DataInFlight(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		sett := nullCrypto()
		sett.transport.Rekey = transport.RekeyPolicy{Packets: 64}
		p, _ := againstServer(t, nullPeer(), sett)
		p.Handshake()
		p.Login(alice, password(secret))
		p.Gather(time.Millisecond)
		id := openSession(p)
		for range 100 { // more than the server wants to see under one key
			p.Send(&wire.ChannelData{Recipient: id, Data: []byte("x")})
		}
		synctest.Wait()
		p.Rekey()
		require.NoError(t, p.Err())
		n := 0
		payloads, _ := p.Gather(time.Second)
		for _, payload := range payloads {
			if m, err := wire.ParseChannelData(payload); err == nil {
				n += len(m.Data)
			}
		}
		require.Positive(t, n, "what had to wait for the keys to be echoed")
	})
}

// F4: no key re-exchange before authentication, and not too much of anything.
func TestF4BeforeAuthentication(t *testing.T) {
	eachSide(t, "KEXINIT", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		p.SendKexInit()
		v.denies(t, p, transport.ReasonProtocolError)
	})
	for name, m := range map[string]fuzz.Message{"packets": &wire.Ignore{}, "bytes": &wire.Ignore{Data: make([]byte, 200<<10)}} {
		eachSide(t, "too many "+name, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			for range 2100 {
				p.Send(m)
				if len(v.end) > 0 {
					break
				}
			}
			err := v.gone(t)
			require.ErrorIs(t, err, transport.ErrBudget)
			v.end <- err
		})
	}
}

// F5, CVE-2026-60002: the host is another one after a key re-exchange.
func TestF5HostKeyChanges(t *testing.T) {
	for name, key := range map[string]func(c *fuzz.Config){
		"another key":           func(c *fuzz.Config) { c.HostKey = testkeys.Ed25519Other() },
		"a key of another type": func(c *fuzz.Config) { c.HostKey = testkeys.ECDSA256() },
	} {
		bubble(t, name, func(t *testing.T) {
			p, v := againstClient(t, nullPeer(), nullCrypto())
			p.Handshake()
			p.Admit()
			key(&p.Config)
			p.SendKexInit()
			p.ExpectKexInit()
			p.Exchange()
			if p.Err() == nil {
				p.ExpectDisconnect(transport.ReasonHostKeyNotVerifiable)
				require.NoError(t, p.Err())
			}
			v.gone(t)
		})
	}
}

// F6, CVE-2021-3634: the session identifier is that of the first exchange, and need
// not be as long as the hashes of later ones.
func TestF6HashesOfOtherLengths(t *testing.T) {
	short, _ := kex.Lookup("curve25519-sha256")
	long, _ := kex.Lookup("sntrup761x25519-sha512")
	for _, s := range sides {
		bubble(t, s.name, func(t *testing.T) {
			p, _ := s.against(t, fuzz.Config{KeyExchanges: []kex.Method{short}}, setting{transport: transport.Config{KeyExchanges: []kex.Method{short, long}}})
			p.Handshake()
			s.enter(p)
			id := slices.Clone(p.SessionID)
			for _, m := range []kex.Method{long, short, long} {
				p.Config.KeyExchanges = []kex.Method{m}
				p.Rekey()
				requirePong(t, p)
			}
			require.Equal(t, id, p.SessionID)
		})
	}
}

// F7: keys may be exchanged again as often as the peer likes.
func TestF7ManyReexchanges(t *testing.T) {
	eachSide(t, "", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		for range 300 {
			p.Rekey()
		}
		requirePong(t, p)
	})
}

// F8: the end of a session that falls into a key re-exchange comes after it, and in
// order.
func TestF8EndOfASessionInAReexchange(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		p, _ := againstServer(t, nullPeer(), nullCrypto())
		p.Handshake()
		p.Login(alice, password(secret))
		p.Gather(time.Millisecond)
		id := openSession(p)
		p.Send(&wire.ChannelData{Recipient: id, Data: []byte("last words")}, &wire.ChannelEOF{Recipient: id})
		p.SendKexInit()
		synctest.Wait() // the handler has read the end, and has gone
		p.ExpectKexInit()
		p.Exchange()
		p.SwitchKeys()
		require.NoError(t, p.Err())
		payloads, over := p.Gather(time.Second)
		require.False(t, over)
		var lines []string
		for _, payload := range payloads {
			lines = append(lines, strings.Fields(wire.Describe(payload))[1])
		}
		require.Subset(t, []string{"SSH_MSG_CHANNEL_DATA", "SSH_MSG_CHANNEL_REQUEST", "SSH_MSG_CHANNEL_EOF", "SSH_MSG_CHANNEL_CLOSE"}, lines)
		require.Equal(t, "SSH_MSG_CHANNEL_CLOSE", lines[len(lines)-1], "%v", lines)
	})
}

// F9: keys are exchanged again after a while even if nothing happens, and whoever
// refuses is left.
func TestF9ReexchangeInTime(t *testing.T) {
	for _, s := range sides {
		bubble(t, s.name, func(t *testing.T) {
			p, v := s.against(t, nullPeer(), nullCrypto())
			p.Handshake()
			s.enter(p)
			p.Gather(time.Millisecond)
			p.ExpectSilence(59 * time.Minute)
			p.Config.Timeout = 2 * time.Minute
			p.ExpectKexInit()
			p.SendKexInit()
			p.Exchange()
			p.SwitchKeys()
			requirePong(t, p)
			p.ExpectSilence(59 * time.Minute)
			p.ExpectKexInit()
			p.ExpectDisconnect()
			require.NoError(t, p.Err())
			require.ErrorIs(t, v.gone(t), transport.ErrTimeout)
		})
	}
}

// startExec has a client run a command.
func (v *victim) startExec(t *testing.T) chan error {
	t.Helper()
	synctest.Wait()
	c := v.loggedIn()
	require.NotNil(t, c)
	ended := make(chan error, 1)
	go func() { ended <- c.Command("x").Run(context.Background()) }()
	return ended
}
