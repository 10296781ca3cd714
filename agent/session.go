package agent

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
)

// Bounds of what is remembered of a connection. OpenSSH has them too.
const (
	maxBindings  = 16
	maxSessionID = 128
)

// A session is a Keyring as one connection sees it. Its bindings are only ever
// added to: what has come over a host once, is not trusted as if it had not.
type session struct {
	keyring *Keyring

	mu        sync.Mutex // locked before keyring.mu
	attempted bool       // somebody wanted to bind it, so that it is not only local
	bindings  []Binding  // all but the last of which are Forwarded
}

// Bind implements [Binder] (OpenSSH PROTOCOL.agent, section 1). A locked Keyring
// takes bindings, or whoever comes over a connection that was lent could have
// it unlocked and be taken for local (CVE-2026-73281).
func (s *session) Bind(_ context.Context, b Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempted = true
	if b.HostKey == nil || len(b.SessionID) == 0 || len(b.SessionID) > maxSessionID {
		return &BindingError{"there is no host key, or no session identifier, or one that is too long"}
	}
	sig, err := hostkey.ParseSignature(b.Signature)
	if err == nil {
		err = b.HostKey.Verify(b.SessionID, sig)
	}
	if err != nil {
		return &BindingError{"the host did not sign the session: " + err.Error()}
	}
	for _, old := range s.bindings {
		same := bytes.Equal(old.SessionID, b.SessionID)
		switch {
		case !old.Forwarded:
			return &BindingError{"it is bound to one that it is to log in to"}
		case same && hostkey.Equal(old.HostKey, b.HostKey) && old.Forwarded == b.Forwarded:
			return nil
		case same:
			return &BindingError{"the session is bound in another way"}
		}
	}
	if len(s.bindings) == maxBindings {
		return &BindingError{"it is bound to too many sessions"}
	}
	b.SessionID, b.Signature = bytes.Clone(b.SessionID), nil
	s.bindings = append(s.bindings, b)
	return nil
}

// Keys implements [Agent]. Keys that the connection cannot use are not listed.
func (s *session) Keys(context.Context) ([]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keyring
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lock.locked() {
		return nil, nil // RFC 9987, section 5.7: it has none to show
	}
	var keys []Key
	for _, e := range k.entries {
		if !e.expired() && s.sees(e) {
			keys = append(keys, e.key)
		}
	}
	return keys, nil
}

// lookup returns the entry of a key that the connection may see. Callers hold
// s.mu and k.mu.
func (s *session) lookup(blob []byte) (*entry, error) {
	k := s.keyring
	if k.lock.locked() {
		return nil, ErrLocked
	}
	e := k.find(blob)
	if e == nil || !s.sees(e) {
		return nil, ErrUnknownKey
	}
	return e, nil
}

// Sign implements [Agent].
func (s *session) Sign(ctx context.Context, key hostkey.PublicKey, algorithm string, data []byte) (*hostkey.Signature, error) {
	e, use, err := s.prepare(key, data)
	if err != nil {
		return nil, err
	}
	if err := s.keyring.ask(ctx, e, use); err != nil {
		return nil, err
	}
	// Whoever was asked may have taken long: the key may be gone, or locked.
	if again, _, err := s.prepare(key, data); err != nil || again != e {
		return nil, errors.Join(err, ErrUnknownKey)
	}
	return e.signer.Sign(ctx, algorithm, data)
}

// prepare returns the entry that is to sign, if it may.
func (s *session) prepare(key hostkey.PublicKey, data []byte) (*entry, Use, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keyring.mu.Lock()
	defer s.keyring.mu.Unlock()
	if key == nil {
		return nil, Use{}, ErrUnknownKey
	}
	if s.keyring.lock.locked() {
		return nil, Use{}, ErrLocked
	}
	e := s.keyring.find(key.Marshal())
	if e == nil {
		return nil, Use{}, ErrUnknownKey
	}
	use := Use{Key: e.key, Data: data}
	if len(e.destinations) == 0 {
		return e, use, nil
	}
	if why := s.permit(e, &use); why != "" {
		return nil, Use{}, &UseError{Key: e.key, Why: why}
	}
	return e, use, nil
}

// ask asks those who have a say.
func (k *Keyring) ask(ctx context.Context, e *entry, use Use) error {
	if k.Check != nil {
		if err := k.Check(ctx, use); err != nil {
			return &UseError{Key: e.key, Why: "it was refused", Err: err}
		}
	}
	if !e.confirm {
		return nil
	}
	if k.Confirm == nil {
		return &UseError{Key: e.key, Why: "there is nobody to confirm it"}
	}
	if err := k.Confirm(ctx, use); err != nil {
		return &UseError{Key: e.key, Why: "it was not confirmed", Err: err}
	}
	return nil
}

// Add implements [Agent].
func (s *session) Add(_ context.Context, key AddedKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keyring
	e, err := k.newEntry(key) // which takes its time to check the key
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lock.locked() {
		return ErrLocked
	}
	if old := k.find(e.blob); old != nil && !s.sees(old) {
		return ErrUnknownKey // and must not be rid of its constraints
	}
	return k.put(e)
}

// Remove implements [Agent].
func (s *session) Remove(_ context.Context, key hostkey.PublicKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keyring.mu.Lock()
	defer s.keyring.mu.Unlock()
	if key == nil {
		return ErrUnknownKey
	}
	e, err := s.lookup(key.Marshal())
	if err == nil {
		s.keyring.drop(e)
	}
	return err
}

// RemoveAll implements [Agent], for the keys that the connection may see.
func (s *session) RemoveAll(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keyring
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lock.locked() {
		return ErrLocked
	}
	for _, e := range slices.Clone(k.entries) {
		if s.sees(e) {
			k.drop(e)
		}
	}
	return nil
}

// Lock implements [Agent].
func (s *session) Lock(ctx context.Context, passphrase []byte) error {
	return s.keyring.Lock(ctx, passphrase)
}

// Unlock implements [Agent].
func (s *session) Unlock(ctx context.Context, passphrase []byte) error {
	return s.keyring.Unlock(ctx, passphrase)
}

// sees reports whether the connection may know of an entry: if it is used here,
// or there is a step that the key may take from the host it has come from.
// Callers hold s.mu.
func (s *session) sees(e *entry) bool {
	if len(e.destinations) == 0 || !s.attempted {
		return true
	}
	if len(s.bindings) == 0 {
		return false // it was meant to be bound, and nobody knows to what
	}
	if _, _, ok := s.way(e, nil); !ok {
		return false
	}
	last := s.bindings[len(s.bindings)-1]
	return !last.Forwarded || slices.ContainsFunc(e.destinations, func(d Destination) bool {
		return d.From.has(last.HostKey)
	})
}

// way finds a destination of the entry for each step that the connection has
// come, the last of them as user, unless that is nil. It returns the names of
// the hosts that the last step connects. Callers hold s.mu.
func (s *session) way(e *entry, user *string) (from, to string, ok bool) {
	for i, b := range s.bindings {
		last := i == len(s.bindings)-1
		step := slices.IndexFunc(e.destinations, func(d Destination) bool {
			begins := d.From.origin()
			if i > 0 {
				begins = d.From.has(s.bindings[i-1].HostKey)
			}
			named := !last || user == nil || d.To.User == "" || pattern.Match(d.To.User, *user)
			return begins && d.To.has(b.HostKey) && named
		})
		if step < 0 {
			return "", "", false
		}
		from, to = e.destinations[step].From.Host, e.destinations[step].To.Host
	}
	return from, to, true
}

// permit finds out whether an entry with destinations may sign, and returns why
// not. Callers hold s.mu.
func (s *session) permit(e *entry, use *Use) (why string) {
	if len(s.bindings) == 0 {
		return "it is restricted to destinations, and the connection is bound to none"
	}
	request, ok := parseRequest(use.Data)
	if !ok || !bytes.Equal(request.key, e.blob) {
		return "it is restricted to destinations, and this is no request to log in with it"
	}
	last := s.bindings[len(s.bindings)-1]
	switch {
	case last.Forwarded:
		return "the connection is bound to be lent, not to log in"
	case subtle.ConstantTimeCompare(request.session, last.SessionID) == 0:
		return "this is for another session than the one the connection is bound to"
	case request.hostKey == nil && len(s.bindings) > 1:
		return "the agent was lent, and the request does not say which host it is for"
	case request.hostKey != nil && !bytes.Equal(request.hostKey, last.HostKey.Marshal()):
		return "this is for another host than the one the connection is bound to"
	}
	if use.From, use.To, ok = s.way(e, &request.user); !ok {
		return "this destination is none of those it is restricted to"
	}
	use.User = request.user
	return ""
}
