package agent

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"time"
)

// A lock is the passphrase that a Keyring is locked with, as a hash: whoever
// gets to see the memory of the process, does not get to know it.
type lock struct {
	salt, hash []byte // empty while it is not locked; guarded by Keyring.mu

	// turn holds one token. Who has it tries to unlock: one at a time, so that
	// many who guess together are as slow as one.
	turn     chan struct{}
	failures int       // since it was locked; the owner of the token's
	again    time.Time // when the next attempt may be made; likewise
}

func newLock() lock {
	l := lock{turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

func (l *lock) locked() bool { return len(l.hash) > 0 }

// Bounds of attempts to unlock (attacks M9). Each failure doubles the time to
// the next attempt.
const (
	firstPenalty  = 100 * time.Millisecond
	mostPenalty   = 10 * time.Second
	maxPassphrase = 1024
)

// penalty returns how long to wait after a number of failures.
func penalty(failures int) time.Duration {
	if failures > 7 { // 2^7 times the first is more than the most
		return mostPenalty
	}
	return min(firstPenalty<<(failures-1), mostPenalty)
}

const (
	lockRounds = 10_000 // some milliseconds
	saltSize   = 16
)

// hashOf returns what a passphrase is compared by.
func hashOf(passphrase, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha512.New, string(passphrase), salt, lockRounds, sha512.Size)
}

// Lock implements [Agent]. The passphrase must not be empty, or longer than 1024
// bytes.
func (k *Keyring) Lock(_ context.Context, passphrase []byte) error {
	if len(passphrase) == 0 || len(passphrase) > maxPassphrase {
		return ErrPassphrase
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	hash, err := hashOf(passphrase, salt)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lock.locked() {
		return ErrLocked
	}
	k.lock.salt, k.lock.hash = salt, hash
	return nil
}

// Unlock implements [Agent]. Who is wrong waits, for 0.1 seconds at first and
// for twice as long each time up to 10, and so do those who try in the
// meantime.
func (k *Keyring) Unlock(ctx context.Context, passphrase []byte) error {
	l := &k.lock
	select {
	case <-l.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { l.turn <- struct{}{} }()
	if err := sleep(ctx, time.Until(l.again)); err != nil {
		return err
	}
	opened, err := k.tryUnlock(passphrase)
	if err != nil {
		return err
	}
	if opened {
		l.failures = 0
		return nil
	}
	l.failures++
	wait := penalty(l.failures)
	l.again = time.Now().Add(wait)
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	return ErrPassphrase
}

func (k *Keyring) tryUnlock(passphrase []byte) (bool, error) {
	k.mu.Lock()
	salt, hash := k.lock.salt, k.lock.hash
	k.mu.Unlock()
	if len(hash) == 0 {
		return false, ErrNotLocked
	}
	if len(passphrase) > maxPassphrase {
		return false, nil
	}
	got, err := hashOf(passphrase, salt)
	if err != nil || subtle.ConstantTimeCompare(got, hash) == 0 {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(hash)
	k.lock.salt, k.lock.hash = nil, nil
	return true, nil
}

// sleep waits, unless ctx is done first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
