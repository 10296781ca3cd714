package channel

import (
	"errors"
	"io"
	"math"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestDeliverRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		message []byte
		want    error
	}{
		{"nothing", nil, wire.ErrTruncated},
		{"not to a channel", (&wire.ChannelOpen{}).Append(nil), errMessage},
		{"K8: more than the window", (&wire.ChannelData{Data: make([]byte, 11)}).Append(nil), errOverrun},
		{"K8: more than the window, stderr", (&wire.ChannelExtendedData{Type: 1, Data: make([]byte, 11)}).Append(nil), errOverrun},
		{"K8: more than the window, unknown type", (&wire.ChannelExtendedData{Type: 9, Data: make([]byte, 11)}).Append(nil), errOverrun},
		{"K8: more than the maximum packet size", (&wire.ChannelData{Data: make([]byte, 21)}).Append(nil), errTooLong},
		{"K7: window overflow", (&wire.ChannelWindowAdjust{Bytes: math.MaxUint32}).Append(nil), errOverflow},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, in, l := taped(1, Params{Window: 10, MaxPacket: 20, Extended: true})
			err := in.Deliver(test.message)
			require.ErrorIs(t, err, test.want)
			var broken *ProtocolError
			require.ErrorAs(t, err, &broken)
			if len(test.message) > 0 {
				require.Equal(t, wire.Number(test.message[0]), broken.Message)
				require.ErrorContains(t, err, broken.Message.String())
			}
			require.Empty(t, l.take())
		})
	}
}

// Every truncation of every message, and every message with a byte more, is
// the peer's fault and nobody's panic (K13).
func TestDeliverTruncated(t *testing.T) {
	for _, m := range []message{
		&wire.ChannelWindowAdjust{Bytes: 5},
		&wire.ChannelData{Data: []byte("data")},
		&wire.ChannelExtendedData{Type: 1, Data: []byte("data")},
		&wire.ChannelEOF{},
		&wire.ChannelClose{},
		&wire.ChannelSuccess{},
		&wire.ChannelFailure{},
		&wire.ChannelRequest{Type: "exit-status", WantReply: true},
	} {
		whole := m.Append(nil)
		for n := range whole {
			c, in, l := taped(1, Params{Requests: 1, Extended: true})
			var broken *ProtocolError
			require.ErrorAs(t, in.Deliver(whole[:n]), &broken, "%v cut at %d", wire.Number(whole[0]), n)
			require.Equal(t, [2]half{open, open}, [2]half{c.sending, c.receiving})
			require.Empty(t, l.take())
		}
		if wire.Number(whole[0]) == wire.NumberChannelRequest {
			continue // more is payload
		}
		_, in, _ := taped(1, Params{})
		require.ErrorIs(t, in.Deliver(append(whole, 0)), wire.ErrTrailing)
	}
}

func TestDeliverCopies(t *testing.T) {
	c, in, _ := taped(1, Params{Requests: 1})
	data := (&wire.ChannelData{Data: []byte("data")}).Append(nil)
	request := (&wire.ChannelRequest{Type: "type", Data: []byte("payload")}).Append(nil)
	require.NoError(t, in.Deliver(data))
	require.NoError(t, in.Deliver(request))
	clear(data)
	clear(request)
	require.Equal(t, "data", read(t, c))
	for r := range c.Requests(t.Context()) {
		require.Equal(t, "type", r.Type)
		require.Equal(t, "payload", string(r.Payload))
		break
	}
}

func TestAbort(t *testing.T) {
	lost := errors.New("lost")
	c, in, l := taped(1, Params{Requests: 1})
	deliverData(t, in, "before")
	deliver(t, in, &wire.ChannelRequest{Type: "before"})
	in.Abort(lost)
	in.Abort(errors.New("later"))
	<-c.Done()

	require.Equal(t, "before", read(t, c), "what came can be read")
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, lost)
	require.ErrorIs(t, err, net.ErrClosed)
	require.NotErrorIs(t, err, io.EOF, "the data may have been cut")
	for r := range c.Requests(t.Context()) {
		require.Equal(t, "before", r.Type)
		require.ErrorIs(t, r.Reply(true), lost)
	}
	require.ErrorIs(t, c.CloseWrite(), lost)
	require.NoError(t, c.Close())
	require.Empty(t, l.take())
}

func TestAbortAfterEOFKeepsTheEnd(t *testing.T) {
	c, in, _ := taped(1, Params{})
	deliverEOF(t, in)
	in.Abort(errors.New("lost"))
	_, err := c.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err, "nothing is missing")
}

func TestAbortKeepsAnErrorThatSaysClosed(t *testing.T) {
	c, in, _ := taped(1, Params{})
	in.Abort(errClosedByPeer)
	_, err := c.Write(nil)
	require.Equal(t, errClosedByPeer, err)
}

func TestAbortAfterCloseChangesNothing(t *testing.T) {
	c, in, _ := taped(1, Params{})
	require.NoError(t, c.Close())
	in.Abort(errors.New("lost"))
	_, err := c.Write(nil)
	require.Equal(t, errClosed, err)
}
