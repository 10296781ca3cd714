package fuzz_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// onServer runs a test as alice, logged in to a server, in a bubble.
func onServer(t *testing.T, name string, f func(t *testing.T, p *fuzz.Peer, v *victim), change ...func(*server.Server)) {
	t.Helper()
	bubble(t, name, func(t *testing.T) {
		sett := nullCrypto()
		if len(change) > 0 {
			sett.server = change[0]
		}
		p, v := againstServer(t, nullPeer(), sett)
		p.Handshake()
		p.Login(alice, password(secret))
		p.Gather(time.Millisecond)
		require.NoError(t, p.Err())
		f(t, p, v)
		require.NoError(t, p.Close())
		v.gone(t)
	})
}

// onClient runs a test as a server that alice's client has logged in to, and where it
// runs a command: its channel has the number that f is told.
func onClient(t *testing.T, name string, f func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error)) {
	t.Helper()
	bubble(t, name, func(t *testing.T) {
		p, v := againstClient(t, nullPeer(), nullCrypto())
		p.Handshake()
		p.Admit()
		ended := v.startExec(t)
		open, err := wire.ParseChannelOpen(p.Expect(wire.NumberChannelOpen))
		require.NoError(t, errors.Join(err, p.Err()))
		p.Send(&wire.ChannelOpenConfirmation{Recipient: open.Sender, Sender: theirs, Window: 1 << 20, MaxPacket: 1 << 15})
		p.Expect(wire.NumberChannelRequest)
		p.Send(&wire.ChannelSuccess{Recipient: open.Sender})
		f(t, p, v, open.Sender, ended)
		require.NoError(t, p.Close())
		v.gone(t)
		select {
		case <-ended:
		default:
			synctest.Wait()
			require.Len(t, ended, 1, "the command has not ended")
		}
	})
}

// requireEchoOn requires that a session echoes.
func requireEchoOn(t *testing.T, p *fuzz.Peer, id uint32) {
	t.Helper()
	p.Send(&wire.ChannelData{Recipient: id, Data: []byte("well?")})
	for {
		payload := p.Next()
		require.NotNil(t, payload, "%v", p.Err())
		if m, err := wire.ParseChannelData(payload); err == nil {
			require.Equal(t, "well?", string(m.Data))
			require.Equal(t, uint32(theirs), m.Recipient)
			return
		}
	}
}

// K1, CVE-2026-78662, CVE-2026-56855: requests that nobody takes. Another channel goes
// on, and the connection can be closed.
func TestK1UnservedRequests(t *testing.T) {
	onServer(t, "requests", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		p.Send(&wire.ChannelOpen{Type: "session", Sender: 7, Window: 1 << 20, MaxPacket: 1 << 15})
		m, err := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
		require.NoError(t, err)
		for range 10_000 {
			p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "signal", WantReply: true, Data: wire.AppendString(nil, "USR1")})
			p.Next() // SUCCESS or FAILURE, but an answer
		}
		require.NoError(t, p.Err())
		requireEchoOn(t, p, id)
	})
}

// K2, CVE-2026-39830: answers to nothing.
func TestK2UnsolicitedAnswers(t *testing.T) {
	onServer(t, "server", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		for range 10_000 {
			p.Send(&wire.ChannelSuccess{Recipient: id}, &wire.ChannelFailure{Recipient: id}, &wire.RequestSuccess{}, &wire.RequestFailure{})
		}
		requireEchoOn(t, p, id)
	})
	onClient(t, "client", func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
		for range 10_000 {
			p.Send(&wire.ChannelSuccess{Recipient: id}, &wire.ChannelFailure{Recipient: id}, &wire.RequestSuccess{}, &wire.RequestFailure{})
		}
		status := wire.ExitStatus{Status: 3}
		p.Send(&wire.ChannelRequest{Recipient: id, Type: "exit-status", Data: status.Append(nil)}, &wire.ChannelClose{Recipient: id})
		p.Expect(wire.NumberChannelEOF)
		p.Expect(wire.NumberChannelClose)
		synctest.Wait()
		var exit *client.ExitError
		require.ErrorAs(t, <-ended, &exit)
		require.Equal(t, 3, exit.Status)
		ended <- exit
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// K3, CVE-2026-39827: channels that are refused leave nothing.
func TestK3RejectedChannels(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		refuse := func(n int) {
			for range n {
				p.Send(&wire.ChannelOpen{Type: "x@fuzz.invalid", Sender: 7, MaxPacket: 1 << 15})
				p.Expect(wire.NumberChannelOpenFailure)
			}
		}
		refuse(1000)
		before := heap()
		refuse(20_000)
		require.NoError(t, p.Err())
		require.Less(t, heap()-before, int64(1<<20))
	})
}

// K4: a channel of which the peer does not confirm the end.
func TestK4CloseThatIsNeverAnswered(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		end := func(n int) {
			for range n {
				id := openSession(p)
				p.Send(&wire.ChannelEOF{Recipient: id})
				p.Expect(wire.NumberChannelRequest) // exit-status
				p.Expect(wire.NumberChannelEOF)
				p.Expect(wire.NumberChannelClose)
			}
		}
		end(20)
		before := heap()
		end(40)
		require.NoError(t, p.Err())
		require.Less(t, heap()-before, int64(1<<20))
	})
}

// K6, CVE-2026-54886: data of a type that nobody knows does not use up the window.
func TestK6ExtendedDataOfUnknownTypes(t *testing.T) {
	for _, code := range []uint32{0, 2, 1<<32 - 1} {
		onClient(t, fmt.Sprint(code), func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
			for range 200 { // windows of 2 MiB: three of them
				p.Send(&wire.ChannelExtendedData{Recipient: id, Type: code, Data: make([]byte, 32<<10)})
				synctest.Wait()
			}
			payloads, over := p.Gather(time.Second)
			require.False(t, over)
			require.True(t, slices.ContainsFunc(payloads, func(b []byte) bool { return wire.Number(b[0]) == wire.NumberChannelWindowAdjust }))
		})
	}
}

// K7, CVE-2025-54804, GHSA-h5rc-j5f5-3gcm: windows that overflow.
func TestK7WindowOverflow(t *testing.T) {
	onServer(t, "server", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		p.Send(&wire.ChannelWindowAdjust{Recipient: id}, &wire.ChannelWindowAdjust{Recipient: 99, Bytes: 1 << 31})
		requireEchoOn(t, p, id)
		p.Send(&wire.ChannelWindowAdjust{Recipient: id, Bytes: 1<<32 - 1})
		v.denies(t, p, transport.ReasonProtocolError)
	})
	onClient(t, "client", func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
		p.Send(&wire.ChannelWindowAdjust{Recipient: id, Bytes: 1<<32 - 1})
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// K8: more data than the window or a packet may hold.
func TestK8Overrun(t *testing.T) {
	stuck := func(s *server.Server) {
		s.Session = server.HandlerFunc(func(session *server.Session) { <-session.Context().Done() })
	}
	onServer(t, "the window", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		for range 64 {
			p.Send(&wire.ChannelData{Recipient: id, Data: make([]byte, 32<<10)})
		}
		synctest.Wait()
		require.Empty(t, v.end, "2 MiB fit the window")
		p.Send(&wire.ChannelData{Recipient: id, Data: []byte("x")})
		v.denies(t, p, transport.ReasonProtocolError)
	}, stuck)
	onServer(t, "a packet", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		p.Send(&wire.ChannelData{Recipient: id, Data: make([]byte, 32<<10+1)})
		v.denies(t, p, transport.ReasonProtocolError)
	}, stuck)
	onClient(t, "a client's packet", func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
		p.Send(&wire.ChannelData{Recipient: id, Data: make([]byte, 64<<10)})
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// K9: a maximum packet size of 0 is none, and one of 1 is slow.
func TestK9MaximumPacketSize(t *testing.T) {
	onServer(t, "0", func(t *testing.T, p *fuzz.Peer, v *victim) {
		p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 20})
		m, err := wire.ParseChannelOpenFailure(p.Expect(wire.NumberChannelOpenFailure))
		require.NoError(t, errors.Join(err, p.Err()))
		require.Equal(t, uint32(2), m.Reason)
	})
	onServer(t, "1", func(t *testing.T, p *fuzz.Peer, v *victim) {
		p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 20, MaxPacket: 1})
		m, err := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
		require.NoError(t, errors.Join(err, p.Err()))
		p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "shell"}, &wire.ChannelData{Recipient: m.Sender, Data: []byte("abc")})
		for _, c := range "abc" {
			data, err := wire.ParseChannelData(p.Expect(wire.NumberChannelData))
			require.NoError(t, err)
			require.Equal(t, string(c), string(data.Data))
		}
	})
	bubble(t, "client: 0", func(t *testing.T) {
		p, v := againstClient(t, nullPeer(), nullCrypto())
		p.Handshake()
		p.Admit()
		ended := v.startExec(t)
		open, err := wire.ParseChannelOpen(p.Expect(wire.NumberChannelOpen))
		require.NoError(t, err)
		p.Send(&wire.ChannelOpenConfirmation{Recipient: open.Sender, Sender: theirs, Window: 1 << 20})
		v.denies(t, p, transport.ReasonProtocolError)
		require.Error(t, <-ended)
	})
}

// K10: memory is that of the data, however small its pieces, and none without data.
func TestK10SmallPieces(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		send := func(n int, data []byte) {
			batch := make([]fuzz.Message, 1000)
			for i := range batch {
				batch[i] = &wire.ChannelData{Recipient: id, Data: data}
			}
			for range n / len(batch) {
				p.Send(batch...)
			}
			synctest.Wait()
		}
		before := heap()
		send(100_000, []byte("x"))
		send(100_000, nil)
		require.Less(t, heap()-before, int64(2<<20))
		require.Empty(t, v.end)
	}, func(s *server.Server) {
		s.Session = server.HandlerFunc(func(session *server.Session) { <-session.Context().Done() })
	})
}

// K11: channels without end.
func TestK11OpenFlood(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		opened := 0
		for range 2000 {
			p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 20, MaxPacket: 1 << 15})
			payload := p.Next()
			require.NoError(t, p.Err())
			if wire.Number(payload[0]) == wire.NumberChannelOpenConfirmation {
				opened++
				continue
			}
			m, err := wire.ParseChannelOpenFailure(payload)
			require.NoError(t, err)
			require.Equal(t, uint32(4), m.Reason)
		}
		require.Equal(t, 64, opened)
	})
}

// K12: messages for channels that there are not, or not any more.
func TestK12WrongChannels(t *testing.T) {
	for n := wire.NumberChannelOpenConfirmation; n <= wire.NumberChannelRequest; n++ {
		if n == wire.NumberChannelWindowAdjust {
			continue // may have been under way
		}
		for _, id := range []uint32{1, theirs, 1<<32 - 1} {
			onServer(t, fmt.Sprintf("%v to %d", n, id), func(t *testing.T, p *fuzz.Peer, v *victim) {
				openSession(p)
				payload := slices.Clone(message(n, nil))
				copy(payload[1:], wire.AppendUint32(nil, id))
				p.Send(fuzz.Payload(payload))
				v.denies(t, p, transport.ReasonProtocolError)
			})
		}
	}
	for name, script := range map[string]func(id uint32) []fuzz.Message{
		"CLOSE twice": func(id uint32) []fuzz.Message {
			return []fuzz.Message{&wire.ChannelClose{Recipient: id}, &wire.ChannelClose{Recipient: id}}
		},
		"data after CLOSE": func(id uint32) []fuzz.Message {
			return []fuzz.Message{&wire.ChannelClose{Recipient: id}, &wire.ChannelData{Recipient: id, Data: []byte("x")}}
		},
		"CONFIRMATION of an open one": func(id uint32) []fuzz.Message {
			return []fuzz.Message{&wire.ChannelOpenConfirmation{Recipient: id, MaxPacket: 1}}
		},
		"FAILURE of an open one": func(id uint32) []fuzz.Message { return []fuzz.Message{&wire.ChannelOpenFailure{Recipient: id}} },
	} {
		onServer(t, name, func(t *testing.T, p *fuzz.Peer, v *victim) {
			p.Send(script(openSession(p))...)
			v.denies(t, p, transport.ReasonProtocolError)
		})
	}
}

// Data behind EOF is nobody's. It is dropped, as it would be on its way into a channel
// that is being closed.
func TestK12DataAfterEOF(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		p.Send(&wire.ChannelEOF{Recipient: id}, &wire.ChannelData{Recipient: id, Data: []byte("x")}, &wire.ChannelEOF{Recipient: id})
		payloads, over := p.Gather(time.Second)
		require.False(t, over)
		for _, payload := range payloads {
			require.NotEqual(t, wire.NumberChannelData, wire.Number(payload[0]))
		}
	})
}

// K13, CVE-2019-3862, CVE-2019-3857: requests that end in the middle of a field.
func TestK13TruncatedRequests(t *testing.T) {
	fields := map[string][]byte{
		"pty-req":       (&wire.PtyRequest{Term: "xterm", Modes: []byte{1, 0, 0, 0, 1, 0}}).Append(nil),
		"env":           (&wire.EnvRequest{Name: "LANG", Value: "C"}).Append(nil),
		"exec":          (&wire.ExecRequest{Command: "x"}).Append(nil),
		"subsystem":     (&wire.SubsystemRequest{Name: "sftp"}).Append(nil),
		"window-change": (&wire.WindowChange{Columns: 80}).Append(nil),
		"signal":        (&wire.SignalRequest{Name: "TERM"}).Append(nil),
		"x11-req":       (&wire.X11Request{Protocol: "p", Cookie: "c"}).Append(nil),
		"exit-status":   (&wire.ExitStatus{Status: 1}).Append(nil),
		"exit-signal":   (&wire.ExitSignal{Signal: "KILL", Message: "x"}).Append(nil),
	}
	for name, data := range fields {
		for n := range data {
			onServer(t, fmt.Sprintf("%s of %d bytes", name, n), func(t *testing.T, p *fuzz.Peer, v *victim) {
				p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 20, MaxPacket: 1 << 15})
				m, err := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
				require.NoError(t, err)
				p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: name, WantReply: true, Data: data[:n]})
				p.Expect(wire.NumberChannelFailure)
			})
			onClient(t, fmt.Sprintf("client: %s of %d bytes", name, n), func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
				p.Send(&wire.ChannelRequest{Recipient: id, Type: name, WantReply: true, Data: data[:n]}, &wire.ChannelClose{Recipient: id})
				payloads, over := p.Gather(time.Second)
				require.False(t, over)
				require.NotEmpty(t, payloads)
			})
		}
	}
}

// K14, GHSA-cqjc-rmpq-xprq: modes of a terminal, many or strange.
func TestK14TerminalModes(t *testing.T) {
	for name, modes := range map[string]string{
		"none": "", "no end": "\x01\x00\x00\x00\x01", "10,000": strings.Repeat("\x35\x00\x00\x00\x01", 10_000) + "\x00",
		"160 to 255": "\xa0\xff\x00\x00\x00\x00", "cut": "\x01\x00",
	} {
		onServer(t, name, func(t *testing.T, p *fuzz.Peer, v *victim) {
			p.Send(&wire.ChannelOpen{Type: "session", Sender: theirs, Window: 1 << 20, MaxPacket: 1 << 15})
			m, err := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
			require.NoError(t, err)
			pty := wire.PtyRequest{Term: "xterm", Columns: 1<<32 - 1, Rows: 1<<32 - 1, Width: 1<<32 - 1, Height: 1<<32 - 1, Modes: []byte(modes)}
			p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "pty-req", WantReply: true, Data: pty.Append(nil)})
			number := wire.Number(p.Next()[0])
			require.Contains(t, []wire.Number{wire.NumberChannelSuccess, wire.NumberChannelFailure}, number)
			p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "shell", WantReply: true})
			p.Expect(wire.NumberChannelSuccess)
			requireEchoOn(t, p, m.Sender)
		}, func(s *server.Server) { s.AllowPty = true })
	}
}

// K15: a session starts once, and is what it is from then on.
func TestK15SecondStart(t *testing.T) {
	for _, name := range []string{"exec", "shell", "subsystem", "pty-req", "env"} {
		onServer(t, name, func(t *testing.T, p *fuzz.Peer, v *victim) {
			id := openSession(p)
			p.Send(&wire.ChannelRequest{Recipient: id, Type: name, WantReply: true, Data: wire.AppendString(nil, "x")})
			p.Expect(wire.NumberChannelFailure)
			requireEchoOn(t, p, id)
			require.Equal(t, int32(1), v.sessions.Load())
		}, func(s *server.Server) { s.AllowPty, s.AcceptEnv = true, []string{"*"} })
	}
}

// K16: channels that a client has not asked for.
func TestK16ChannelsToAClient(t *testing.T) {
	for _, name := range []string{"session", "forwarded-tcpip", "direct-tcpip", "x11", "auth-agent@openssh.com", "forwarded-streamlocal@openssh.com", ""} {
		onClient(t, name, func(t *testing.T, p *fuzz.Peer, v *victim, id uint32, ended chan error) {
			p.Send(&wire.ChannelOpen{Type: name, Sender: 7, Window: 1 << 20, MaxPacket: 1 << 15})
			m, err := wire.ParseChannelOpenFailure(p.Expect(wire.NumberChannelOpenFailure))
			require.NoError(t, errors.Join(err, p.Err()))
			require.Equal(t, wire.ChannelOpenFailure{Recipient: 7, Reason: 1, Message: m.Message, Language: m.Language}, m)
		})
	}
}

// K17: a channel has two numbers, and messages go to the other side's.
func TestK17NumbersOfTheOtherSide(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		id := openSession(p)
		require.NotEqual(t, uint32(theirs), id)
		p.Send(&wire.ChannelData{Recipient: id, Data: []byte("x")}, &wire.ChannelEOF{Recipient: id}, &wire.ChannelClose{Recipient: id})
		payloads, _ := p.Gather(time.Second)
		require.NotEmpty(t, payloads)
		for _, payload := range payloads {
			require.Equal(t, wire.AppendUint32(nil, theirs), payload[1:5], wire.Describe(payload))
		}
	})
}

// K18: a session whose client does not read holds up nobody else.
func TestK18WedgedChannel(t *testing.T) {
	onServer(t, "", func(t *testing.T, p *fuzz.Peer, v *victim) {
		p.Send(&wire.ChannelOpen{Type: "session", Sender: 7, Window: 10, MaxPacket: 1 << 15})
		m, err := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
		require.NoError(t, err)
		p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "shell"})
		for range 60 {
			p.Send(&wire.ChannelData{Recipient: m.Sender, Data: make([]byte, 32<<10)})
		}
		p.Gather(time.Second)
		id := openSession(p)
		for range 100 {
			requireEchoOn(t, p, id)
		}
	})
}
