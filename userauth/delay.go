package userauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// defaultDelay is how long a refusal takes at least: longer than hashing a
// password, so that a server that hashes only for users who exist does not
// tell who does (CVE-2016-6210, CVE-2018-15473).
const defaultDelay = 300 * time.Millisecond

// jitterKey is secret to the process.
var jitterKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return key
})

// jitter returns from nothing to a sixteenth of delay, always the same for one
// user: what differs from one try to the next could be averaged away.
func jitter(user string, delay time.Duration) time.Duration {
	h := hmac.New(sha256.New, jitterKey())
	h.Write([]byte(user))
	fraction := uint64(binary.BigEndian.Uint16(h.Sum(nil)))
	return time.Duration(uint64(delay/16) * fraction >> 16)
}

// hold waits until a refusal of what began at start is due. If more than the
// delay has gone by already, twice the delay is due, or twice that, so that a
// slow check does not show either.
func (s *Server) hold(ctx context.Context, start time.Time, user string) error {
	delay := s.Delay
	if delay == 0 {
		delay = defaultDelay
	}
	if delay < 0 {
		return nil
	}
	due := delay + jitter(user, delay)
	for due < time.Since(start) {
		due *= 2
	}
	timer := time.NewTimer(due - time.Since(start))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("userauth: %w", ctx.Err())
	}
}
