package main

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/kex/curve448"
	"golang.org/x/crypto/ssh"
)

// handshakeTime is how long a turn makes connections at most: some key exchanges
// are slow.
const handshakeTime = time.Second

// handshakes measures how many connections can be made a second, so many at a
// time: TCP, key exchange, authentication by public key, close.
func handshakes(st stack, s suite, atOnce int) sample {
	return func(b *bench) (float64, error) {
		l, err := loopback()
		if err != nil {
			return 0, err
		}
		stop, err := st.serve(l, b.keys, s)
		if err != nil {
			return 0, err
		}
		defer stop()
		n := max(b.count(640), atOnce)
		var made atomic.Int64
		start := time.Now()
		err = repeat(n, atOnce, func() error {
			if time.Since(start) > handshakeTime {
				return nil
			}
			c, err := st.dial(l.Addr().String(), b.keys, s)
			if err != nil {
				return err
			}
			made.Add(1)
			return c.Close()
		})
		return float64(made.Load()) / time.Since(start).Seconds(), err
	}
}

// exchangeFigures has the handshake with each key exchange method beside that of
// x/crypto/ssh, or, where that has no such method, beside ours with
// curve25519-sha256. Of a method with two names it takes the newer.
func exchangeFigures() (all []figure) {
	theirs := slices.Concat(ssh.SupportedAlgorithms().KeyExchanges, ssh.InsecureAlgorithms().KeyExchanges)
	for _, method := range keyExchanges() {
		s := suite{kex: method.Name()}
		if strings.Contains(s.kex, "@") {
			continue
		}
		f := figure{name: "kex-" + s.kex + "-curve25519", unit: "/s", ours: handshakes(ours, s, 1), peer: handshakes(ours, curve25519, 1)}
		if slices.Contains(theirs, s.kex) {
			f.name, f.peer = "kex-"+s.kex+"-xcrypto", handshakes(peer, s, 1)
		}
		all = append(all, f)
	}
	return all
}

// keyExchanges returns every method that is sound.
func keyExchanges() []kex.Method {
	return slices.Concat(kex.Default(), kex.Optional(), []kex.Method{curve448.Method()})
}

// repeat calls f n times, on so many goroutines, and returns the first error.
func repeat(n, goroutines int, f func() error) error {
	var done atomic.Int64
	var failed sync.Once
	var first error
	var workers sync.WaitGroup
	for range goroutines {
		workers.Go(func() {
			for done.Add(1) <= int64(n) {
				if err := f(); err != nil {
					failed.Do(func() { first = err })
					return
				}
			}
		})
	}
	workers.Wait()
	return first
}
