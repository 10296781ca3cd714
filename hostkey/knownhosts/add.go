package knownhosts

import (
	"context"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Add adds a host and its key to the first file, which is made if it does not
// exist. It adds nothing if the files have the key already, and returns a
// [*KeyError] if they have another one or revoke it, and an [*AddError] if the
// file cannot be written. Of several programs that add a host at a time, the
// first does. A program that asks its user about an unknown host by itself
// calls Add when the answer is yes.
func (v *Verifier) Add(host hostkey.Host, key hostkey.PublicKey) error {
	if _, ok := key.(*hostkey.Certificate); ok {
		return fmt.Errorf("knownhosts: a certificate of %q cannot be added: add its key, or a line with its authority, marked @cert-authority", host.Name)
	}
	return v.add(context.Background(), host, key, false)
}

// add is Add. If nobody has confirmed that the key is the host's, untested
// says so.
func (v *Verifier) add(ctx context.Context, host hostkey.Host, key hostkey.PublicKey, untested bool) error {
	v.adding.Lock()
	defer v.adding.Unlock()
	c, err := v.newCheck(host, key, ignore)
	if err != nil {
		return err
	}
	name := c.target.String()
	if err := c.run(); !errors.Is(err, ErrUnknown) {
		return err // Another connection may have added a key in the meantime.
	}
	if len(v.config.Files) == 0 {
		return &AddError{Host: name, Err: errors.New("there is no file to add a host to")}
	}
	names := []string{name}
	if c.address != "" && !c.addressIn {
		names = append(names, c.address)
	}
	path := v.config.Files[0]
	text, err := v.entry(key, names)
	if err != nil {
		return &AddError{Host: name, File: path, Err: err}
	}
	// Only one key can be the first, of however many programs add one.
	still := func() error {
		if c.files, err = v.load(); err != nil {
			return &settledError{err} // they could revoke the key
		}
		if err := c.run(); !errors.Is(err, ErrUnknown) {
			return &settledError{err}
		}
		return nil
	}
	var settled *settledError
	if err := appendTo(ctx, path, text, still); errors.As(err, &settled) {
		return settled.err
	} else if err != nil {
		return &AddError{Host: name, File: path, Err: err}
	}
	v.mark(c, untested)
	if v.config.Added != nil {
		v.config.Added(name, key, path)
	}
	return nil
}

// A settledError ends an addition that has become pointless, as somebody else
// added the host.
type settledError struct{ err error } // what is to be said about the key, or nil

func (e *settledError) Error() string { return "knownhosts: the host has been added" }

// append adds a line without looking for what is there.
func (v *Verifier) append(ctx context.Context, key hostkey.PublicKey, name string) error {
	path := v.config.Files[0]
	text, err := v.entry(key, []string{name})
	if err == nil {
		err = appendTo(ctx, path, text, func() error { return nil })
	}
	if err != nil {
		return &AddError{Host: name, File: path, Err: err}
	}
	if v.config.Added != nil {
		v.config.Added(name, key, path)
	}
	return nil
}

// entry returns the line that knows a key by names, or several if they are
// hashed: "Only one hashed hostname may appear on a single line" (sshd(8)).
func (v *Verifier) entry(key hostkey.PublicKey, names []string) ([]byte, error) {
	rest := append([]byte(" "), hostkey.MarshalAuthorizedKey(key, "")...)
	if !v.config.Hash {
		field, err := fieldOf(names)
		return append([]byte(field), rest...), err
	}
	var text []byte
	for _, name := range names {
		text = append(append(text, hashedField(name)...), rest...)
	}
	return text, nil
}

// mark remembers that a host was added, and whether anybody but the host itself
// says that the key is its own.
func (v *Verifier) mark(c *check, untested bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if untested {
		if v.untested == nil {
			v.untested = make(map[string]bool)
		}
		v.untested[c.mark()] = true
	} else {
		delete(v.untested, c.mark())
	}
}

// confirm takes note that the host presented the same key another time.
func (v *Verifier) confirm(c *check) {
	v.mark(c, false)
}

func (c *check) mark() string { return c.target.String() + "\x00" + string(c.key.Marshal()) }

// Forget takes a host out of the user's files, as if it had never been
// connected to, and returns the keys it was known by. Lines with a marker or
// with patterns stay; of a line with several names, the others stay. A program
// calls it when somebody has made sure that a host did change its key.
func (v *Verifier) Forget(ctx context.Context, host hostkey.Host) ([]KnownKey, error) {
	t, err := v.target(host)
	if err != nil {
		return nil, err
	}
	v.adding.Lock()
	defer v.adding.Unlock()
	var gone []KnownKey
	for _, path := range v.config.Files {
		var here []KnownKey
		err := rewrite(ctx, path, func(text []byte) []byte {
			here = nil
			return edit(path, text, func(l *line) (string, bool) {
				hosts := without(l.hosts, t.String())
				if l.marker != noMarker || hosts == l.hosts {
					return "", false
				}
				k, err := l.parseKey()
				if err == nil {
					here = append(here, k)
				}
				return hosts, err == nil
			})
		})
		if err != nil {
			return gone, err
		}
		gone = append(gone, here...)
	}
	return gone, nil
}
