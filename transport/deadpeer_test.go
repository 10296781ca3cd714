package transport

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/wire"
)

// memPair returns two ends that have exchanged keys over a network in memory.
func memPair(t *testing.T, link memnet.Link, cc *Config) (c, s *Conn) {
	a, b := link.Pipe()
	c, s = Client(a, cc), Server(b, serverConfig())
	served := make(chan error, 1)
	go func() { served <- s.Handshake(testContext(t)) }()
	require.NoError(t, c.Handshake(testContext(t)))
	require.NoError(t, <-served)
	c.Authenticated()
	s.Authenticated()
	return c, s
}

// O6: a peer that reads nothing is found out by whoever writes, within the time
// allowed.
func TestStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := clientConfig()
		config.StallTimeout = 20 * time.Second
		c, s := memPair(t, memnet.Link{}, config)
		defer s.Close()
		read := make(chan error, 1)
		go func() {
			_, err := c.ReadPacket()
			read <- err
		}()
		began := time.Now()
		var err error
		for err == nil {
			err = c.WritePacket([]byte{byte(wire.NumberChannelData)}, make([]byte, 1<<15))
		}
		elapsed := time.Since(began)
		require.GreaterOrEqual(t, elapsed, 17*time.Second)
		require.LessOrEqual(t, elapsed, 20*time.Second+lastWords/4)
		for _, err := range []error{err, <-read, c.Err()} {
			require.ErrorIs(t, err, ErrDeadPeer)
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			var local *Error
			require.ErrorAs(t, err, &local)
			require.Equal(t, ReasonConnectionLost, local.Reason)
			require.True(t, local.Timeout())
		}
		require.ErrorContains(t, err, "it took nothing of what it was sent for 20s")
		c.Close()
		require.Less(t, time.Since(began), 22*time.Second)
	})
}

// A peer that reads slowly, or now and then, is not one that does not read.
func TestStallTimeoutBearsSlowPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := clientConfig()
		config.StallTimeout = 20 * time.Second
		c, s := memPair(t, memnet.Link{Up: memnet.Path{Buffer: 4 << 10, MaxRead: 100}}, config)
		slow := make(chan error, 1)
		go func() {
			for range 40 {
				if _, err := s.ReadPacket(); err != nil {
					slow <- err
					return
				}
				time.Sleep(15 * time.Second)
			}
			slow <- nil
		}()
		for range 40 {
			require.NoError(t, c.WritePacket([]byte{byte(wire.NumberChannelData)}, make([]byte, 1<<15)))
		}
		require.NoError(t, <-slow)
		time.Sleep(40 * time.Minute) // longer than the last deadline
		require.NoError(t, c.WritePacket([]byte{byte(wire.NumberChannelData)}))
		_, err := s.ReadPacket()
		require.NoError(t, err)
		c.Close()
		s.Close()
	})
}

// Close takes no longer than its second although a Write is under way that has
// more.
func TestCloseWhileStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := clientConfig()
		config.StallTimeout = time.Hour
		c, s := memPair(t, memnet.Link{Up: memnet.Path{Buffer: 4 << 10}}, config)
		require.NoError(t, c.WritePacket([]byte{byte(wire.NumberChannelData)}, make([]byte, 1<<15)))
		synctest.Wait()
		began := time.Now()
		require.NoError(t, c.Close())
		require.LessOrEqual(t, time.Since(began), lastWords+lastWords/4)
		s.Close()
	})
}

// Over a socket, where a write that would wait is the writer's, a deadline that
// has passed stops nobody.
func TestStallTimeoutOverTCP(t *testing.T) {
	config := clientConfig()
	config.StallTimeout = 100 * time.Millisecond
	c, s := newPair(t, config, serverConfig())
	go func() {
		for {
			if _, err := s.ReadPacket(); err != nil {
				return
			}
		}
	}()
	for range 3 {
		require.NoError(t, c.WritePacket([]byte{byte(wire.NumberChannelData)}, make([]byte, 1<<15)))
		time.Sleep(150 * time.Millisecond)
	}
	require.NoError(t, c.Err())
}

func TestAbandon(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	why := errors.New("why")
	c.Abandon(why)
	_, err := c.ReadPacket()
	require.ErrorIs(t, err, why)
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, c.Ready(t.Context()), why)
	c.Abandon(errors.New("another"))
	require.ErrorIs(t, c.Err(), why)
	_, err = s.ReadPacket()
	var bye *DisconnectError
	require.False(t, errors.As(err, &bye), "the peer is told nothing")
}

// Heard tells of messages that ReadPacket keeps to itself, a key exchange among
// them, and of no others.
func TestHeard(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	read := func() {
		_, err := c.ReadPacket()
		require.NoError(t, err)
	}
	var before time.Time
	for range 2 {
		before = c.Heard() // the server's extensions come first
		require.NoError(t, s.WritePacket([]byte{byte(wire.NumberChannelData), 1}))
		read()
	}
	require.Equal(t, before, c.Heard())
	require.NoError(t, s.Rekey())
	go func() {
		for {
			if _, err := s.ReadPacket(); err != nil {
				return
			}
		}
	}()
	go s.WritePacket([]byte{byte(wire.NumberChannelData), 1}) // after the exchange
	read()
	require.Greater(t, c.Heard(), before)
	require.Zero(t, new(Conn).Heard())
}
