package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func list(t *testing.T, a Agent) (comments []string) {
	t.Helper()
	keys, err := a.Keys(t.Context())
	require.NoError(t, err)
	for _, k := range keys {
		comments = append(comments, k.Comment)
	}
	return comments
}

func sign(t *testing.T, a Agent, key hostkey.PublicKey) error {
	_, err := a.Sign(t.Context(), key, hostkey.Algorithms(key.Type())[0], []byte("data"))
	return err
}

// A key has the comment and the constraints that it was last added with.
func TestReplace(t *testing.T) {
	k := NewKeyring()
	key := private(t, "ed25519")
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Comment: "first", Lifetime: time.Hour}))
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ecdsa256"), Comment: "second"}))
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Comment: "again"}))
	require.Equal(t, []string{"again", "second"}, list(t, k))
	require.True(t, k.entries[0].expires.IsZero())
	require.NoError(t, k.RemoveAll(t.Context()))
	require.Zero(t, k.size)
	require.ErrorIs(t, k.Remove(t.Context(), nil), ErrUnknownKey)
	_, err := k.Sign(t.Context(), nil, hostkey.Ed25519, nil)
	require.ErrorIs(t, err, ErrUnknownKey)
}

// A key is gone when its time is up, whoever looks, and whatever the time is.
func TestM8Lifetime(t *testing.T) { // M8
	for _, seconds := range []time.Duration{1, 60, 1<<32 - 1} {
		t.Run(fmt.Sprintf("M8 %d seconds", seconds), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := NewKeyring()
				key := private(t, "ed25519")
				life := seconds * time.Second
				require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Lifetime: life}))
				require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ecdsa256"), Comment: "stays"}))
				time.Sleep(life - 1)
				require.Len(t, list(t, k), 2)
				require.NoError(t, sign(t, k, public(t, key)))
				time.Sleep(time.Nanosecond)
				require.Equal(t, []string{"stays"}, list(t, k))
				require.ErrorIs(t, sign(t, k, public(t, key)), ErrUnknownKey)
				require.ErrorIs(t, k.Remove(t.Context(), public(t, key)), ErrUnknownKey)
				synctest.Wait()
				require.Len(t, k.entries, 1, "the private key is not kept either")
				require.NoError(t, k.RemoveAll(t.Context()))
				require.Zero(t, k.size)
			})
		})
	}
}

// What replaces a key that was to go has its own time.
func TestLifetimeReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring()
		key := private(t, "ed25519")
		require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Lifetime: time.Second}))
		require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Lifetime: time.Hour}))
		time.Sleep(time.Minute)
		require.Len(t, list(t, k), 1)
		require.NoError(t, k.Add(t.Context(), AddedKey{Key: key}))
		time.Sleep(2 * time.Hour)
		require.Len(t, list(t, k), 1)
	})
}

// A namedSigner has as many keys as there are names: only the blob differs.
type namedSigner struct {
	hostkey.Signer
	name string
}

type namedKey struct {
	hostkey.PublicKey
	name string
}

func (s namedSigner) PublicKey() hostkey.PublicKey { return namedKey{s.Signer.PublicKey(), s.name} }

func (k namedKey) Marshal() []byte { return append(k.PublicKey.Marshal(), k.name...) }

// There are as many keys as fit into a list.
func TestM3Full(t *testing.T) { // M3
	add := func(k *Keyring, i int, comment string) error {
		return k.Add(t.Context(), AddedKey{Signer: namedSigner{testkeys.Ed25519(), fmt.Sprintf("%06d", i)}, Comment: comment})
	}
	t.Run("M3 2048 keys", func(t *testing.T) {
		k := NewKeyring()
		for i := range maxKeys {
			require.NoError(t, add(k, i, ""))
		}
		require.ErrorIs(t, add(k, maxKeys, ""), ErrFull)
		require.NoError(t, add(k, 0, "in place of another"))
		keys, err := serve(t, k).Keys(t.Context())
		require.NoError(t, err)
		require.Len(t, keys, maxKeys)
	})
	t.Run("M3 256 KiB", func(t *testing.T) {
		k, n := NewKeyring(), 0
		for add(k, n, strings.Repeat("x", maxComment)) == nil {
			n++
		}
		require.Less(t, n, maxKeys)
		require.Greater(t, k.size, maxMessage-maxComment-200)
		require.ErrorIs(t, add(k, n, strings.Repeat("x", maxComment)), ErrFull)
		keys, err := serve(t, k).Keys(t.Context())
		require.NoError(t, err)
		require.Len(t, keys, n)
		require.NoError(t, k.Remove(t.Context(), keys[0]))
		require.NoError(t, add(k, n, strings.Repeat("x", maxComment)))
	})
}

// A key with that constraint signs when somebody says so, each time.
func TestM4Confirm(t *testing.T) { // M4: CVE-2026-39833
	var asked []Use
	var answer error
	k := NewKeyring()
	k.Confirm = func(_ context.Context, u Use) error {
		u.Data = bytes.Clone(u.Data)
		asked = append(asked, u)
		return answer
	}
	key := private(t, "ed25519")
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Comment: "mine", Confirm: true}))
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ecdsa256")}))
	c := serve(t, k)
	require.NoError(t, sign(t, c, public(t, key)))
	require.NoError(t, sign(t, c, testkeys.ECDSA256().PublicKey()))
	require.Len(t, asked, 1, "the other has no such constraint")
	require.Equal(t, "mine", asked[0].Key.Comment)
	require.Equal(t, []byte("data"), asked[0].Data)
	answer = errors.New("no")
	require.ErrorIs(t, sign(t, c, public(t, key)), ErrRefused)
	err := sign(t, k, public(t, key))
	require.ErrorIs(t, err, answer)
	require.ErrorAs(t, err, new(*UseError))
	require.ErrorContains(t, err, hostkey.Fingerprint(public(t, key)))
	k.Confirm = nil
	require.ErrorContains(t, sign(t, k, public(t, key)), "nobody")
}

// Check sees each signature, and has its way.
func TestM7Check(t *testing.T) { // M7
	seen := 0
	no := errors.New("no")
	k := NewKeyring()
	k.Check = func(context.Context, Use) error {
		if seen++; seen > 1 {
			return no
		}
		return nil
	}
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519")}))
	require.NoError(t, sign(t, k, testkeys.Ed25519().PublicKey()))
	require.ErrorIs(t, sign(t, k, testkeys.Ed25519().PublicKey()), no)
	require.Equal(t, 2, seen)
}

// What happens to a key while somebody is asked about it counts, and nobody else
// waits for that.
func TestWhileAsked(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(*testing.T, *Keyring)
		want      error
	}{
		"removed": {func(t *testing.T, k *Keyring) { require.NoError(t, k.RemoveAll(t.Context())) }, ErrUnknownKey},
		"locked":  {func(t *testing.T, k *Keyring) { require.NoError(t, k.Lock(t.Context(), []byte("x"))) }, ErrLocked},
		"expired": {func(*testing.T, *Keyring) { time.Sleep(time.Hour) }, ErrUnknownKey},
		"replaced": {func(t *testing.T, k *Keyring) {
			require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Confirm: true}))
		}, ErrUnknownKey},
		"nothing": {func(t *testing.T, k *Keyring) { require.Len(t, list(t, k), 1) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := NewKeyring()
				answer := make(chan error)
				k.Confirm = func(context.Context, Use) error { return <-answer }
				require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Confirm: true, Lifetime: time.Hour}))
				signed := make(chan error)
				go func() { signed <- sign(t, k, testkeys.Ed25519().PublicKey()) }()
				synctest.Wait()
				test.meanwhile(t, k)
				answer <- nil
				require.ErrorIs(t, <-signed, test.want)
				k.RemoveAll(t.Context())
			})
		})
	}
}

// Each failure takes longer, for whoever tries.
func TestM9Unlock(t *testing.T) { // M9
	t.Run("M9 exponential", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := NewKeyring()
			require.NoError(t, k.Lock(t.Context(), []byte("right")))
			for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 100, 100, 100} {
				begun := time.Now()
				require.ErrorIs(t, k.Unlock(t.Context(), []byte("wrong")), ErrPassphrase)
				require.Equal(t, want*firstPenalty, time.Since(begun))
			}
			begun := time.Now()
			require.NoError(t, k.Unlock(t.Context(), []byte("right")))
			require.Zero(t, time.Since(begun))
			require.ErrorIs(t, k.Unlock(t.Context(), []byte("right")), ErrNotLocked)
			require.NoError(t, k.Lock(t.Context(), []byte("right")))
			require.ErrorIs(t, k.Unlock(t.Context(), []byte("wrong")), ErrPassphrase)
			require.Equal(t, firstPenalty, time.Since(begun), "it is forgotten")
		})
	})
	t.Run("M9 many at once are as slow as one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := NewKeyring()
			require.NoError(t, k.Lock(t.Context(), []byte("right")))
			begun := time.Now()
			var guesses sync.WaitGroup
			for range 10 {
				guesses.Go(func() { k.Unlock(t.Context(), []byte("wrong")) })
			}
			guesses.Wait()
			require.Equal(t, 427*firstPenalty, time.Since(begun))
		})
	})
	t.Run("M9 who does not wait for the penalty leaves it to the next", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := NewKeyring()
			require.NoError(t, k.Lock(t.Context(), []byte("right")))
			begun := time.Now()
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				require.Error(t, k.Unlock(ctx, []byte("wrong")))
				cancel()
			}
			require.NoError(t, k.Unlock(t.Context(), []byte("right")))
			require.Equal(t, firstPenalty, time.Since(begun), "one of them was looked at")
		})
	})
	t.Run("M9 nobody waits but those who try", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := NewKeyring()
			require.NoError(t, k.Lock(t.Context(), []byte("right")))
			go k.Unlock(t.Context(), []byte("wrong"))
			synctest.Wait()
			begun := time.Now()
			require.Empty(t, list(t, k))
			require.ErrorIs(t, sign(t, k, testkeys.Ed25519().PublicKey()), ErrLocked)
			require.Zero(t, time.Since(begun))
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			require.ErrorIs(t, k.Unlock(ctx, []byte("right")), context.DeadlineExceeded)
		})
	})
	k := NewKeyring()
	for _, bad := range []string{"", strings.Repeat("x", maxPassphrase+1)} {
		require.ErrorIs(t, k.Lock(t.Context(), []byte(bad)), ErrPassphrase)
	}
	require.NoError(t, k.Lock(t.Context(), []byte("right")))
	require.NotContains(t, string(k.lock.hash), "right")
	require.ErrorIs(t, k.Unlock(t.Context(), []byte(strings.Repeat("x", maxPassphrase+1))), ErrPassphrase)
}

// Many connections, all at once, with the race detector looking on.
func TestConcurrently(t *testing.T) {
	k := NewKeyring()
	k.Confirm = func(context.Context, Use) error { return nil }
	var users sync.WaitGroup
	for i, name := range keyNames {
		key := private(t, name)
		for range 3 {
			c := serve(t, k)
			users.Go(func() {
				for range 20 {
					c.Add(t.Context(), AddedKey{Key: key, Lifetime: time.Hour, Confirm: i%2 == 0})
					c.Keys(t.Context())
					if name != "rsa2048" {
						sign(t, c, public(t, key))
					}
					c.Remove(t.Context(), public(t, key))
					c.RemoveAll(t.Context())
				}
			})
		}
	}
	users.Wait()
	require.Empty(t, list(t, k))
	require.Zero(t, k.size)
}
