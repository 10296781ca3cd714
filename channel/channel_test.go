package channel

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/whelk-ssh/whelk/wire"
)

func TestConn(t *testing.T) {
	for name, p := range map[string]Params{
		"default":       {},
		"small window":  {Window: 4096, MaxPacket: 1000},
		"tiny window":   {Window: 64, MaxPacket: 1},
		"huge messages": {MaxPacket: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				c1, c2, stop := pair(t, p, p)
				return c1, c2, stop, nil
			})
		})
	}
}

func TestAddr(t *testing.T) {
	c, _, _ := taped(0, Params{})
	require.Equal(t, "session", c.Type())
	require.Equal(t, "ssh", c.LocalAddr().Network())
	require.Equal(t, "session/7", c.LocalAddr().String())
	require.Equal(t, "session/1007", c.RemoteAddr().String())
}

func TestNegativeRequestsRefuse(t *testing.T) {
	_, in, l := taped(0, Params{Requests: -1})
	deliverRequest(t, in, "exec", true)
	require.Equal(t, []wire.Number{wire.NumberChannelFailure}, l.numbers())
}

// benchmark: one channel to another through memory.
func BenchmarkThroughput(b *testing.B) {
	c1, c2, stop := pair(b, Params{}, Params{})
	defer stop()
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	go func() {
		for range b.N {
			_, _ = c1.Write(p)
		}
		_ = c1.Close()
	}()
	_, _ = c2.WriteTo(callback(func([]byte) {}))
}
