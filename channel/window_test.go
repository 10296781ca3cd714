package channel

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRecvWindow(t *testing.T) {
	w := newRecvWindow(100)
	require.True(t, w.receive(60))
	require.False(t, w.receive(41), "K8: one byte more than the window")
	require.True(t, w.receive(40), "a refused message takes nothing")
	require.True(t, w.receive(0), "RFC 4254 5.2: no data needs no window")
	require.False(t, w.receive(1))

	require.Zero(t, w.release(49), "less than half is not worth a message")
	require.Equal(t, uint32(50), w.release(2))
	require.Equal(t, uint32(50), w.release(49))
	require.True(t, w.receive(100))
	require.False(t, w.receive(1))
}

func TestRecvWindowOfAnySizeNeverSticks(t *testing.T) {
	for _, size := range []uint32{1, 2, 3, 4, 5, 1 << 10, math.MaxUint32} {
		w := newRecvWindow(size)
		for range 10 {
			n := int(min(w.credit, 1<<20))
			require.Positive(t, n, "size %d", size)
			require.True(t, w.receive(n))
			w.release(n)
		}
	}
}

func TestRecvWindowInvariant(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	w := newRecvWindow(10000)
	granted, received := uint64(10000), uint64(0)
	for range 100000 {
		if rng.IntN(2) == 0 {
			n := rng.IntN(3000)
			ok := w.receive(n)
			require.Equal(t, received+uint64(n) <= granted, ok)
			if ok {
				received += uint64(n)
			}
		} else if w.unread > 0 {
			granted += uint64(w.release(rng.IntN(int(w.unread)) + 1))
		}
		require.Equal(t, w.size, w.credit+w.unread+w.read)
	}
}

func TestSendWindowTake(t *testing.T) {
	for _, test := range []struct {
		name string
		peer End
		ask  uint64
		want int
	}{
		{"all", End{Window: 100, MaxPacket: 100}, 50, 50},
		{"RFC 4254 5.2: window", End{Window: 100, MaxPacket: 200}, 150, 100},
		{"RFC 4254 5.1: maximum packet size", End{Window: 200, MaxPacket: 100}, 150, 100},
		{"K9: maximum packet size of 1", End{Window: 200, MaxPacket: 1}, 150, 1},
		{"K9: maximum packet size of 2^32-1", End{Window: math.MaxUint32, MaxPacket: math.MaxUint32}, 1 << 20, 32 << 10},
		{"K5: CVE-2026-39834, 2^32 bytes", End{Window: 1 << 20, MaxPacket: 1 << 15}, 1 << 32, 1 << 15},
		{"K5: CVE-2026-39834, 2^32+1 bytes", End{Window: 1 << 20, MaxPacket: 1 << 15}, 1<<32 + 1, 1 << 15},
		{"none", End{Window: 0, MaxPacket: 100}, 1, 0},
	} {
		w := newSendWindow(test.peer)
		require.Equal(t, test.want, w.take(int(min(test.ask, math.MaxInt))), test.name)
		require.Equal(t, test.peer.Window-uint32(test.want), w.credit, test.name)
	}
}

// K7: GHSA-h5rc-j5f5-3gcm, CVE-2025-54804.
func TestSendWindowAdjust(t *testing.T) {
	w := newSendWindow(End{Window: 10, MaxPacket: 1})
	require.True(t, w.adjust(0))
	require.True(t, w.adjust(math.MaxUint32-10))
	require.Equal(t, uint32(math.MaxUint32), w.credit)
	require.True(t, w.adjust(0))
	require.False(t, w.adjust(1), "RFC 4254 5.2: MUST NOT be increased above 2^32 - 1")
	require.Equal(t, uint32(math.MaxUint32), w.credit)
}

// The peer is the model: it sends whatever it may, and learns of grants late.
func TestRecvWindowGrowsWhenThePeerRunsDry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRecvWindow(100)
		require.False(t, w.dry(), "nothing was granted again yet")
		w.receive(50)
		time.Sleep(time.Second)
		require.EqualValues(t, 50, w.release(50)) // on its way
		require.False(t, w.dry(), "the peer still has 50")
		w.receive(50)
		require.False(t, w.dry(), "data is waiting: the reader is what limits")
		require.EqualValues(t, 50, w.release(50))
		require.True(t, w.dry(), "all but the two grants has been sent")

		since := time.Now()
		time.Sleep(time.Second / 4)
		require.Zero(t, w.waited(since), "a fifth of the time")
		since = time.Now()
		time.Sleep(time.Second / 4)
		require.EqualValues(t, 100, w.waited(since), "a third")
		require.EqualValues(t, 100, w.grow(125), "whole steps")
		require.EqualValues(t, 200, w.size)
		require.Equal(t, w.size, w.credit+w.unread+w.read)

		w.receive(10)
		w.release(10)
		require.False(t, w.dry(), "the first grant has arrived")
	})
}

func TestRecvWindowStopsGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		since := time.Now()
		for _, test := range []struct{ size, want uint32 }{
			{maxWindow / 2, maxWindow / 2}, {maxWindow - 10, 10}, {maxWindow, 0}, {math.MaxUint32, 0},
		} {
			w := newRecvWindow(test.size)
			w.measure()
			time.Sleep(time.Second)
			require.Equal(t, test.want, w.waited(since))
		}
	})
}

func TestRecvWindowGrantsInSteps(t *testing.T) {
	w := newRecvWindow(2 << 20)
	require.True(t, w.receive(2<<20))
	require.Zero(t, w.release(256<<10-1))
	require.EqualValues(t, 256<<10, w.release(100))
	require.EqualValues(t, 1<<20, w.release(1<<20))
	require.EqualValues(t, 99, w.read)
}
