package connection

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
)

// F9, K1, K18: a channel nobody reads, one whose requests nobody takes, and an
// open nobody answers, while 96 other channels move what they have to. If any
// of the three held up the goroutine that reads, nothing would move at all.
func TestWedgedChannels(t *testing.T) {
	config := &Config{Opens: 1, Requests: 1}
	m1, m2, stop := join(t, config, config)

	unread, unreadPeer := connect(t, m1, m2, channel.Params{Window: 100_000})
	flooded, _ := connect(t, m1, m2, channel.Params{Requests: 4})
	var lasting sync.WaitGroup
	lasting.Go(func() { // fills the window, and waits for ever
		n, err := unread.Write(make([]byte, 1<<20))
		require.Error(t, err)
		require.Equal(t, 100_000, n)
	})
	const echoes = 96
	var pairs [echoes][2]*channel.Channel
	for i := range pairs {
		pairs[i][0], pairs[i][1] = connect(t, m1, m2, channel.Params{})
	}
	lasting.Go(func() { // stays in the backlog
		_, err := m1.Open(context.Background(), "unanswered", nil, channel.Params{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	lasting.Go(func() {
		for range 100_000 {
			if flooded.Notify("flood", nil) != nil || m1.Notify("flood", nil) != nil {
				return
			}
		}
	})
	for range 20 {
		lasting.Go(func() {
			require.Error(t, flooded.Request(context.Background(), "flood", nil), "refused, or never answered")
		})
	}

	const rounds = 100
	var moving sync.WaitGroup
	for _, ends := range pairs {
		moving.Go(func() {
			_, err := io.Copy(ends[1], ends[1])
			require.NoError(t, err)
			require.NoError(t, ends[1].Close())
		})
		moving.Go(func() {
			p := make([]byte, 5000)
			for range rounds {
				_, err := ends[0].Write(p)
				require.NoError(t, err)
				_, err = io.ReadFull(ends[0], p)
				require.NoError(t, err)
			}
			require.NoError(t, ends[0].CloseWrite())
			_, err := ends[0].Read(p)
			require.Equal(t, io.EOF, err)
		})
	}
	moving.Wait()
	require.NoError(t, unreadPeer.Close(), "Close works on what is wedged")
	require.NoError(t, flooded.CloseWrite())
	stop()
	lasting.Wait()
}
