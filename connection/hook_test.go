package connection

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// used returns how many channels there are, openings included.
func (m *Mux) used() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.used() + m.offers
}

func TestOnOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []*Opening
		m, p := serve(t, &Config{Opens: 2, OnOpen: func(o *Opening) {
			switch o.Type {
			case "accept":
				_, err := o.Accept(channel.Params{Window: 5, MaxPacket: 5})
				require.NoError(t, err)
			case "reject":
				require.NoError(t, o.Reject(channel.UnknownChannelType, "no"))
			default:
				kept = append(kept, o)
			}
		}})
		open := func(kind string) { p.send(&wire.ChannelOpen{Type: kind, Sender: 1000, MaxPacket: 1}) }
		open("accept")
		p.expect(&wire.ChannelOpenConfirmation{Recipient: 1000, Window: 5, MaxPacket: 5})
		open("reject")
		p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 3, Message: "no"})
		for range 2 {
			open("keep")
		}
		open("accept")
		p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 4, Message: "too many channels wait to be opened"})
		p.sync()
		require.Len(t, kept, 2)
		require.NoError(t, kept[0].Reject(channel.ConnectFailed, ""))
		p.next()
		open("reject")
		p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 3, Message: "no"})

		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errLost)
		_, err := m.Accept(ctx)
		require.Equal(t, errLost, err, "Accept returns none of them")
		p.stop()
	})
}

func TestOnRequest(t *testing.T) {
	var kept []*Request
	m, p := serve(t, &Config{Requests: 2, OnRequest: func(r *Request) {
		if r.Type != "keep" {
			require.NoError(t, r.Reply(true, r.Payload))
			return
		}
		kept = append(kept, r)
	}})
	p.send(&wire.GlobalRequest{Type: "x", WantReply: true, Data: []byte("payload")})
	p.expect(&wire.RequestSuccess{Data: []byte("payload")})
	p.send(&wire.GlobalRequest{Type: "x"})
	for range 3 {
		p.send(&wire.GlobalRequest{Type: "keep", WantReply: true})
	}
	require.Equal(t, errLost, p.stop())
	require.Len(t, kept, 2, "one was refused, in its turn")
	require.ErrorIs(t, kept[1].Reply(true, nil), errLost)
	for range m.Requests(t.Context()) {
		t.Error("Requests yields none of them, and ends with the connection")
	}
	<-m.Done() // asked for after the end
}

func TestHooksOfAZeroConfigAreNotCalled(t *testing.T) {
	_, p := serve(t, &Config{
		OnOpen:    func(*Opening) { t.Error("Opens is zero") },
		OnRequest: func(*Request) { t.Error("Requests is zero") },
	})
	p.send(&wire.ChannelOpen{Sender: 1000, MaxPacket: 1})
	p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 1, Message: "opening channels is not allowed"})
	p.send(&wire.GlobalRequest{Type: "x"})
	p.sync()
	p.stop()
}
