package fuzz_test

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/wire"
)

// A muxScript is a connection.Conn that plays a fuzzer's input: a byte below
// 128 is something an application does, in a goroutine of its own; a byte of
// 128 and more is the length of a packet, plus 128, from the peer. Before it
// goes on, everyone has done all they can, so that a script always plays the
// same way.
type muxScript struct {
	t    *testing.T
	m    *connection.Mux
	rest []byte

	packets, actions, ends int

	mu       sync.Mutex
	sent     int
	channels []*channel.Channel
}

func (s *muxScript) ReadPacket() ([]byte, error) {
	for len(s.rest) > 0 {
		op := s.rest[0]
		s.rest = s.rest[1:]
		if op >= 128 {
			n := min(int(op-128), len(s.rest))
			p := slices.Clone(s.rest[:n])
			s.rest = s.rest[n:]
			s.packets++
			return p, nil
		}
		s.act(op)
		synctest.Wait()
	}
	s.ends++
	require.Equal(s.t, 1, s.ends, "reads on after the end")
	return nil, io.ErrUnexpectedEOF
}

func (s *muxScript) Ready(ctx context.Context) error { return ctx.Err() }

// Enqueue checks that what is sent can be understood.
func (s *muxScript) Enqueue(parts ...[]byte) error {
	p := slices.Concat(parts...)
	require.NoError(s.t, parseConnection(p))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	return nil
}

func (s *muxScript) Unimplemented() error { return nil }

// parseConnection decodes any message of RFC 4254.
func parseConnection(p []byte) (err error) {
	switch wire.Number(p[0]) {
	case wire.NumberGlobalRequest:
		_, err = wire.ParseGlobalRequest(p)
	case wire.NumberRequestSuccess:
		_, err = wire.ParseRequestSuccess(p)
	case wire.NumberRequestFailure:
		_, err = wire.ParseRequestFailure(p)
	case wire.NumberChannelOpen:
		_, err = wire.ParseChannelOpen(p)
	case wire.NumberChannelOpenConfirmation:
		_, err = wire.ParseChannelOpenConfirmation(p)
	case wire.NumberChannelOpenFailure:
		_, err = wire.ParseChannelOpenFailure(p)
	case wire.NumberChannelWindowAdjust:
		_, err = wire.ParseChannelWindowAdjust(p)
	case wire.NumberChannelData:
		_, err = wire.ParseChannelData(p)
	case wire.NumberChannelExtendedData:
		_, err = wire.ParseChannelExtendedData(p)
	case wire.NumberChannelEOF:
		_, err = wire.ParseChannelEOF(p)
	case wire.NumberChannelClose:
		_, err = wire.ParseChannelClose(p)
	case wire.NumberChannelRequest:
		_, err = wire.ParseChannelRequest(p)
	case wire.NumberChannelSuccess:
		_, err = wire.ParseChannelSuccess(p)
	case wire.NumberChannelFailure:
		_, err = wire.ParseChannelFailure(p)
	default:
		err = wire.ErrNumber
	}
	return err
}

var scriptParams = []channel.Params{
	{Window: 64, MaxPacket: 32, Requests: 2, Extended: true},
	{},
}

func (s *muxScript) add(c *channel.Channel, err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels = append(s.channels, c)
}

// act starts what the application does: the low bits say what, the high bits
// to which channel.
func (s *muxScript) act(op byte) {
	s.actions++
	which, params := int(op>>4), scriptParams[op>>4&1]
	if op&8 != 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.channels) > 0 {
			go s.use(s.channels[which%len(s.channels)], op&7)
		}
		return
	}
	bg := context.Background()
	switch op & 7 {
	case 0:
		go func() { s.add(s.m.Open(bg, "fuzz", nil, params)) }()
	case 1:
		ctx, cancel := context.WithTimeout(bg, time.Second)
		go func() { defer cancel(); s.add(s.m.Open(ctx, "fuzz", nil, params)) }()
	case 2:
		go func() {
			if o, err := s.m.Accept(bg); err == nil {
				s.add(o.Accept(params))
			}
		}()
	case 3:
		go func() {
			if o, err := s.m.Accept(bg); err == nil {
				_ = o.Reject(channel.ConnectFailed, "fuzz")
			}
		}()
	case 4:
		go func() { _, _ = s.m.Request(bg, "fuzz", nil) }()
	case 5:
		go func() { _ = s.m.Notify("fuzz", nil) }()
	case 6:
		go func() {
			for r := range s.m.Requests(bg) {
				_ = r.Reply(which&1 == 0, r.Payload)
				break
			}
		}()
	case 7:
		time.Sleep(time.Second)
	}
}

// use does something to a channel.
func (s *muxScript) use(c *channel.Channel, op byte) {
	switch op {
	case 0:
		_, _ = c.Read(make([]byte, 10))
	case 1:
		_, _ = c.Write(make([]byte, 50))
	case 2:
		_, _ = c.Stderr().Read(make([]byte, 10))
	case 3:
		_ = c.Request(context.Background(), "fuzz", nil)
	case 4:
		for r := range c.Requests(context.Background()) {
			_ = r.Reply(true)
			break
		}
	case 5:
		_ = c.CloseWrite()
	case 6:
		_ = c.Close()
	case 7:
		_ = c.SetDeadline(time.Now().Add(time.Second))
	}
}

// muxPackets returns messages as a script has them.
func muxPackets(list ...interface{ Append([]byte) []byte }) []byte {
	var script []byte
	for _, m := range list {
		p := m.Append(nil)
		script = append(append(script, byte(128+len(p))), p...)
	}
	return script
}

// FuzzConnection lets a peer send any packets while an application does
// anything: the mux ends with the script and not before it has to, wakes
// everybody, and sends no more than it was provoked to.
func FuzzConnection(f *testing.F) {
	open := &wire.ChannelOpen{Type: "x", Sender: 1000, Window: 20, MaxPacket: 7}
	confirm := &wire.ChannelOpenConfirmation{Sender: 1000, Window: 20, MaxPacket: 7}
	data := &wire.ChannelData{Data: []byte("0123456789012345678901")}
	stderr := &wire.ChannelExtendedData{Type: 1, Data: []byte("0123456789")}
	f.Add(slices.Concat([]byte{2}, muxPackets(open, data, stderr), []byte{8, 9, 10}, muxPackets(&wire.ChannelWindowAdjust{Bytes: 100}, &wire.ChannelEOF{}, &wire.ChannelClose{})))
	f.Add(slices.Concat([]byte{0}, muxPackets(confirm, data), []byte{9, 13, 11}, muxPackets(&wire.ChannelFailure{}), []byte{14}, muxPackets(data, &wire.ChannelClose{})))
	f.Add(slices.Concat([]byte{1, 7}, muxPackets(confirm, data, &wire.ChannelClose{}), []byte{0}, muxPackets(&wire.ChannelOpenFailure{Reason: 1})))
	f.Add(slices.Concat(muxPackets(open, open, open), []byte{3, 18, 2, 15, 9, 8, 7}))
	f.Add(slices.Concat([]byte{4, 4, 5}, muxPackets(&wire.RequestSuccess{}, &wire.GlobalRequest{Type: "x", WantReply: true}, &wire.GlobalRequest{WantReply: true}), []byte{6, 22, 6}))
	f.Add(slices.Concat([]byte{2}, muxPackets(open, &wire.ChannelRequest{Type: "x", WantReply: true}, &wire.ChannelRequest{WantReply: true}, &wire.ChannelRequest{WantReply: true}), []byte{12, 12, 14}))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2048 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := &muxScript{t: t, rest: script}
			s.m = connection.New(s, &connection.Config{Opens: 2, Requests: 2, Channels: 5})
			err := s.m.Serve()
			require.Error(t, err)
			require.ErrorIs(t, s.m.Err(), net.ErrClosed)
			synctest.Wait() // whoever does not come back from here is a deadlock
			require.LessOrEqual(t, s.sent, 3*s.packets+60*s.actions)
		})
	})
}
