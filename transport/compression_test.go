package transport

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/internal/inflate"
	"github.com/whelk-ssh/whelk/wire"
)

// granted is USERAUTH_SUCCESS.
var granted = []byte{byte(wire.NumberUserauthSuccess)}

// letIn has the server let the client in.
func letIn(t testing.TB, c, s *Conn) {
	t.Helper()
	require.NoError(t, s.WritePacket(granted))
	p, err := c.ReadPacket()
	require.NoError(t, err)
	require.Equal(t, granted, p)
}

// compress makes both configurations offer names, and returns them.
func compress(names ...string) (cc, sc *Config) {
	cc, sc = clientConfig(), serverConfig()
	cc.Compression, sc.Compression = names, names
	return cc, sc
}

// compressedPair returns two ends that compress with the named algorithm.
func compressedPair(t testing.TB, name string) (c, s *Conn) {
	t.Helper()
	cc, sc := compress(name)
	c, s, cerr, serr := handshake(t, cc, sc)
	require.NoError(t, errors.Join(cerr, serr))
	letIn(t, c, s)
	return c, s
}

func TestCompressionIsNegotiated(t *testing.T) {
	none, delayed, zlib := "none", "zlib@openssh.com", "zlib"
	tests := []struct {
		name           string
		client, server []string
		want           string
	}{
		{"N3 CVE-2016-10012: off unless asked for", nil, nil, none},
		{"off on the client", nil, []string{delayed, none}, none},
		{"off on the server", []string{delayed, zlib, none}, nil, none},
		{"RFC 4253 7.1: the client's first", []string{zlib, delayed, none}, []string{none, delayed, zlib}, zlib},
		{"RFC 4253 7.1: the first that both have", []string{zlib, delayed, none}, []string{none, delayed}, delayed},
		{"none in common", []string{zlib}, []string{none, delayed}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.Compression, sc.Compression = tt.client, tt.server
			c, s, cerr, serr := handshake(t, cc, sc)
			if tt.want == "" {
				var failed *NegotiationError
				require.ErrorAs(t, cerr, &failed)
				require.Equal(t, "compression client to server", failed.What)
				require.Equal(t, tt.client, failed.Ours)
				require.Error(t, serr)
				return
			}
			require.NoError(t, errors.Join(cerr, serr))
			for _, p := range []Protection{c.State().Send, c.State().Recv, s.State().Send, s.State().Recv} {
				require.Equal(t, tt.want, p.Compression)
			}
			letIn(t, c, s)
			exchangeData(t, c, s, 50, 40_000)
			require.Equal(t, tt.want != none, s.in.inflater != nil)
		})
	}
	t.Run("of one direction", func(t *testing.T) {
		x := exchange{conn: newConn(nil, clientConfig(), client)}
		x.choice.clientToServer.Compression, x.choice.serverToClient.Compression = zlib, none
		send, recv := x.protections()
		require.Equal(t, startNow, x.startOf(send.Compression))
		require.Equal(t, startNever, x.startOf(recv.Compression))
	})
	t.Run("an unknown name", func(t *testing.T) {
		cc, _ := compress("none", "zstd")
		c := Client(nil, cc)
		_, err := c.check()
		require.ErrorContains(t, err, `Config.Compression has "zstd"`)
		for _, name := range Compressions() {
			require.ErrorContains(t, err, name)
		}
	})
}

// Keys are exchanged again while data flows, and contexts are made anew.
func TestCompressionAcrossReexchange(t *testing.T) {
	tests := []struct {
		name    string
		cc, sc  RekeyPolicy
		n, most int
	}{
		{"never", RekeyPolicy{}, RekeyPolicy{}, 300, 40_000},
		{"client", RekeyPolicy{Bytes: 4 << 10}, RekeyPolicy{}, 150, 32 << 10},
		{"server", RekeyPolicy{}, RekeyPolicy{Bytes: 4 << 10}, 300, 32 << 10},
		{"both at once", RekeyPolicy{Bytes: 4 << 10}, RekeyPolicy{Bytes: 4 << 10}, 150, 32 << 10},
		{"F7: every 16 bytes, both", RekeyPolicy{Bytes: 16}, RekeyPolicy{Bytes: 16}, 100, 100},
		{"by packets", RekeyPolicy{Packets: 10}, RekeyPolicy{Packets: 10}, 300, 100},
	}
	for _, name := range []string{compressionDelayed, compressionZlib} {
		for _, mode := range []string{"aes128-gcm@openssh.com", "aes128-ctr"} {
			for _, tt := range tests {
				t.Run(fmt.Sprint("N2 russh be9165b: ", name, ", ", mode, ", ", tt.name), func(t *testing.T) {
					t.Parallel()
					cc, sc := compress(name)
					m, ok := cipher.Lookup(mode)
					require.True(t, ok)
					cc.Ciphers = []cipher.Mode{m}
					cc.Rekey, sc.Rekey = tt.cc, tt.sc
					c, s, cerr, serr := handshake(t, cc, sc)
					require.NoError(t, errors.Join(cerr, serr))
					letIn(t, c, s)
					exchangeData(t, c, s, tt.n, tt.most)
					if tt.name != "never" {
						require.Greater(t, s.State().KeyExchangesFinished, 1)
					}
				})
			}
		}
	}
}

// A meteredConn counts what is written.
type meteredConn struct {
	net.Conn
	written *atomic.Int64
}

func (m meteredConn) Write(p []byte) (int, error) {
	m.written.Add(int64(len(p)))
	return m.Conn.Write(p)
}

// meteredPair is handshake, with a client whose bytes are counted.
func meteredPair(t *testing.T, cc, sc *Config) (c, s *Conn, written *atomic.Int64) {
	t.Helper()
	a, b := tcpPair(t)
	written = new(atomic.Int64)
	c, s = Client(meteredConn{a, written}, cc), Server(b, sc)
	t.Cleanup(func() { c.Close(); s.Close() })
	done := make(chan error, 1)
	go func() { done <- s.Handshake(testContext(t)) }()
	require.NoError(t, c.Handshake(testContext(t)))
	require.NoError(t, <-done)
	return c, s, written
}

// pump sends n packets from c to s, each made by next.
func pump(t *testing.T, c, s *Conn, n int, next func() []byte) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for range n {
			if err := c.WritePacket(next()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range n {
		_, err := s.ReadPacket()
		require.NoError(t, err)
	}
	wg.Wait()
}

func zeros() []byte { return append([]byte{testMessage}, make([]byte, 32<<10)...) }

// What is alike becomes short, also from one packet to the next, and what is
// not becomes hardly longer.
func TestCompressionOnTheWire(t *testing.T) {
	source := rand.NewChaCha8([32]byte{})
	noise := func() []byte {
		p := zeros()
		source.Read(p[1:])
		return p
	}
	again := noise()[:10<<10] // alike only to the packet before
	const n = 100
	tests := []struct {
		name        string
		next        func() []byte
		least, most float64 // bytes on the wire for each that is sent
	}{
		{"zeros", zeros, 0, 0.01},
		{"noise", noise, 1, 1.005},
		{"the same again", func() []byte { return again }, 0, 0.05},
	}
	for _, name := range []string{compressionDelayed, compressionZlib} {
		for _, tt := range tests {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				cc, sc := compress(name)
				c, s, written := meteredPair(t, cc, sc)
				letIn(t, c, s)
				before := written.Load()
				pump(t, c, s, n, tt.next)
				ratio := float64(written.Load()-before) / float64(n*len(tt.next()))
				require.GreaterOrEqual(t, ratio, tt.least)
				require.Less(t, ratio, tt.most)
			})
		}
	}
}

// OpenSSH PROTOCOL 1.2; draft-miller-secsh-compression-delayed: the packet
// behind USERAUTH_SUCCESS is the first that is compressed.
func TestDelayedCompressionStarts(t *testing.T) {
	sizes := func(name string) (before, after int64) {
		cc, sc := compress(name)
		c, s, written := meteredPair(t, cc, sc)
		send := func() int64 {
			start := written.Load()
			pump(t, c, s, 1, zeros)
			return written.Load() - start
		}
		before = send()
		letIn(t, c, s)
		pump(t, s, c, 3, zeros)
		after = send()
		return before, after
	}
	before, after := sizes(compressionDelayed)
	require.Greater(t, before, int64(32<<10), "N2: not before USERAUTH_SUCCESS")
	require.Less(t, after, int64(200))
	before, after = sizes(compressionZlib)
	require.Less(t, before, int64(200), "RFC 4253 6.2: from NEWKEYS on")
	require.Less(t, after, int64(200))
	before, after = sizes(compressionNone)
	require.Greater(t, min(before, after), int64(32<<10))

	t.Run("without user authentication it starts at the next NEWKEYS", func(t *testing.T) {
		cc, sc := compress(compressionDelayed)
		c, s := newPair(t, cc, sc)
		exchangeData(t, c, s, 10, 1000)
		require.Nil(t, s.in.inflater)
	})
	t.Run("a second USERAUTH_SUCCESS changes nothing", func(t *testing.T) {
		c, s := compressedPair(t, compressionDelayed)
		letIn(t, c, s)
		exchangeData(t, c, s, 10, 1000)
	})
	t.Run("from USERAUTH_SUCCESS on within a batch", func(t *testing.T) {
		cc, sc := compress(compressionDelayed)
		c, s, cerr, serr := handshake(t, cc, sc)
		require.NoError(t, errors.Join(cerr, serr))
		want := [][]byte{{testMessage, 1}, granted, {testMessage, 2}, bytes.Repeat([]byte{testMessage}, 5000)}
		for _, p := range want {
			require.NoError(t, s.Append(p))
		}
		s.Flush()
		for _, p := range want {
			got, err := c.ReadPacket()
			require.NoError(t, err)
			require.Equal(t, p, got)
		}
	})
}

// streams returns the payloads of packets that were sealed without keys.
func streams(t *testing.T, packets []byte) (payloads [][]byte) {
	t.Helper()
	for len(packets) > 0 {
		n := 4 + packetLength(packets)
		require.Zero(t, n%8, "RFC 4253 6: whole blocks, as long as they have become")
		require.GreaterOrEqual(t, packets[4], byte(4))
		payloads = append(payloads, packets[5:n-int(packets[4])])
		packets = packets[n:]
	}
	return payloads
}

// RFC 4253 6.2: the context is initialized after each key exchange. Packets
// queued behind NEWKEYS are a stream of their own, in one batch with those
// before.
func TestCompressionContextPerExchange(t *testing.T) {
	sealer, _ := cipher.None()
	var traced []string
	o := newOutbound(func(_ uint32, payload []byte) { traced = append(traced, string(payload)) })
	text := "\x5ethe reader never waits"
	plain := func(n int) { o.frameLocked([][]byte{[]byte(text[:n])}) }
	plain(9)
	for _, s := range []start{startNow, startNow, startNever, startLater} {
		require.NoError(t, o.switchKeys(keySwitch{sealer: sealer, start: s}, nil))
		plain(15)
		plain(22)
	}
	o.startDelayedLocked()
	o.startDelayedLocked()
	plain(22)
	require.Len(t, o.queue.last.changes, 5)

	got := streams(t, o.seal(o.takeLocked()).packets)
	newKeys := string(rune(wire.NumberNewKeys))
	want := []string{
		text[:9], newKeys, text[:15], text[:22], newKeys, text[:15], text[:22], newKeys, text[:15], text[:22],
		newKeys, text[:15], text[:22], text[:22],
	}
	require.Equal(t, want, traced, "a trace has what is sent before it is compressed")
	compressed := map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 13: true}
	fresh := map[int]bool{2: true, 5: true, 13: true}
	var d *inflate.Decoder
	for i, p := range got {
		if !compressed[i] {
			require.Equal(t, want[i], string(p), "%d", i)
			continue
		}
		if fresh[i] {
			require.Equal(t, []byte{0x78, 0x9c}, p[:2], "RFC 1950 2.2")
			d = inflate.NewDecoder(100)
		}
		out, err := d.Decode(p)
		require.NoError(t, err, "%d", i)
		require.Equal(t, want[i], string(out), "%d", i)
	}
	require.Len(t, got, len(want))
}

// forger returns an end under test, which inflates from the next packet on, and
// a peer that sends payloads as they are and says that they are compressed.
// With zlib that is a client that has not authenticated.
func forger(t *testing.T, name string) (victim, peer *Conn) {
	t.Helper()
	cc, sc := compress(name)
	peer, victim, cerr, serr := handshake(t, cc, sc)
	require.NoError(t, errors.Join(cerr, serr))
	if name == compressionDelayed {
		victim, peer = peer, victim
		letIn(t, victim, peer)
	}
	peer.out.mu.Lock()
	defer peer.out.mu.Unlock()
	peer.out.queue.change(change{})
	return victim, peer
}

// zlib returns payloads compressed, one stream.
func zlib(payloads ...[]byte) (packets [][]byte) {
	d := newDeflater()
	for _, p := range payloads {
		packets = append(packets, d.append(nil, p))
	}
	return packets
}

// What cannot be decompressed ends the connection with
// SSH_DISCONNECT_COMPRESSION_ERROR (RFC 4253, section 11.1).
func TestCompressionErrors(t *testing.T) {
	good := zlib([]byte{testMessage, 1}, []byte{testMessage, 2})
	tests := []struct {
		name    string
		packets [][]byte
		good    int // packets before the bad one
		is      error
		text    string
	}{
		{"N1 CVE-2026-23943: a bomb", zlib(make([]byte, 16<<20)), 0, inflate.ErrTooLong, "longer than the limit"},
		{"N1 CVE-2026-46702: a bomb of 1000:1", zlib(make([]byte, 512<<10)), 0, inflate.ErrTooLong, "longer"},
		{"N1: one byte too many", zlib(make([]byte, maxInflated+1)), 0, inflate.ErrTooLong, "longer"},
		{"N1: a bomb behind good packets", append(good, zlib(good[0], good[1], make([]byte, 1<<20))[2]), 2, inflate.ErrTooLong, "longer"},
		{"RFC 1950 2.2: not compressed", [][]byte{{testMessage, 1, 2, 3}}, 0, nil, "header"},
		{"RFC 4253 6: nothing but the header", [][]byte{{0x78, 0x9c}}, 0, errNothing, "empty"},
		{"RFC 4253 6: no message number", [][]byte{{0x78, 0x9c, 0, 0, 0, 0xff, 0xff}}, 0, errNothing, "empty"},
		{"RFC 1951 3.2.3: corrupt", [][]byte{good[0], {0xff, 0xff}}, 1, nil, "final block"},
		{"a packet cut off, and what follows it", [][]byte{good[0][:3], {6, 6, 6, 6}}, 0, errNothing, "empty"},
		{"a stream that ends", [][]byte{{0x78, 0x9c, 1, 1, 0, 0xfe, 0xff, testMessage, 0, 0, 0, 0}}, 0, nil, "no end"},
		{"RFC 4253 6.2: a second stream without NEWKEYS", [][]byte{good[0], good[0]}, 1, nil, "inflate"},
	}
	for _, tt := range tests {
		for _, name := range []string{compressionDelayed, compressionZlib} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				victim, peer := forger(t, name)
				told := make(chan error, 1)
				go func() { told <- orNextError(peer, nil) }()
				for _, p := range tt.packets {
					peer.Enqueue(p)
				}
				for range tt.good {
					_, err := victim.ReadPacket()
					require.NoError(t, err)
				}
				_, err := victim.ReadPacket()
				requireReason(t, err, ReasonCompressionError)
				require.ErrorContains(t, err, "transport: a packet cannot be decompressed: ")
				require.ErrorContains(t, err, tt.text)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				_, again := victim.ReadPacket()
				require.Equal(t, err, again)

				var disconnect *DisconnectError
				require.ErrorAs(t, <-told, &disconnect)
				require.Equal(t, ReasonCompressionError, disconnect.Reason)
				require.Equal(t, "compression error", disconnect.Message, "no detail")
			})
		}
	}
}

// N1, N2: as much as any payload may have is fine, at whatever ratio.
func TestCompressionOfTheLongestPayload(t *testing.T) {
	noise := make([]byte, maxPayload)
	rand.NewChaCha8([32]byte{}).Read(noise)
	noise[0] = testMessage
	same := bytes.Repeat([]byte{testMessage}, maxPayload)
	for _, mode := range cipher.Default() {
		cc, sc := compress(compressionZlib)
		cc.Ciphers = []cipher.Mode{mode}
		c, s, cerr, serr := handshake(t, cc, sc)
		require.NoError(t, errors.Join(cerr, serr))
		for _, p := range [][]byte{noise, same, noise, {testMessage}} {
			require.NoError(t, c.Enqueue(p))
			got, err := s.ReadPacket()
			require.NoError(t, err, mode.Name)
			require.True(t, bytes.Equal(p, got))
			buffer, _ := s.Exchange(make([]byte, BufferSize))
			require.Nil(t, buffer, "what was inflated is part of the stream")
		}
	}
}

// The limits of RFC 4253, section 9, are about bytes on the wire.
func TestRekeyCountsCompressedBytes(t *testing.T) {
	const n, limit = 300, 2 << 20 // of 32 KiB
	source := rand.NewChaCha8([32]byte{})
	for _, tt := range []struct {
		name        string
		compression string
		next        func() []byte
		least, most int
	}{
		{"zeros", compressionDelayed, zeros, 1, 1},
		{"zeros, not compressed", compressionNone, zeros, 3, 10},
		{"noise", compressionDelayed, func() []byte { p := zeros(); source.Read(p[1:]); return p }, 3, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc, sc := compress(tt.compression)
			cc.Rekey.Bytes = limit
			c, s, cerr, serr := handshake(t, cc, sc)
			require.NoError(t, errors.Join(cerr, serr))
			letIn(t, c, s)
			go orNextError(c, nil)
			pump(t, c, s, n, tt.next)
			require.GreaterOrEqual(t, s.State().KeyExchangesFinished, tt.least)
			require.LessOrEqual(t, s.State().KeyExchangesFinished, tt.most)
		})
	}
}

// F4: what a peer may send before it has authenticated counts as it comes out.
func TestBudgetCountsInflatedBytes(t *testing.T) {
	cc, sc := compress(compressionZlib)
	c, s, written := meteredPair(t, cc, sc)
	go orNextError(c, nil)
	m := wire.Ignore{Data: make([]byte, 128<<10)}
	payload := m.Append(nil)
	go func() {
		for c.WritePacket(payload) == nil {
		}
	}()
	_, err := s.ReadPacket()
	require.ErrorIs(t, err, ErrBudget, "N1")
	require.Less(t, written.Load(), int64(1<<20))
}

// A Conn that compresses has no goroutine more than one that does not.
func TestCompressionHasNoGoroutine(t *testing.T) {
	const n = 20
	atRest := func(name string) int {
		before := runtime.NumGoroutine()
		var pairs [][2]*Conn
		for range n {
			c, s := compressedPair(t, name)
			exchangeAndRest(t, c, s)
			pairs = append(pairs, [2]*Conn{c, s})
		}
		least := math.MaxInt
		for deadline := time.Now().Add(5 * time.Second); least > 2*n && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			least = min(least, runtime.NumGoroutine()-before)
		}
		for _, p := range pairs {
			for _, end := range p {
				end.Close()
				require.Nil(t, end.out.deflater, "it is for somebody else")
			}
		}
		return least
	}
	for _, name := range Compressions() {
		require.LessOrEqual(t, atRest(name), 2*n, "%s: two readers for each pair", name)
	}
}

// exchangeAndRest sends a packet each way, and leaves both ends reading.
func exchangeAndRest(t *testing.T, c, s *Conn) {
	t.Helper()
	pump(t, c, s, 3, zeros)
	pump(t, s, c, 3, zeros)
	go orNextError(c, nil)
	go orNextError(s, nil)
}

// Somebody who writes, somebody who answers and a clock that changes the keys,
// all at once.
func TestCompressionConcurrently(t *testing.T) {
	for _, name := range []string{compressionDelayed, compressionZlib} {
		cc, sc := compress(name)
		cc.Rekey.Interval, sc.Rekey.Interval = 3*time.Millisecond, 5*time.Millisecond
		c, s, cerr, serr := handshake(t, cc, sc)
		require.NoError(t, errors.Join(cerr, serr))
		letIn(t, c, s)
		const writers, n = 4, 200
		var wg sync.WaitGroup
		for _, end := range []*Conn{c, s} {
			for w := range writers {
				wg.Go(func() {
					p := append([]byte{testMessage, byte(w)}, strings.Repeat("waits ", 2000)...)
					for i := range n {
						if err := end.WritePacket(p[:2+(i*97)%10_000]); err != nil {
							t.Error(err)
							return
						}
						if i%10 == 0 {
							end.Enqueue([]byte{byte(wire.NumberPing), 0, 0, 0, 0})
						}
					}
				})
			}
			wg.Go(func() {
				for range writers * n {
					p, err := end.ReadPacket()
					if err != nil {
						t.Error(err)
						return
					}
					if !strings.HasPrefix(strings.Repeat("waits ", 2000), string(p[2:])) {
						t.Errorf("got %q", p)
					}
				}
				go orNextError(end, nil)
			})
		}
		wg.Wait()
	}
}

func BenchmarkCompressedConn(b *testing.B) {
	for _, kind := range []string{"text", "noise"} {
		b.Run(kind, func(b *testing.B) {
			c, s := compressedPair(b, compressionDelayed)
			data := compressible(1 << 20)
			if kind == "noise" {
				rand.NewChaCha8([32]byte{}).Read(data)
			}
			b.SetBytes(32 << 10)
			b.ReportAllocs()
			done := make(chan error, 1)
			n := b.N
			go func() {
				var err error
				for i := 0; i < n && err == nil; i++ {
					_, err = s.ReadPacket()
				}
				done <- err
				orNextError(s, nil)
			}()
			go orNextError(c, nil)
			b.ResetTimer()
			for i := range n {
				at := i * (32 << 10) % len(data)
				if err := c.WritePacket([]byte{testMessage}, data[at:at+32<<10]); err != nil {
					b.Fatal(err)
				}
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// compressible returns n bytes of words.
func compressible(n int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	words := make([]string, 2000)
	for i := range words {
		words[i] = fmt.Sprintf("%x ", r.Uint64()>>(20+r.IntN(40)))
	}
	b := make([]byte, 0, n+20)
	for len(b) < n {
		b = append(b, words[int(float64(len(words))*r.Float64()*r.Float64())]...)
	}
	return b[:n]
}
