package main

import (
	"io"
	"time"
)

// oneWay is what a packet takes in the figures roundtrips-exec.
const oneWay = 100 * time.Millisecond

// roundTrips returns how many of them fit the time.
func roundTrips(elapsed time.Duration) float64 { return elapsed.Seconds() / (2 * oneWay).Seconds() }

// guessed is the one key exchange method of both sides in the figures
// roundtrips-exec, so that a client that guesses the first guesses right.
const guessed = "curve25519-sha256"

// remoteSSHD starts a server at the far end of a relay.
func (b *bench) remoteSSHD() (address string, stop func(), err error) {
	d, err := b.startSSHDWith("KexAlgorithms=" + guessed)
	if err != nil {
		return "", nil, err
	}
	r, err := newRelay(d.address, oneWay)
	if err != nil {
		d.stop()
		return "", nil, err
	}
	return r.address(), func() { r.close(); d.stop() }, nil
}

// libraryRoundTrips measures a stack as a client of sshd, from dialing to the
// first byte of a command's output.
func libraryRoundTrips(st stack) sample {
	return func(b *bench) (float64, error) {
		address, stop, err := b.remoteSSHD()
		if err != nil {
			return 0, err
		}
		defer stop()
		start := time.Now()
		c, err := st.dial(address, b.keys, suite{kex: guessed})
		if err != nil {
			return 0, err
		}
		defer c.Close()
		s, err := c.start("echo x")
		if err != nil {
			return 0, err
		}
		_, err = io.ReadFull(s.out, make([]byte, 1))
		return roundTrips(time.Since(start)), err
	}
}

// commandRoundTrips measures a client command in the same way, its start
// included.
func commandRoundTrips(client func(*programs) string) sample {
	return func(b *bench) (float64, error) {
		address, stop, err := b.remoteSSHD()
		if err != nil {
			return 0, err
		}
		defer stop()
		cmd, err := b.command(client(&b.programs), address, "echo x", "KexAlgorithms="+guessed)
		if err != nil {
			return 0, err
		}
		elapsed, err := first(cmd)
		return roundTrips(elapsed), err
	}
}
