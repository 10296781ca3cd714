package transport

import (
	"bytes"
	"context"
	"math"

	"github.com/whelk-ssh/whelk/cipher"
)

// Rekey begins a key re-exchange (RFC 4253, section 9), unless one is under
// way. It does not wait for it: the goroutine that reads runs the rest. It is
// safe for concurrent use.
func (c *Conn) Rekey() error {
	if !c.authenticated.Load() {
		return ErrUnauthenticated
	}
	c.rekey()
	return c.out.failure()
}

// rekey queues our KEXINIT. The reader, which must see the peer's anyway, runs
// the exchange when it comes.
func (c *Conn) rekey() {
	finished := c.exchanges.Load()
	if _, began := c.out.beginExchange(c.kexInit(false)); began {
		c.watchExchange(finished)
	}
}

// meter returns an empty meter for keys of mode.
func (config *Config) meter(mode cipher.Mode) meter {
	m := meter{maxBytes: config.Rekey.Bytes, maxPackets: config.Rekey.Packets}
	if mode.RekeyAfter > 0 {
		m.maxBytes = min(m.maxBytes, mode.RekeyAfter)
	}
	return m
}

// watchExchange bounds the time that the exchange may take which began when
// so many had finished. A peer that never ends one would hold back our writers
// for ever.
func (c *Conn) watchExchange(finished int64) {
	c.alarms.setTimeout(c.config.Rekey.Timeout, func() {
		if c.exchanges.Load() == finished { // it may have ended before the alarm was set
			c.fail(&Error{Reason: ReasonKeyExchangeFailed, Err: ErrTimeout})
		}
	})
}

// exchangeAgain runs a key re-exchange inline: its KEXINIT has just come. The
// peer may send nothing else until its NEWKEYS, so the reader keeps nobody
// waiting.
func (c *Conn) exchangeAgain(peerInit []byte) error {
	c.watchExchange(c.exchanges.Load())
	ctx, cancel := context.WithTimeout(c.ctx, c.config.Rekey.Timeout)
	defer cancel()
	x := &exchange{conn: c, ctx: ctx}
	err := x.negotiate(bytes.Clone(peerInit))
	if err == nil {
		err = x.run()
	}
	if err != nil {
		c.config.traceKeyExchange(State{}, err)
	}
	return err
}

// inFlight is how much a peer may reasonably send between our KEXINIT and its
// own.
const inFlight = 64 << 20

// checkMeter changes the keys when those of the receiving direction have done
// their work, and gives up on a peer that will not let us (RFC 4344, section
// 3). A sequence number is never used twice with the same keys.
func (c *Conn) checkMeter() error {
	m := &c.in.meter
	if !m.due() || !c.authenticated.Load() {
		return nil
	}
	if m.bytes-m.maxBytes > m.maxBytes+inFlight || m.packets == math.MaxUint32 {
		return protocolErrorf("peer sent %d bytes in %d packets under one set of keys and does not change them", m.bytes, m.packets)
	}
	if c.phase == phaseOpen {
		c.rekey()
	}
	return nil
}
