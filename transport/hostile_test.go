package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

// A rawPeer speaks the protocol before there are keys, and whatever else a
// test wants.
type rawPeer struct {
	t  *testing.T
	nc net.Conn
	in *inbound
}

// against starts a Conn of role r and returns a peer for it, and where the
// Conn's Handshake will report.
func against(t *testing.T, r role) (*rawPeer, <-chan error) {
	t.Helper()
	a, b := tcpPair(t)
	conn := newConn(a, map[role]*Config{client: clientConfig(), server: serverConfig()}[r], r)
	result := make(chan error, 1)
	go func() { result <- conn.Handshake(testContext(t)) }()
	t.Cleanup(func() { conn.Close(); b.Close() })
	_, opener := cipher.None()
	b.SetDeadline(time.Now().Add(10 * time.Second))
	return &rawPeer{t: t, nc: b, in: &inbound{conn: b, idle: func() {}, buf: make([]byte, smallBuffer), opener: opener, frame: opener.Framing(), clear: true}}, result
}

// plain frames payloads as packets in plain text.
func plain(payloads ...[]byte) []byte {
	o := newOutbound(nil)
	for _, p := range payloads {
		o.frameLocked([][]byte{p})
	}
	var packets []byte
	for o.queue.size > 0 {
		packets = append(packets, o.queue.take().packets...)
	}
	return packets
}

func (p *rawPeer) write(b []byte) { p.nc.Write(b) } // the Conn may have hung up already: what it said matters

func (p *rawPeer) send(payloads ...[]byte) { p.write(plain(payloads...)) }

// version exchanges version lines.
func (p *rawPeer) version(peer role) {
	io.WriteString(p.nc, "SSH-2.0-raw\r\n")
	_, err := p.in.readVersion(peer)
	require.NoError(p.t, err)
}

// expectDisconnect reads until a DISCONNECT and checks its reason.
func (p *rawPeer) expectDisconnect(want Reason) {
	p.t.Helper()
	for {
		payload, err := p.in.next()
		require.NoError(p.t, err, "no DISCONNECT before the end")
		if wire.Number(payload[0]) == wire.NumberDisconnect {
			m, err := wire.ParseDisconnect(payload)
			require.NoError(p.t, err)
			require.Equal(p.t, want, Reason(m.Reason), "%q", m.Message)
			p.nc.Close() // the Conn lingers until we have read its last words
			return
		}
	}
}

// expect reads until message n.
func (p *rawPeer) expect(n wire.Number) []byte {
	p.t.Helper()
	for {
		payload, err := p.in.next()
		require.NoError(p.t, err)
		if wire.Number(payload[0]) == n {
			return payload
		}
		require.NotEqual(p.t, wire.NumberDisconnect, wire.Number(payload[0]), wire.Describe(payload))
	}
}

// offer returns a KEXINIT that agrees with a Conn's defaults. The peer plays
// role r.
func offer(r role, change func(*wire.KexInit)) []byte {
	c := newConn(nil, map[role]*Config{client: clientConfig(), server: serverConfig()}[r], r)
	m, err := wire.ParseKexInit(c.kexInit(false))
	if err != nil {
		panic(err)
	}
	m.KeyExchanges = append([]string{"curve25519-sha256"}, m.KeyExchanges[len(m.KeyExchanges)-2:]...)
	if change != nil {
		change(&m)
	}
	return m.Append(nil)
}

func notStrict(m *wire.KexInit) { m.KeyExchanges = m.KeyExchanges[:1] }

var (
	ignore    = (&wire.Ignore{Data: []byte("x")}).Append(nil)
	debug     = (&wire.Debug{Message: "x"}).Append(nil)
	unimpl    = (&wire.Unimplemented{Sequence: 0}).Append(nil)
	extInfo   = (&wire.ExtInfo{}).Append(nil)
	newKeys   = (&wire.NewKeys{}).Append(nil)
	userauth  = (&wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"}).Append(nil)
	success   = (&wire.UserauthSuccess{}).Append(nil)
	accepted  = (&wire.ServiceAccept{Name: "ssh-userauth"}).Append(nil)
	requested = (&wire.ServiceRequest{Name: "ssh-userauth"}).Append(nil)
	open      = (&wire.ChannelOpen{Type: "session", MaxPacket: 1 << 15}).Append(nil)
	execReq   = (&wire.ChannelRequest{Type: "exec", Data: wire.AppendString(nil, "id")}).Append(nil)
	global    = (&wire.GlobalRequest{Type: "x", WantReply: true}).Append(nil)
	ecdhInit  = (&wire.KexECDHInit{Public: make([]byte, 31)}).Append(nil)
	ecdhReply = (&wire.KexECDHReply{HostKey: []byte("k"), Public: make([]byte, 32), Signature: []byte("s")}).Append(nil)
	pkOK      = (&wire.UserauthPKOK{Algorithm: "ssh-ed25519", Key: []byte("k")}).Append(nil)
)

// TestNothingButTheExchange sends every message that must not come in every
// gap of a strict first key exchange, in both roles.
func TestNothingButTheExchange(t *testing.T) {
	messages := []struct {
		name    string
		payload []byte
	}{
		{"CVE-2023-48795 IGNORE", ignore}, {"CVE-2023-48795 DEBUG", debug}, {"CVE-2023-48795 UNIMPLEMENTED", unimpl},
		{"CVE-2023-46445 EXT_INFO", extInfo}, {"CVE-2023-46446 CVE-2025-32942 USERAUTH_REQUEST", userauth},
		{"CVE-2018-10933 CVE-2025-14942 USERAUTH_SUCCESS", success}, {"CVE-2025-14942 SERVICE_ACCEPT", accepted},
		{"CVE-2025-14942 PK_OK", pkOK}, {"E15 SERVICE_REQUEST", requested}, {"CVE-2025-32433 CHANNEL_OPEN", open},
		{"CVE-2025-32433 exec", execReq}, {"CVE-2018-7750 GLOBAL_REQUEST", global}, {"CVE-2026-48108 type 0", []byte{0}},
		{"E1 type 192", []byte{192, 0, 0, 0, 0}}, {"B9 type 255", []byte{255}}, {"B9 type 128", []byte{128}},
		{"CVE-2015-3146 NEWKEYS", newKeys},
	}
	for _, r := range []role{client, server} {
		peer := 1 - r // the part the raw peer plays
		for _, m := range messages {
			t.Run(r.String()+" before KEXINIT: "+m.name, func(t *testing.T) {
				p, result := against(t, r)
				p.version(r)
				p.send(m.payload, offer(peer, nil))
				p.expectDisconnect(ReasonProtocolError)
				requireReason(t, <-result, ReasonProtocolError)
			})
			t.Run(r.String()+" after KEXINIT: "+m.name, func(t *testing.T) {
				p, result := against(t, r)
				p.version(r)
				p.send(offer(peer, nil), m.payload)
				p.expectDisconnect(ReasonProtocolError)
				requireReason(t, <-result, ReasonProtocolError)
			})
		}
		for _, again := range [][]byte{offer(peer, nil), offer(peer, notStrict)} {
			t.Run("C1 CVE-2016-8858 "+r.String()+": KEXINIT twice", func(t *testing.T) {
				p, result := against(t, r)
				p.version(r)
				p.send(again, again)
				p.expectDisconnect(ReasonProtocolError)
				requireReason(t, <-result, ReasonProtocolError)
			})
		}
	}
	for _, m := range messages[:len(messages)-1] {
		t.Run("server before NEWKEYS: "+m.name, func(t *testing.T) {
			p, result := against(t, server)
			p.version(server)
			p.send(offer(client, nil), goodInit(t))
			p.expect(wire.NumberNewKeys)
			p.send(m.payload, newKeys)
			p.nc.(*net.TCPConn).CloseWrite()
			requireReason(t, <-result, ReasonProtocolError)
		})
	}
}

// goodInit returns an ECDH_INIT that a server takes.
func goodInit(t *testing.T) []byte {
	var sent []byte
	method, ok := kex.Lookup("curve25519-sha256")
	require.True(t, ok)
	method.Client(scriptedKex{&sent}, &kex.Transcript{})
	require.NotEmpty(t, sent)
	return sent
}

// scriptedKex keeps what a method writes and gives it nothing to read.
type scriptedKex struct{ sent *[]byte }

func (s scriptedKex) ReadPacket() ([]byte, error) { return nil, io.EOF }

func (s scriptedKex) WritePacket(parts ...[]byte) error {
	for _, p := range parts {
		*s.sent = append(*s.sent, p...)
	}
	return nil
}

func TestNoiseIsTakenFromOthers(t *testing.T) {
	p, result := against(t, server)
	p.version(server)
	p.send(ignore, debug, unimpl, offer(client, notStrict), ignore, goodInit(t), debug)
	p.expect(wire.NumberNewKeys)
	p.send(ignore, newKeys)
	require.NoError(t, <-result, "RFC 4253 11: a peer without strict key exchange may send IGNORE")
}

func TestKexMessagesOutOfPlace(t *testing.T) {
	tests := []struct {
		name string
		role role
		send [][]byte
		want Reason
	}{
		{"CVE-2018-10933 ECDH_REPLY to a server", server, [][]byte{offer(client, nil), ecdhReply}, ReasonProtocolError},
		{"E11 ECDH_INIT to a client", client, [][]byte{offer(server, nil), ecdhInit}, ReasonProtocolError},
		{"D2 public value of 31 bytes", server, [][]byte{offer(client, nil), ecdhInit}, ReasonKeyExchangeFailed},
		{"D1 all-zero public value", server, [][]byte{offer(client, nil), (&wire.KexECDHInit{Public: make([]byte, 32)}).Append(nil)}, ReasonKeyExchangeFailed},
		{"C4 reserved field", server, [][]byte{offer(client, func(m *wire.KexInit) { m.Reserved = 1 })}, ReasonProtocolError},
		{"C4 trailing byte", server, [][]byte{append(offer(client, nil), 0)}, ReasonProtocolError},
		{"C2 name of 65 characters", server, [][]byte{offer(client, func(m *wire.KexInit) { m.HostKeys = []string{strings.Repeat("x", 65)} })}, ReasonProtocolError},
		{"C2 CVE-2025-30211 100,000 names", server, [][]byte{offer(client, func(m *wire.KexInit) { m.HostKeys = strings.Split(strings.Repeat("x,", 100_000)+"x", ",") })}, ReasonProtocolError},
		{"C5 only markers", server, [][]byte{offer(client, func(m *wire.KexInit) { m.KeyExchanges = []string{strictServer, extInfoServer} })}, ReasonKeyExchangeFailed},
		{"C8 no common MAC", server, [][]byte{offer(client, func(m *wire.KexInit) {
			m.CiphersClientServer, m.MACsClientServer = []string{"aes128-ctr"}, []string{"x"}
		})}, ReasonKeyExchangeFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, result := against(t, tt.role)
			p.version(tt.role)
			p.send(tt.send...)
			p.expectDisconnect(tt.want)
			requireReason(t, <-result, tt.want)
		})
	}
}

func TestEmptyNameLists(t *testing.T) {
	p, result := against(t, server)
	p.version(server)
	p.send(offer(client, func(m *wire.KexInit) { m.LanguagesClientServer, m.LanguagesServerClient = nil, nil }), goodInit(t))
	p.expect(wire.NumberNewKeys)
	p.send(newKeys)
	require.NoError(t, <-result, "C3")
}

func TestGuess(t *testing.T) {
	tests := []struct {
		name   string
		change func(*wire.KexInit)
		send   [][]byte
		ok     bool
	}{
		{"C7 right guess is used", func(m *wire.KexInit) {
			m.KeyExchanges = append([]string{kex.Default()[0].Name(), "curve25519-sha256"}, m.KeyExchanges[1:]...)
		}, nil, false}, // see below: the packet is for another method, so the exchange fails
		{"C7 wrong guess is dropped, once", nil, [][]byte{{30, 1, 2, 3}, goodInit(t)}, true},
		{"C7 a second wrong packet is not", nil, [][]byte{{30, 1, 2, 3}, {30, 1, 2, 3}, goodInit(t)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, result := against(t, server)
			p.version(server)
			p.send(offer(client, func(m *wire.KexInit) {
				m.FirstFollows = true
				if tt.change != nil {
					tt.change(m)
				}
			}))
			if tt.send == nil {
				tt.send = [][]byte{{30, 1, 2, 3}}
			}
			p.send(tt.send...)
			if !tt.ok {
				p.nc.(*net.TCPConn).CloseWrite()
				require.Error(t, <-result)
				return
			}
			p.expect(wire.NumberNewKeys)
			p.send(newKeys)
			require.NoError(t, <-result)
		})
	}
}

func TestPacketLengths(t *testing.T) {
	lengths := []uint32{0, 1, 4, 5, 11, 12, 35001, 256 << 10, 256<<10 + 1, 256<<10 + 4, 1<<31 - 1, 1 << 31, 1<<32 - 20, 1<<32 - 1}
	for _, n := range lengths {
		p, result := against(t, server)
		p.version(server)
		packet := binary.BigEndian.AppendUint32(nil, n)
		p.write(append(packet, make([]byte, 64)...))
		p.nc.(*net.TCPConn).CloseWrite()
		err := <-result
		require.Error(t, err, "CVE-2026-55200: packet_length %d", n)
	}
}

func TestPaddingLengths(t *testing.T) {
	for _, size := range []int{16, 24, 128, 264} {
		for _, padding := range []int{0, 1, 2, 3, size - 6, size - 5, size - 4, 251, 252, 255} {
			p, result := against(t, server)
			p.version(server)
			packet := make([]byte, size)
			binary.BigEndian.PutUint32(packet, uint32(size-4))
			packet[4], packet[5] = byte(padding), byte(wire.NumberIgnore)
			p.write(packet)
			p.nc.(*net.TCPConn).CloseWrite()
			require.Error(t, <-result, "B3 CVE-2026-46597: padding %d of %d", padding, size)
		}
	}
}

func TestCorruptPackets(t *testing.T) {
	for _, mode := range cipher.Default() {
		for offset := range 40 {
			a, b := tcpPair(t)
			cc := clientConfig()
			cc.Ciphers = []cipher.Mode{mode}
			flip := &flipper{Conn: a}
			c, s := Client(flip, cc), Server(b, serverConfig())
			done := make(chan error, 1)
			go func() { done <- s.Handshake(testContext(t)) }()
			require.NoError(t, c.Handshake(testContext(t)))
			require.NoError(t, <-done)
			flip.arm(offset)
			require.NoError(t, c.Enqueue(make([]byte, 20), []byte{testMessage}))
			c.Enqueue(make([]byte, 300<<10-1024)[:200<<10]) // enough for any length that the flip makes
			c.Close()
			_, err := s.ReadPacket()
			require.Error(t, err)
			var local *Error
			if errors.As(err, &local) && local.Reason == ReasonMACError {
				require.Equal(t, "transport: packet corrupt", err.Error(), "4.3: one text, no detail")
			} else {
				require.Equal(t, ReasonConnectionLost, local.Reason, "%s, byte %d: %v", mode.Name, offset, err)
			}
			s.Close()
		}
	}
}

// A flipper flips one bit of what is written once it is armed.
type flipper struct {
	net.Conn
	armed atomic.Int64 // 1 + offset, or 0
}

func (f *flipper) arm(offset int) { f.armed.Store(int64(offset) + 1) }

func (f *flipper) Write(p []byte) (int, error) {
	if at := f.armed.Swap(0); at > 0 && int(at) <= len(p) {
		p = bytes.Clone(p)
		p[at-1] ^= 0x10
	}
	return f.Conn.Write(p)
}

func TestReplayIsRefused(t *testing.T) {
	// F4: the first packet after NEWKEYS, sent twice.
	for _, mode := range cipher.Default() {
		a, b := tcpPair(t)
		cc := clientConfig()
		cc.Ciphers = []cipher.Mode{mode}
		tap := &replayer{Conn: a}
		c, s := Client(tap, cc), Server(b, serverConfig())
		done := make(chan error, 1)
		go func() { done <- s.Handshake(testContext(t)) }()
		require.NoError(t, c.Handshake(testContext(t)))
		require.NoError(t, <-done)
		tap.twice.Store(true)
		require.NoError(t, c.Enqueue([]byte{testMessage, 1}))
		_, err := s.ReadPacket()
		require.NoError(t, err)
		_, err = s.ReadPacket()
		requireReason(t, err, ReasonMACError)
		c.Close()
		s.Close()
	}
}

type replayer struct {
	net.Conn
	twice atomic.Bool
}

func (r *replayer) Write(p []byte) (int, error) {
	if r.twice.Swap(false) {
		r.Conn.Write(p)
	}
	return r.Conn.Write(p)
}

// authenticatedPair returns a Conn under test and one that plays the hostile
// peer: its queue takes anything, correctly encrypted.
func hostilePair(t *testing.T) (victim, peer *Conn) {
	t.Helper()
	peer, victim = newPair(t, clientConfig(), serverConfig())
	return victim, peer
}

func TestMessagesDuringReexchange(t *testing.T) {
	for _, payload := range [][]byte{{testMessage, 1}, global, open, userauth, extInfo, requested, {192, 0, 0, 0, 0}} {
		victim, peer := hostilePair(t)
		go orNextError(victim, nil)
		peer.out.beginExchange(peer.kexInit(false))
		require.NoError(t, peer.out.putNow(payload))
		requirePeerReason(t, orNextError(peer, nil), ReasonProtocolError)
		requireReason(t, victim.Err(), ReasonProtocolError)
	}
}

func TestDataInFlightDuringReexchange(t *testing.T) {
	victim, peer := hostilePair(t)
	require.NoError(t, victim.Rekey())
	require.NoError(t, peer.Enqueue([]byte{testMessage, 1})) // sent before our KEXINIT was seen
	p, err := victim.ReadPacket()
	require.NoError(t, err, "F3 RFC 4253 7.1")
	require.Equal(t, []byte{testMessage, 1}, p)
	go orNextError(peer, nil)
	go orNextError(victim, nil)
	require.Eventually(t, func() bool { return victim.State().KeyExchangesFinished == 2 }, 5*time.Second, time.Millisecond)
}

func TestPeerNeverEndsReexchange(t *testing.T) {
	sc := serverConfig()
	sc.Rekey.Timeout = 100 * time.Millisecond
	peer, victim := newPair(t, clientConfig(), sc)
	peer.out.beginExchange(peer.kexInit(false)) // and then nothing
	failed := make(chan error, 1)
	go func() { failed <- orNextError(victim, nil) }()
	var err error
	for written := 0; err == nil && written < 1<<30; written += 32 << 10 {
		err = victim.WritePacket(append([]byte{testMessage}, make([]byte, 32<<10)...))
	}
	require.ErrorIs(t, err, ErrTimeout, "CVE-2025-22869")
	require.ErrorIs(t, <-failed, ErrTimeout)
	victim.out.mu.Lock()
	defer victim.out.mu.Unlock()
	require.LessOrEqual(t, victim.out.queue.size+cap(victim.out.deferred.bytes), 2*highWater)
}

func TestKexInitBeforeAuthentication(t *testing.T) {
	c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
	require.NoError(t, errors.Join(cerr, serr))
	require.ErrorIs(t, c.Rekey(), ErrUnauthenticated)
	c.out.beginExchange(c.kexInit(false))
	_, err := s.ReadPacket()
	requireReason(t, err, ReasonProtocolError)
}

func TestBudget(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		n       int
	}{
		{"F4 packets", ignore, 2100},
		{"F4 bytes", (&wire.Ignore{Data: make([]byte, 64<<10)}).Append(nil), 80},
		{"B11 CVE-2025-26466 PING", []byte{192, 0, 0, 0, 0}, 2100},
		{"B12 unknown types", []byte{200}, 2100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
			require.NoError(t, errors.Join(cerr, serr))
			go orNextError(c, nil)
			go func() {
				for range tt.n {
					if c.WritePacket(tt.payload) != nil {
						return
					}
				}
			}()
			_, err := s.ReadPacket()
			require.ErrorIs(t, err, ErrBudget)
			requireReason(t, err, ReasonProtocolError)
		})
	}
}

func TestRepliesAreBounded(t *testing.T) {
	// B11, L7: a peer that sends PINGs and never reads the answers.
	a, b := tcpPair(t)
	peer, victim := Client(a, clientConfig()), Server(b, serverConfig())
	done := make(chan error, 1)
	go func() { done <- victim.Handshake(testContext(t)) }()
	require.NoError(t, peer.Handshake(testContext(t)))
	require.NoError(t, <-done)
	peer.Authenticated()
	victim.Authenticated()
	go func() {
		ping := wire.Ping{Data: make([]byte, 8<<10)}
		for payload := ping.Append(nil); peer.WritePacket(payload) == nil; {
		}
	}()
	_, err := victim.ReadPacket() // the peer's reader never runs
	require.ErrorIs(t, err, ErrBackedUp)
}

func TestExtInfoPlaces(t *testing.T) {
	t.Run("RFC 8308 2.4: first after NEWKEYS, then right before USERAUTH_SUCCESS", func(t *testing.T) {
		c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
		require.NoError(t, errors.Join(cerr, serr))
		require.NoError(t, s.Enqueue(extInfo))
		require.NoError(t, s.Enqueue(success))
		p, err := c.ReadPacket()
		require.NoError(t, err)
		require.Equal(t, success, p)
		require.Empty(t, c.State().Extensions, "the later message replaces the earlier one")
	})
	tests := []struct {
		name string
		send [][]byte
	}{
		{"E5: third", [][]byte{extInfo, extInfo}},
		{"E5: second and no SUCCESS behind it", [][]byte{extInfo, {53, 0, 0, 0, 0, 0, 0, 0, 0}}},
		{"E5: after authentication", [][]byte{success, extInfo}},
		{"I2: CVE-2026-55199: count without entries", [][]byte{{7, 0xff, 0xff, 0xff, 0xff}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
			require.NoError(t, errors.Join(cerr, serr))
			for _, p := range tt.send {
				require.NoError(t, s.Enqueue(p))
			}
			requireReason(t, orNextError(c, nil), ReasonProtocolError)
		})
	}
	t.Run("E5: a client's second", func(t *testing.T) {
		c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
		require.NoError(t, errors.Join(cerr, serr))
		require.NoError(t, c.Enqueue(extInfo))
		require.NoError(t, c.Enqueue(extInfo))
		requireReason(t, orNextError(s, nil), ReasonProtocolError)
	})
}

func TestHostKeyMayNotChange(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	s.config.HostKeys = otherServerConfig().HostKeys
	go orNextError(s, nil)
	require.NoError(t, c.Rekey())
	err := orNextError(c, nil)
	requireReason(t, err, ReasonHostKeyNotVerifiable)
	require.ErrorContains(t, err, "changed", "F5 CVE-2026-60002")
}

func TestTruncatedDisconnect(t *testing.T) {
	full := (&wire.Disconnect{Reason: 2, Message: "bye"}).Append(nil)
	for _, n := range []int{1, 4, 5, 8, 9, len(full)} {
		p, result := against(t, server)
		p.version(server)
		p.send(full[:n])
		var peer *DisconnectError
		require.ErrorAs(t, <-result, &peer, "CVE-2019-17498: %d bytes", n)
		require.True(t, peer.Unprotected)
	}
}
