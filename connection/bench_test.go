package connection

import (
	"io"
	"testing"

	"github.com/whelk-ssh/whelk/channel"
)

// One channel from Mux to Mux through memory: the cost of this layer alone,
// with one copy more than a transport makes.
func BenchmarkThroughput(b *testing.B) {
	config := &Config{Opens: 1}
	m1, m2, stop := join(b, config, config)
	defer stop()
	c1, c2 := connect(b, m1, m2, channel.Params{})
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	b.ResetTimer()
	go func() {
		for range b.N {
			_, _ = c1.Write(p)
		}
		_ = c1.Close()
	}()
	_, _ = c2.WriteTo(writer(func([]byte) {}))
}

// A packet dispatched to a channel and read from it.
func BenchmarkDispatch(b *testing.B) {
	m, id, c := sunk()
	data := make([]byte, 32<<10)
	packet := dataTo(id, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_ = m.dispatch(packet)
		_, _ = io.ReadFull(c, data)
	}
}

// An open and close of one channel, from Mux to Mux.
func BenchmarkOpenClose(b *testing.B) {
	config := &Config{Opens: 1}
	m1, m2, stop := join(b, config, config)
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		c1, c2 := connect(b, m1, m2, channel.Params{})
		_ = c1.Close()
		<-c2.Done()
	}
}
