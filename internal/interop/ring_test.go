package interop

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
)

// A ring goes from every protection of packets to every other, and to itself:
// one of our ends offers the next one, and nothing else, in each key exchange.
type ring struct {
	all     []transport.Protection
	order   []int // of all
	ciphers []cipher.Mode
	macs    []mac.Algorithm
	now     transport.Protection // as of the last key exchange
	seen    map[[2]transport.Protection]bool

	complete atomic.Bool // the order has come to its end
	stream   *stream     // what is sent until then
	sent     *sum
}

// newRing has every cipher with each layout of packets that it knows: of its
// own, encrypt then MAC, MAC then encrypt.
func newRing() *ring {
	r := &ring{
		ciphers: make([]cipher.Mode, 1), macs: make([]mac.Algorithm, 1), seen: make(map[[2]transport.Protection]bool),
		stream: newStream(1 << 40), sent: newSum(),
	}
	for _, mode := range algolist.AllCiphers() {
		if mode.AEAD {
			r.all = append(r.all, transport.Protection{Cipher: mode.Name})
			continue
		}
		for _, name := range []string{"umac-128-etm@openssh.com", "hmac-sha2-256"} {
			r.all = append(r.all, transport.Protection{Cipher: mode.Name, MAC: name})
		}
	}
	// A sequence in which every two stand side by side once, in either order:
	// the one of de Bruijn that is made of Lyndon words, 0 01 02 ... 1 12 ...
	for i := range r.all {
		r.order = append(r.order, i)
		for j := i + 1; j < len(r.all); j++ {
			r.order = append(r.order, i, j)
		}
	}
	r.order = append(r.order, 0)
	r.turn()
	return r
}

// turn makes the next protection the one on offer. A Conn keeps the lists that
// its Config has, and looks at them when it exchanges keys. Nobody may rely on
// that but this test, for want of peers that change their mind.
func (r *ring) turn() {
	if len(r.order) == 0 {
		r.complete.Store(true)
		return
	}
	next := r.all[r.order[0]]
	r.order = r.order[1:]
	r.ciphers[0], _ = cipher.Lookup(next.Cipher)
	if next.MAC == "" {
		next.MAC = "hmac-sha2-256" // one must be on offer
	}
	r.macs[0], _ = mac.Lookup(next.MAC)
}

// configure makes one of our ends offer what the ring says, and change keys
// with every packet or two.
func (r *ring) configure(c *transport.Config) {
	quicken(c)
	c.Ciphers, c.MACs = r.ciphers, r.macs
	c.Rekey.Bytes = 32 << 10
	// Called on the goroutine that reads, with no key exchange under way.
	c.Trace = &transport.Trace{KeyExchange: func(s transport.State, err error) {
		if err != nil {
			return
		}
		s.Send.Compression = ""
		if s.KeyExchangesFinished > 1 {
			r.seen[[2]transport.Protection{r.now, s.Send}] = true
		}
		r.now = s.Send
		r.turn()
	}}
}

// Read reads a stream that goes on until the ring is complete.
func (r *ring) Read(p []byte) (int, error) {
	if r.complete.Load() {
		return 0, io.EOF
	}
	n, err := r.stream.Read(p)
	r.sent.Write(p[:n])
	return n, err
}

// requireComplete fails unless every protection has followed every other.
func (r *ring) requireComplete(t *testing.T) {
	t.Helper()
	for _, a := range r.all {
		for _, b := range r.all {
			require.True(t, r.seen[[2]transport.Protection{a, b}], "%v to %v", a, b)
		}
	}
	t.Logf("%d protections, %d ways from one to another, %d MiB", len(r.all), len(r.seen), r.sent.size/mebibyte)
}

// Every cipher follows every other in a re-exchange, while data flows. RFC
// 4253, section 9: "It is permissible to change some or all of the algorithms
// during the re-exchange."
func TestEveryCipherAfterEveryOther(t *testing.T) {
	const size = mebibyte // the other way
	between(t, "library to sshd", []*program{library, sshd}, func(t *testing.T) {
		t.Parallel()
		r := newRing()
		s := serve(t, sshd, allOfOpenSSH(t)...)
		c := s.dial(t, func(c *client.Config) { r.configure(&c.Transport) })
		cmd := c.Command(remotely(t, fmt.Sprint("exchange ", size)))
		received := newSum()
		var digest bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = r, received, &digest
		require.NoError(t, cmd.Run(t.Context()))
		require.Equal(t, streamSum(size), received.String())
		require.Equal(t, r.sent.String(), strings.TrimSpace(digest.String()))
		require.NoError(t, ignoreClosed(c.Close()))
		r.requireComplete(t)
	})
	between(t, "ssh to hosted", []*program{ssh, hosted}, func(t *testing.T) {
		t.Parallel()
		r := newRing()
		s, states := host(t, size, r.configure)
		received := newSum()
		cmd := connectOpenSSH(t, s, "exchange")
		cmd.Stdin, cmd.Stdout = r, received
		result := run(t, cmd)
		require.Equal(t, 0, result.status, result.stderr)
		require.Equal(t, streamSum(size), received.String())
		require.Equal(t, r.sent.String(), strings.TrimSpace(result.stderr))
		<-states
		r.requireComplete(t)
	})
}
