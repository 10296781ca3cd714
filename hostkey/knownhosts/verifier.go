package knownhosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Policy says what to do about a host key that the files do not vouch for.
// A revoked key is refused by all of them.
type Policy int

const (
	// Strict refuses unknown hosts and changed keys. It is
	// StrictHostKeyChecking=yes of ssh_config(5).
	Strict Policy = iota
	// AcceptNew adds unknown hosts to the first file and refuses changed
	// keys. It is StrictHostKeyChecking=accept-new.
	AcceptNew
	// InsecureAcceptChanged adds unknown hosts, or warns if it cannot, and
	// accepts changed keys with a warning, leaving the files alone: it
	// protects from nothing. It is StrictHostKeyChecking=no.
	InsecureAcceptChanged
)

// A Config says which files to trust, and what to do beyond them. The zero
// Config trusts no host.
type Config struct {
	// Files are the known_hosts files. Hosts are added to the first. One that
	// does not exist is empty; one that cannot be read fails each
	// verification, since it could revoke the key.
	Files  []string
	Policy Policy

	// Hash hides the names of hosts that are added. It is HashKnownHosts of
	// ssh_config(5).
	Hash bool

	// Warn, if not nil, is told of what is not an error: a [*LineError] for
	// each line skipped, a [*KeyError] for a changed key accepted, and
	// another error for a host accepted that could not be added.
	Warn func(warning error)

	// Added, if not nil, is told of each host added.
	Added func(host string, key hostkey.PublicKey, file string)
}

// A Verifier verifies host keys with known_hosts files. It is a
// [hostkey.Verifier] and a [hostkey.AlgorithmChooser], and safe for concurrent
// use.
type Verifier struct {
	config Config
	adding sync.Mutex // held from looking for a host to having added it
}

// New returns a Verifier. It reads no file. The callbacks may be called from
// several goroutines at a time, and must not call the Verifier.
func New(config Config) *Verifier {
	config.Files = slices.Clone(config.Files)
	return &Verifier{config: config}
}

// VerifyHostKey returns nil if the files say that key is one of host, or if
// the policy accepts it all the same. A key that is not accepted is a
// [*KeyError].
func (v *Verifier) VerifyHostKey(ctx context.Context, host hostkey.Host, key hostkey.PublicKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := v.check(host, key)
	switch v.config.Policy {
	case AcceptNew:
		if errors.Is(err, ErrUnknown) {
			return v.Add(host, key)
		}
	case InsecureAcceptChanged:
		return v.acceptAll(host, key, err)
	}
	return err
}

// acceptAll turns what is wrong with a key into a warning, unless it is
// revoked or could not be looked for.
func (v *Verifier) acceptAll(host hostkey.Host, key hostkey.PublicKey, err error) error {
	if errors.Is(err, ErrUnknown) {
		if err = v.Add(host, key); err != nil && !errors.Is(err, ErrRevoked) {
			v.warn(err)
			return nil
		}
	}
	if errors.Is(err, ErrChanged) {
		v.warn(err)
		return nil
	}
	return err
}

// check compares key with the files.
func (v *Verifier) check(host hostkey.Host, key hostkey.PublicKey) error {
	if key == nil {
		return fmt.Errorf("knownhosts: %q presented no key", host.Name)
	}
	if _, ok := key.(*hostkey.Certificate); ok {
		return fmt.Errorf("knownhosts: %q presented a certificate, which no line of a file vouches for: "+
			"do not offer host key algorithms of certificates", host.Name)
	}
	t := newTarget(host.Name)
	s, err := v.search(t.String(), v.warn)
	if err != nil {
		return err
	}
	refused := &KeyError{Host: t.String(), Key: key, Want: s.known, Files: v.config.Files}
	if k := find(s.revoked, key); k != nil {
		refused.Revoked = k
		return refused
	}
	if find(s.known, key) != nil {
		return nil
	}
	if len(s.known) > 0 || t.port == "22" {
		return refused
	}
	return v.checkWithoutPort(t, refused)
}

// checkWithoutPort accepts, like OpenSSH, the key of a host at an unknown port
// if it is one that the host is known by at port 22. Otherwise it returns
// refused.
func (v *Verifier) checkWithoutPort(t target, refused *KeyError) error {
	s, err := v.search(t.name, ignore) // the first search has warned
	if err != nil {
		return err
	}
	if k := find(s.revoked, refused.Key); k != nil {
		refused.Revoked = k
		return refused
	}
	if find(s.known, refused.Key) != nil {
		return nil
	}
	return refused
}

// search returns what the files say about a host.
func (v *Verifier) search(host string, warn func(error)) (*search, error) {
	if host == "" || len(host) > maxHost {
		return nil, fmt.Errorf("knownhosts: a host name of %d characters cannot be looked for", len(host))
	}
	s := &search{host: host, warn: warn}
	for _, path := range v.config.Files {
		if err := s.file(path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// find returns the first of keys that is key, or nil.
func find(keys []KnownKey, key hostkey.PublicKey) *KnownKey {
	for i := range keys {
		if hostkey.Equal(keys[i].Key, key) {
			return &keys[i]
		}
	}
	return nil
}

func ignore(error) {}

func (v *Verifier) warn(err error) {
	if v.config.Warn != nil {
		v.config.Warn(err)
	}
}

// Add adds a host and its key to the first file, which is made if it does not
// exist. It adds nothing if the files have the key already, and returns a
// [*KeyError] if they have another one or revoke it. A program that asks its
// user about an unknown host calls Add when the answer is yes.
func (v *Verifier) Add(host hostkey.Host, key hostkey.PublicKey) error {
	v.adding.Lock()
	defer v.adding.Unlock()
	// Another connection to the host may have added a key in the meantime,
	// and only one key can be the first.
	if err := v.check(host, key); !errors.Is(err, ErrUnknown) {
		return err
	}
	if len(v.config.Files) == 0 {
		return errors.New("knownhosts: there is no file to add a host to")
	}
	name := newTarget(host.Name).String()
	field := name
	if v.config.Hash {
		field = hashedField(name)
	} else if !isPlain(name) {
		return fmt.Errorf("knownhosts: host name %q cannot stand in a file", name)
	}
	line := append([]byte(field+" "), hostkey.MarshalAuthorizedKey(key, "")...)
	if err := appendLine(v.config.Files[0], line); err != nil {
		return fmt.Errorf("%w (%q is not remembered, and so not accepted)", err, name)
	}
	if v.config.Added != nil {
		v.config.Added(name, key, v.config.Files[0])
	}
	return nil
}

// isPlain reports whether a host name means itself as the hosts field of a
// line: it has no wildcard, separator or control character, and does not begin
// like a marker, comment, hash or negation.
func isPlain(host string) bool {
	return !strings.ContainsAny(host, "*?, \t#|!@") &&
		!strings.ContainsFunc(host, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// HostKeyAlgorithms returns the default algorithms, those of the keys the host
// is known by first: a host with several keys then presents one that can be
// verified. For an unknown host it is the default order, always: a list
// that depended on anything else would tell an onlooker more than that
// (CVE-2020-14145).
func (v *Verifier) HostKeyAlgorithms(host hostkey.Host) []string {
	s, err := v.search(newTarget(host.Name).String(), ignore)
	if err != nil {
		return hostkey.Default() // VerifyHostKey will say what is wrong
	}
	keys := make([]hostkey.PublicKey, len(s.known))
	for i, k := range s.known {
		keys[i] = k.Key
	}
	return hostkey.PreferKeys(keys)
}
