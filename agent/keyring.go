package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Keyring is an [Agent] that holds its keys in memory. Its own methods are
// those of a connection without bindings, as programs on its own host have it:
// they list every key, and sign with those that are not restricted to
// destinations. [Keyring.Connect] is for the others.
type Keyring struct {
	// Confirm, unless nil, asks the user about each use of a key that was added
	// with that constraint; an error refuses. If nil, no such key is taken.
	Confirm func(ctx context.Context, u Use) error

	// Check, unless nil, is called before each signature, and refuses it with
	// an error. Like Confirm, it may take its time: only the request waits.
	Check func(ctx context.Context, u Use) error

	mu      sync.Mutex // never held to wait, or to sign
	entries []*entry
	size    int // bytes of all of them in a message that lists them
	lock    lock
}

var (
	_ Agent     = (*Keyring)(nil)
	_ Connector = (*Keyring)(nil)
	_ Binder    = (*Client)(nil)
)

// A Use is what a key is about to sign.
type Use struct {
	Key  Key
	Data []byte // to be signed; valid until the function returns

	// What is known of a key that is restricted to destinations, and else
	// empty: who logs in where, and from where. Hosts have the names that they
	// have in the [Destination].
	User, To, From string
}

// An entry is a key of a Keyring. It does not change.
type entry struct {
	key          Key
	blob         []byte
	signer       hostkey.Signer
	confirm      bool
	destinations []Destination
	expires      time.Time   // or zero
	timer        *time.Timer // or nil
}

// expired reports whether the entry's time has come. The clock is monotonic, so
// that nobody who sets it makes a key live longer.
func (e *entry) expired() bool { return !e.expires.IsZero() && !time.Now().Before(e.expires) }

// NewKeyring returns an empty Keyring.
func NewKeyring() *Keyring { return &Keyring{lock: newLock()} }

// Connect returns the Keyring as a new connection sees it.
func (k *Keyring) Connect() Binder { return &session{keyring: k} }

// local is a connection without bindings.
func (k *Keyring) local() *session { return &session{keyring: k} }

// Keys implements [Agent].
func (k *Keyring) Keys(ctx context.Context) ([]Key, error) { return k.local().Keys(ctx) }

// Sign implements [Agent].
func (k *Keyring) Sign(ctx context.Context, key hostkey.PublicKey, algorithm string, data []byte) (*hostkey.Signature, error) {
	return k.local().Sign(ctx, key, algorithm, data)
}

// Add implements [Agent]. It refuses a constraint that it cannot enforce with a
// [*ConstraintError], and a key on a device with a [*hostkey.DeviceError].
func (k *Keyring) Add(ctx context.Context, key AddedKey) error { return k.local().Add(ctx, key) }

// Remove implements [Agent].
func (k *Keyring) Remove(ctx context.Context, key hostkey.PublicKey) error {
	return k.local().Remove(ctx, key)
}

// RemoveAll implements [Agent].
func (k *Keyring) RemoveAll(ctx context.Context) error { return k.local().RemoveAll(ctx) }

// newEntry makes an entry of a key that is to be added.
func (k *Keyring) newEntry(a AddedKey) (*entry, error) {
	if len(a.Comment) > maxComment {
		return nil, fmt.Errorf("agent: the comment has %d bytes, and %d are allowed", len(a.Comment), maxComment)
	}
	s, err := a.signer()
	if err != nil {
		return nil, err
	}
	if err := k.enforceable(&a); err != nil {
		return nil, err
	}
	e := &entry{
		key: Key{s.PublicKey(), a.Comment}, blob: s.PublicKey().Marshal(), signer: s,
		confirm: a.Confirm, destinations: slices.Clone(a.Destinations),
	}
	if a.Lifetime != 0 {
		e.expires = time.Now().Add(a.Lifetime)
	}
	return e, nil
}

// signer returns what signs with the key.
func (k *AddedKey) signer() (hostkey.Signer, error) {
	s := k.Signer
	switch {
	case (k.Key == nil) == (k.Signer == nil):
		return nil, errors.New("agent: one of AddedKey.Key and AddedKey.Signer has to be set, and not both")
	case k.device() != nil:
		return nil, &hostkey.DeviceError{Key: k.device().PublicKey()}
	case k.Key != nil:
		var err error
		if s, err = hostkey.NewSigner(k.Key); err != nil {
			return nil, err
		}
	}
	if k.Certificate == nil {
		return s, nil
	}
	return hostkey.NewCertificateSigner(k.Certificate, s)
}

// enforceable refuses constraints that would not be enforced (CVE-2026-39832,
// CVE-2026-39833).
func (k *Keyring) enforceable(a *AddedKey) error {
	if a.Confirm && k.Confirm == nil {
		return &ConstraintError{"confirm", "there is nobody to ask"}
	}
	if a.Lifetime != 0 {
		if _, err := lifetime(a.Lifetime); err != nil {
			return err
		}
	}
	if len(a.Destinations) > maxConstraints {
		return &ConstraintError{restrictDestination, fmt.Sprintf("it names more than %d destinations", maxConstraints)}
	}
	for _, d := range a.Destinations {
		if err := d.check(); err != nil {
			return err
		}
	}
	return nil
}

// find returns the entry of a key, or nil. Callers hold k.mu.
func (k *Keyring) find(blob []byte) *entry {
	i := slices.IndexFunc(k.entries, func(e *entry) bool { return bytes.Equal(e.blob, blob) })
	if i < 0 || k.entries[i].expired() {
		return nil
	}
	return k.entries[i]
}

// drop removes an entry, if it is there. Callers hold k.mu.
func (k *Keyring) drop(e *entry) {
	i := slices.Index(k.entries, e)
	if i < 0 {
		return
	}
	k.entries = slices.Delete(k.entries, i, i+1)
	k.size -= identitySize(e.blob, e.key.Comment)
	if e.timer != nil {
		e.timer.Stop()
	}
}

// put adds an entry, in place of any other of the same key. Callers hold k.mu.
func (k *Keyring) put(e *entry) error {
	i := slices.IndexFunc(k.entries, func(old *entry) bool { return bytes.Equal(old.blob, e.blob) })
	size, count := identitySize(e.blob, e.key.Comment), len(k.entries)+1
	if i >= 0 {
		size, count = size-identitySize(k.entries[i].blob, k.entries[i].key.Comment), count-1
	}
	// All of them have to fit into the one message that lists them.
	if count > maxKeys || 1+4+k.size+size > maxMessage {
		return ErrFull
	}
	k.size += size
	if i < 0 {
		k.entries = append(k.entries, e)
	} else {
		if old := k.entries[i].timer; old != nil {
			old.Stop()
		}
		k.entries[i] = e
	}
	if !e.expires.IsZero() {
		e.timer = time.AfterFunc(time.Until(e.expires), func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.drop(e)
		})
	}
	return nil
}
