package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// A sessionScript is a fuzzer's input. The first byte says how far the connection
// comes before the script begins, and each after that what is sent:
//
//	0 to 127    a message of the alphabet, as it is
//	128 to 191  one that is changed: see mutate
//	192 to 223  a payload of as many bytes as follow, up to 31
//	224 to 239  bytes in no packet, up to 15
//	240 to 255  a step that an honest peer would take
//
// It is Dropbear's design: no arithmetic is in the way, a packet is changed rather
// than made, and a tag is wrong now and then.
type sessionScript struct {
	p    *fuzz.Peer
	rest []byte
	sent int // messages
}

// take returns the next n bytes of the input, or as many as there are.
func (s *sessionScript) take(n int) []byte {
	n = min(n, len(s.rest))
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

func (s *sessionScript) byte() byte {
	if b := s.take(1); len(b) > 0 {
		return b[0]
	}
	return 0
}

// run plays the script to its end, or to that of the connection.
func (s *sessionScript) run(letters [][]byte, steps []func(*fuzz.Peer)) {
	for len(s.rest) > 0 && s.p.Err() == nil && s.sent < 64 {
		op := s.byte()
		s.sent++
		switch {
		case op < 128:
			s.p.Send(fuzz.Payload(letters[int(op)%len(letters)]))
		case op < 192:
			s.p.SendPacket(s.mutate(letters[int(s.byte())%len(letters)], op))
		case op < 224:
			s.p.Send(fuzz.Payload(s.take(int(op - 192))))
		case op < 240:
			s.p.SendRaw(s.take(int(op - 224)))
		default:
			steps[int(op)%len(steps)](s.p)
		}
	}
}

// mutate makes a packet of a message with something wrong about it.
func (s *sessionScript) mutate(payload []byte, how byte) fuzz.Packet {
	payload = bytes.Clone(payload)
	at := int(s.byte()) % len(payload)
	switch how & 7 {
	case 0:
		payload = payload[:at]
	case 1:
		payload = append(payload, s.take(8)...)
	case 2:
		payload[at] ^= 1 << (how >> 3 & 7)
	case 3: // a length or a number of a field
		if at+4 <= len(payload) {
			binary.BigEndian.PutUint32(payload[at:], []uint32{0, 1, 1 << 15, 1<<31 - 1, 1 << 31, 1<<32 - 1}[int(how>>3)%6])
		}
	case 4:
		payload = slices.Insert(payload, at, s.take(4)...)
	case 5:
		payload = slices.Concat(payload[:at], payload)
	}
	k := s.p.Frame(fuzz.Payload(payload))
	switch how & 7 {
	case 6:
		k.Length += uint32(int8(s.byte()))
	case 7:
		k.PaddingLength = s.byte()
	}
	if tag := s.byte(); tag == 0xff {
		k.Tamper = func(sealed []byte) []byte { sealed[len(sealed)-1] = tag; return sealed }
	}
	return k
}

// letters are the payloads of the alphabet, and those that make sense once a user is
// in and a channel open.
func letters(more ...fuzz.Message) (list [][]byte) {
	for _, m := range append(alphabet(), more...) {
		list = append(list, m.Append(nil))
	}
	return list
}

// seeds are scripts for every stage: each letter as it is, some letters changed in
// every way, and honest steps.
func seeds(f *testing.F, stages int) {
	for stage := range stages {
		all := []byte{byte(stage)}
		for i := range 128 {
			f.Add([]byte{byte(stage), byte(i), 240, 241, 242, 243})
			all = append(all, byte(i))
		}
		f.Add(all)
		for how := 128; how < 192; how++ {
			f.Add([]byte{byte(stage), byte(how), byte(how * 5), 1, 2, 3, 4, 5, 6, 7, 8, 240, 241})
		}
		f.Add([]byte{byte(stage), 240, 241, 242, 243, 244, 245, 246, 247})
		f.Add([]byte{byte(stage), 195, 94, 0, 0, 230, 1, 2, 3, 4, 5, 6, 243})
	}
}

// sessionLimits keep a victim from being slow rather than wrong.
func sessionLimits() setting {
	sett := nullCrypto()
	sett.transport.Rekey = transport.RekeyPolicy{Packets: 200}
	sett.server = func(s *server.Server) { s.AllowPty, s.AcceptEnv = true, []string{"LANG"} }
	return sett
}

// requireSane plays a script on a victim and requires that it ends when its peer is
// gone, that it has sent no more than it was provoked to, and that nobody has come
// further than somebody's proof.
func requireSane(t *testing.T, s *sessionScript, v *victim, letters [][]byte, steps []func(*fuzz.Peer)) {
	before := v.conn.BytesWritten()
	s.run(letters, steps)
	synctest.Wait()
	require.LessOrEqual(t, v.conn.BytesWritten()-before, int64(16<<10*(s.sent+1)))
	s.p.Close()
	require.Error(t, <-v.end)
	synctest.Wait() // whoever does not come back from here is a deadlock
}

// FuzzServer lets a client without crypto say anything to a server, from the version
// line, from the first keys, in authentication, and as alice with a session.
func FuzzServer(f *testing.F) {
	stages := []func(p *fuzz.Peer){
		func(p *fuzz.Peer) { p.SendVersion(); p.ExpectVersion(); p.Expect(wire.NumberKexInit) },
		func(p *fuzz.Peer) { p.Handshake() },
		func(p *fuzz.Peer) { p.Handshake(); p.RequestService() },
		func(p *fuzz.Peer) { p.Handshake(); p.Login(alice, password(secret)); p.Gather(time.Millisecond) },
		func(p *fuzz.Peer) {
			p.Handshake()
			p.Login(alice, password(secret))
			p.Gather(time.Millisecond)
			openSession(p)
		},
	}
	letters := letters(
		&wire.ChannelRequest{Type: "exec", Data: (&wire.ExecRequest{Command: "x"}).Append(nil)},
		&wire.ChannelRequest{Type: "pty-req", WantReply: true, Data: (&wire.PtyRequest{Term: "x", Modes: []byte{53, 0, 0, 0, 1, 0}}).Append(nil)},
		&wire.ChannelRequest{Type: "window-change", Data: (&wire.WindowChange{Columns: 80}).Append(nil)},
		&wire.ChannelRequest{Type: "signal", Data: (&wire.SignalRequest{Name: "TERM"}).Append(nil)},
		&wire.ChannelData{Data: make([]byte, 4<<10)}, &wire.ChannelData{Recipient: 1, Data: []byte("x")},
		&wire.ChannelEOF{Recipient: 1}, &wire.ChannelClose{Recipient: 1},
	)
	steps := []func(*fuzz.Peer){(*fuzz.Peer).SendKexInit, honestExchange, (*fuzz.Peer).SendNewKeys, (*fuzz.Peer).RequestService, synced}
	seeds(f, len(stages))
	f.Fuzz(func(t *testing.T, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := &sessionScript{rest: input}
			stage := int(s.byte()) % len(stages)
			p, v := againstServer(t, nullPeer(), sessionLimits())
			p.Config.Timeout = time.Second
			stages[stage](p)
			require.NoError(t, p.Err())
			s.p = p
			requireSane(t, s, v, letters, steps)
			if stage < 3 && !bytes.Contains(input, []byte(secret)) {
				require.Zero(t, v.sessions.Load(), "a session without a password")
			}
		})
	})
}

// FuzzClient lets a server without crypto say anything to a client, likewise.
func FuzzClient(f *testing.F) {
	login := func(p *fuzz.Peer) { p.Handshake(); p.Admit(); p.Gather(time.Millisecond) }
	stages := []func(t *testing.T, p *fuzz.Peer, v *victim){
		func(_ *testing.T, p *fuzz.Peer, _ *victim) {
			p.SendVersion()
			p.ExpectVersion()
			p.Expect(wire.NumberKexInit)
		},
		func(_ *testing.T, p *fuzz.Peer, _ *victim) { p.Handshake() },
		func(_ *testing.T, p *fuzz.Peer, _ *victim) {
			p.Handshake()
			p.AcceptService()
			p.Expect(wire.NumberUserauthRequest)
		},
		func(_ *testing.T, p *fuzz.Peer, _ *victim) { login(p) },
		func(t *testing.T, p *fuzz.Peer, v *victim) {
			login(p)
			v.startExec(t)
			open, _ := wire.ParseChannelOpen(p.Expect(wire.NumberChannelOpen))
			p.Send(&wire.ChannelOpenConfirmation{Recipient: open.Sender, Sender: theirs, Window: 1 << 20, MaxPacket: 1 << 15}, &wire.ChannelSuccess{Recipient: open.Sender})
		},
	}
	letters := letters(
		&wire.ChannelRequest{Type: "exit-status", Data: (&wire.ExitStatus{Status: 1}).Append(nil)},
		&wire.ChannelRequest{Type: "exit-signal", Data: (&wire.ExitSignal{Signal: "KILL", Message: "x"}).Append(nil)},
		&wire.ChannelData{Data: make([]byte, 4<<10)}, &wire.ChannelData{Recipient: 1, Data: []byte("x")},
		&wire.ChannelOpenConfirmation{Recipient: 1, MaxPacket: 1}, &wire.ChannelEOF{Recipient: 1}, &wire.ChannelClose{Recipient: 1},
	)
	steps := []func(*fuzz.Peer){(*fuzz.Peer).SendKexInit, honestExchange, (*fuzz.Peer).SendNewKeys, (*fuzz.Peer).AcceptService, synced}
	seeds(f, len(stages))
	f.Fuzz(func(t *testing.T, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := &sessionScript{rest: input}
			stage := int(s.byte()) % len(stages)
			p, v := againstClient(t, nullPeer(), sessionLimits())
			p.Config.Timeout = time.Second
			stages[stage](t, p, v)
			require.NoError(t, p.Err())
			s.p = p
			requireSane(t, s, v, letters, steps)
		})
	})
}

// honestExchange is the middle of a key exchange, for a script that has sent a
// KEXINIT.
func honestExchange(p *fuzz.Peer) {
	p.ExpectKexInit()
	p.Exchange()
}

// synced lets the victim do all it can before the script goes on.
func synced(*fuzz.Peer) { synctest.Wait() }
