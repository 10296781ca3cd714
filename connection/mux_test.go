package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

func TestChannelsAreConns(t *testing.T) {
	config := &Config{Opens: 1}
	for name, params := range map[string]channel.Params{
		"default":      {},
		"small window": {Window: 5000, MaxPacket: 700},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				m1, m2, stop := join(t, config, config)
				c1, c2 := connect(t, m1, m2, params)
				return c1, c2, stop, nil
			})
		})
	}
}

func TestZeroConfigRefusesEverything(t *testing.T) {
	for _, config := range []*Config{nil, {}, {Opens: -1, Requests: -1, Channels: -1}} {
		m, p := serve(t, config)
		p.send(&wire.ChannelOpen{Type: "session", Sender: 1000, Window: 1, MaxPacket: 1})
		p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 1, Message: "opening channels is not allowed"})
		p.send(&wire.GlobalRequest{Type: "tcpip-forward", WantReply: true})
		p.expect(&wire.RequestFailure{})
		p.send(&wire.GlobalRequest{Type: "no-more-sessions@openssh.com"})
		p.sync()
		require.Equal(t, defaultChannels, m.limit)
		require.Equal(t, errLost, p.stop())
	}
}

func data(n int) []byte { return make([]byte, n) }

// K7, K8, K9, K12: what no peer may do ends the connection.
var violations = []struct {
	name string
	m    message // to channel 0, which is open, or 1, which is being opened, or 2, which never was
	want error
}{
	{"empty packet", raw{}, errEmpty},
	{"RFC 4252 5.1: 51 after authentication", raw{51}, errAuthenticated},
	{"RFC 4252 5.1: 52 after authentication", raw{52}, errAuthenticated},
	{"RFC 4252 6: 60 after authentication", raw{60}, errAuthenticated},
	{"RFC 4252 6: 79 after authentication", raw{79}, errAuthenticated},
	{"K8: data > window", &wire.ChannelData{Recipient: 0, Data: data(101)}, nil},
	{"K8: data > maximum packet", &wire.ChannelData{Recipient: 0, Data: data(51)}, nil},
	{"K8: extended data > maximum packet", &wire.ChannelExtendedData{Recipient: 0, Type: 9, Data: data(51)}, nil},
	{"K7: window overflow", &wire.ChannelWindowAdjust{Recipient: 0, Bytes: math.MaxUint32}, nil},
	{"K9: CONFIRMATION of maximum packet 0", &wire.ChannelOpenConfirmation{Recipient: 1, Sender: 1001, Window: 1}, errMaxPacket},
	{"K12: CONFIRMATION of a confirmed id", &wire.ChannelOpenConfirmation{Recipient: 0, MaxPacket: 1}, errUnasked},
	{"K12: CONFIRMATION of an unknown id", &wire.ChannelOpenConfirmation{Recipient: 2, MaxPacket: 1}, errUnasked},
	{"K12: CONFIRMATION of id 2^32-1", &wire.ChannelOpenConfirmation{Recipient: math.MaxUint32, MaxPacket: 1}, errUnasked},
	{"K12: FAILURE of a confirmed id", &wire.ChannelOpenFailure{Recipient: 0}, errUnasked},
	{"K12: FAILURE of an unknown id", &wire.ChannelOpenFailure{Recipient: 2}, errUnasked},
	{"K12: data on a half-open id", &wire.ChannelData{Recipient: 1}, errChannel},
	{"K12: data on an unknown id", &wire.ChannelData{Recipient: 2}, errChannel},
	{"K12: extended data on an unknown id", &wire.ChannelExtendedData{Recipient: 2}, errChannel},
	{"K12: request on a half-open id", &wire.ChannelRequest{Recipient: 1, Type: "exec"}, errChannel},
	{"K12: request on an unknown id", &wire.ChannelRequest{Recipient: math.MaxUint32, Type: "exec"}, errChannel},
	{"K12: EOF on a half-open id", &wire.ChannelEOF{Recipient: 1}, errChannel},
	{"K12: EOF on an unknown id", &wire.ChannelEOF{Recipient: 2}, errChannel},
	{"K12: CLOSE on a half-open id", &wire.ChannelClose{Recipient: 1}, errChannel},
	{"K12: CLOSE on an unknown id", &wire.ChannelClose{Recipient: 2}, errChannel},
	{"truncated CLOSE", raw{97, 0, 0, 0, 0, 0}, wire.ErrTrailing},
	{"truncated recipient", raw{94, 0, 0}, wire.ErrTruncated},
	{"truncated recipient of CLOSE", raw{97}, wire.ErrTruncated},
	{"truncated recipient of SUCCESS", raw{99}, wire.ErrTruncated},
	{"truncated global request", raw{80, 0, 0, 0, 9}, wire.ErrTruncated},
	{"truncated open", raw{90}, wire.ErrTruncated},
	{"truncated confirmation", raw{91}, wire.ErrTruncated},
	{"truncated failure", raw{92}, wire.ErrTruncated},
	{"REQUEST_FAILURE with a tail", raw{82, 0}, wire.ErrTrailing},
	{"truncated request", raw{98, 0, 0, 0, 0, 1}, wire.ErrTruncated},
}

func TestViolations(t *testing.T) {
	for _, test := range violations {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, p := serve(t, &Config{Opens: 1, Requests: 1})
				c, id := p.open(channel.Params{Window: 100, MaxPacket: 50, Requests: 1})
				require.Zero(t, id)
				if test.name == "K8: data > window" {
					p.send(&wire.ChannelData{Recipient: 0, Data: data(50)})
					p.send(&wire.ChannelData{Recipient: 0, Data: data(50)})
					test.m = &wire.ChannelData{Recipient: 0, Data: data(1)}
				}
				opening := make(chan error, 1)
				go func() {
					_, err := m.Open(context.Background(), "session", nil, channel.Params{})
					opening <- err
				}()
				p.next()
				p.send(test.m)
				err := <-p.served
				var broken *Error
				require.ErrorAs(t, err, &broken)
				if test.want != nil {
					require.ErrorIs(t, err, test.want)
				}
				if packet := test.m.Append(nil); len(packet) > 0 {
					require.Equal(t, wire.Number(packet[0]), broken.Message)
				}
				require.ErrorIs(t, <-opening, broken, "everyone learns the reason")
				_, err = c.Write([]byte("x"))
				require.ErrorIs(t, err, broken)
				p.silent()
			})
		})
	}
}

// raw is a packet as it is.
type raw []byte

func (r raw) Append(b []byte) []byte { return append(b, r...) }

// What arrives late, or means nothing, leaves the connection as it is.
func TestIgnored(t *testing.T) {
	m, p := serve(t, &Config{Opens: 1})
	c, id := p.open(channel.Params{})
	for _, late := range []message{
		raw{50},                                    // RFC 4252 5.1, H14
		raw{50, 1, 2, 3},                           // H14, not even looked at
		&wire.ChannelWindowAdjust{Recipient: 9},    // K7
		&wire.ChannelSuccess{Recipient: 9},         // K2
		&wire.ChannelFailure{Recipient: 9},         // K2
		&wire.ChannelSuccess{Recipient: id},        // K2
		&wire.RequestSuccess{Data: []byte("late")}, // K2
		&wire.RequestFailure{},                     // K2
	} {
		p.send(late)
	}
	p.sync()

	// K12: everything that may cross our CLOSE on its way.
	require.NoError(t, c.Close())
	p.expect(&wire.ChannelEOF{Recipient: 1000 + id})
	p.expect(&wire.ChannelClose{Recipient: 1000 + id})
	for _, crossing := range []message{
		&wire.ChannelData{Recipient: id, Data: []byte("x")},
		&wire.ChannelExtendedData{Recipient: id, Type: 1, Data: []byte("x")},
		&wire.ChannelWindowAdjust{Recipient: id, Bytes: math.MaxUint32},
		&wire.ChannelRequest{Recipient: id, Type: "exit-status", WantReply: true},
		&wire.ChannelEOF{Recipient: id},
		&wire.ChannelClose{Recipient: id},
		&wire.ChannelWindowAdjust{Recipient: id, Bytes: 1},
	} {
		p.send(crossing)
	}
	p.sync()
	require.Zero(t, m.used())
	p.send(&wire.ChannelClose{Recipient: id})
	var broken *Error
	require.ErrorAs(t, <-p.served, &broken, "K12: CLOSE twice")
}

func TestUnimplemented(t *testing.T) {
	ours, theirs := newPipe()
	m := New(ours, nil)
	want := []wire.Number{83, 89, 101, 127, 128, 191, 192, 255, 0, 1, 7, 20, 30}
	for _, n := range want {
		require.NoError(t, theirs.Enqueue([]byte{byte(n)}))
	}
	theirs.close(io.EOF)
	require.Equal(t, io.EOF, m.Serve())
	require.Equal(t, want, ours.unimplemented, "RFC 4253 11.4")
}

func TestEnd(t *testing.T) {
	for _, cause := range []error{errLost, io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			m, p := serve(t, &Config{Opens: 2, Requests: 2})
			require.NoError(t, m.Err())
			c, _ := p.open(channel.Params{Requests: 1})
			p.send(&wire.ChannelOpen{Type: "x", Sender: 1005, MaxPacket: 1})
			p.send(&wire.GlobalRequest{Type: "x", WantReply: true})
			offered, err := m.Accept(t.Context())
			require.NoError(t, err)
			var asked *Request
			for r := range m.Requests(t.Context()) {
				asked = r
				break
			}
			p.send(&wire.ChannelOpen{Type: "never taken", Sender: 1006, MaxPacket: 1})

			ended := func(err error) {
				require.ErrorIs(t, err, net.ErrClosed)
				require.NotErrorIs(t, err, io.EOF)
				if cause == errLost {
					require.ErrorIs(t, err, errLost)
				} else {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
			}
			var waiting sync.WaitGroup
			for _, call := range []func() error{
				func() error { _, err := m.Open(context.Background(), "x", nil, channel.Params{}); return err },
				func() error { _, err := m.Request(context.Background(), "x", nil); return err },
				func() error { _, err := c.Read(make([]byte, 1)); return err },
				func() error { return c.Request(context.Background(), "x", nil) },
				func() error { <-m.Done(); return m.Err() },
				func() error { <-c.Done(); _, err := c.Write(nil); return err },
				func() error {
					for range m.Requests(context.Background()) {
						t.Error("no request came")
					}
					return m.Err()
				},
			} {
				waiting.Go(func() { ended(call()) })
			}
			synctest.Wait()
			p.close(cause)
			require.Equal(t, cause, <-p.served)
			waiting.Wait()

			_, err = offered.Accept(channel.Params{})
			ended(err)
			require.Equal(t, errAnswered, offered.Reject(channel.ConnectFailed, ""))
			ended(asked.Reply(true, nil))
			_, err = m.Open(t.Context(), "x", nil, channel.Params{})
			ended(err)
			_, err = m.sendOpen("x", nil, channel.Params{}) // the end came after Ready
			ended(err)
			_, err = m.Request(t.Context(), "x", nil)
			ended(err)
			_, err = m.ask("x", nil)
			ended(err)
			ended(m.Notify("x", nil))
			for range m.Requests(t.Context()) {
				t.Error("no request came")
			}
			_, err = m.Accept(t.Context())
			for err == nil { // the one that was waiting
				_, err = m.Accept(t.Context())
			}
			ended(err)
		})
	}
}

// A Conn whose output has failed ends Serve with its own error.
func TestDeadOutput(t *testing.T) {
	for _, m := range []message{
		&wire.GlobalRequest{Type: "x", WantReply: true},
		&wire.ChannelOpen{Type: "x", MaxPacket: 1},
		&wire.ChannelClose{Recipient: 0},
		&wire.ChannelRequest{Recipient: 0, Type: "x", WantReply: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			mux, p := serve(t, &Config{})
			p.open(channel.Params{})
			p.pipe.mu.Lock()
			p.pipe.err = errLost // what the Mux sends
			p.pipe.mu.Unlock()
			p.send(m)
			require.Equal(t, errLost, <-p.served)
			require.ErrorIs(t, mux.Err(), errLost)
		})
	}
}

func TestErrorText(t *testing.T) {
	err := &Error{wire.NumberChannelData, errChannel}
	require.Equal(t, "connection: SSH_MSG_CHANNEL_DATA: no such channel", err.Error())
	require.ErrorIs(t, err, errChannel)
	require.Equal(t, "connection: ended: connection lost", (&endError{errLost}).Error())
	require.ErrorIs(t, fmt.Errorf("x: %w", &endError{errors.Join(errLost)}), errLost)
	require.Equal(t, "x", (&connError{errors.New("x")}).Error())
}

// No allocation for data that comes in, from the packet to the reader.
func TestDispatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the pool drops chunks under -race")
	}
	m, id, c := sunk()
	data := make([]byte, 32<<10)
	packet := dataTo(id, data)
	adjust := (&wire.ChannelWindowAdjust{Recipient: id, Bytes: 1}).Append(nil)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = m.dispatch(packet)
		_ = m.dispatch(adjust)
		_, _ = io.ReadFull(c, data)
	}))
}

// sinkConn throws away what is sent.
type sinkConn struct{ *pipe }

func (sinkConn) Enqueue(...[]byte) error { return nil }

// sunk returns a Mux whose output goes nowhere, with one channel.
func sunk() (*Mux, uint32, *channel.Channel) {
	ours, _ := newPipe()
	m := New(sinkConn{ours}, nil)
	local := m.addSlot(slot{state: established}, channel.Params{})
	c, inlet := channel.New(m.conn, "x", local, channel.End{ID: 1000, MaxPacket: 1}, channel.Params{})
	m.table.slots[local.ID].inlet = inlet
	return m, local.ID, c
}

func dataTo(id uint32, data []byte) []byte {
	return (&wire.ChannelData{Recipient: id, Data: data}).Append(nil)
}
