package knownhosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Change is what [Verifier.UpdateHostKeys] does to the user's files.
type Change struct {
	Host       string              // as the files have it
	Learned    []hostkey.PublicKey // which the host proved to have
	Deprecated []KnownKey          // which the host does not have any more
}

// ErrNotUpdated is what UpdateHostKeys wraps if the files do not allow an
// update of that host. Nothing is wrong with the host.
var ErrNotUpdated = errors.New("knownhosts: the host's keys are not updated")

func notUpdated(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotUpdated, fmt.Sprintf(format, args...))
}

// UpdateHostKeys adds keys that the host announces, once it has proved that it
// has them, and takes out those that it does not announce any more. It follows
// UpdateHostKeys of ssh_config(5) and what ssh(1) does: the connection was
// authenticated by a key, not a certificate, that is in the user's files for
// this host, and was there before or accepted by somebody; all lines of the
// host have its name, or its name and address, and neither markers nor
// patterns; and no key in question is known by another name.
//
// It returns nil if nothing is to be done.
func (v *Verifier) UpdateHostKeys(ctx context.Context, a *hostkey.Announcement) error {
	u, err := v.newUpdate(a)
	if err != nil || len(u.change.Learned)+len(u.change.Deprecated) == 0 {
		return err
	}
	if len(u.change.Learned) > 0 {
		if err := a.Prove(ctx, u.change.Learned); err != nil {
			return err
		}
	}
	if v.config.Updating != nil {
		if err := v.config.Updating(ctx, &u.change); err != nil {
			return err
		}
	}
	return u.write(ctx)
}

// An update is one announcement compared with the files.
type update struct {
	v         *Verifier
	check     *check
	announced []hostkey.PublicKey
	change    Change
}

// newUpdate finds out what is to change.
func (v *Verifier) newUpdate(a *hostkey.Announcement) (*update, error) {
	c, err := v.newCheck(a.Host, a.Key, ignore)
	if err != nil {
		return nil, err
	}
	u := &update{v: v, check: c, announced: a.Keys, change: Change{Host: c.target.String()}}
	if err := u.believe(a); err != nil {
		return nil, err
	}
	c.files = slices.DeleteFunc(c.files, func(f file) bool { return f.system })
	known, addressed, err := u.survey()
	if err != nil {
		return nil, err
	}
	for _, key := range a.Keys {
		if among(known, key) == nil {
			u.change.Learned = append(u.change.Learned, key)
		}
	}
	for _, k := range slices.Concat(known, addressed) {
		if !slices.ContainsFunc(a.Keys, func(key hostkey.PublicKey) bool { return hostkey.Equal(k.Key, key) }) {
			u.change.Deprecated = append(u.change.Deprecated, k)
		}
	}
	return u, u.checkOtherNames()
}

// believe finds out whether the host may say which keys are its own.
func (u *update) believe(a *hostkey.Announcement) error {
	c := u.check
	if c.certificate != nil {
		return notUpdated("it presented a certificate")
	}
	if err := c.run(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotUpdated, err)
	}
	if c.by == nil || c.by.system {
		return notUpdated("its key is not in a file of the user's for %q", u.change.Host)
	}
	u.v.mu.Lock()
	untested := u.v.untested[c.mark()]
	u.v.mu.Unlock()
	if untested {
		return notUpdated("this is the first connection to %q, and nobody has confirmed its key", u.change.Host)
	}
	// A host that announces keys has this one.
	if !slices.ContainsFunc(a.Keys, func(key hostkey.PublicKey) bool { return hostkey.Equal(c.key, key) }) {
		return notUpdated("%q leaves out the key that it presented", u.change.Host)
	}
	return nil
}

// survey returns the keys that the user's files have for the host, and for
// nothing but its address, unless there is more to a line than that.
func (u *update) survey() (known, addressed []KnownKey, err error) {
	for i := range u.check.files {
		for l, err := range u.check.files[i].lines() {
			if err != nil || !u.isHost(l) {
				continue
			}
			byName := matchHosts(l.hosts, u.change.Host)
			if l.marker != noMarker || !l.isSimple() || !byName && strings.Contains(l.hosts, ",") {
				return nil, nil, notUpdated("%s:%d has more than a key for %q", display(l.file.path), l.number, u.change.Host)
			}
			k, err := l.parseKey()
			switch {
			case err != nil:
			case byName:
				known = append(known, k)
			default:
				addressed = append(addressed, k)
			}
		}
	}
	return known, addressed, nil
}

// names are those that the host is added by.
func (u *update) names() []string {
	if u.check.address != "" {
		return []string{u.change.Host, u.check.address}
	}
	return []string{u.change.Host}
}

// isHost reports whether a line is about the host.
func (u *update) isHost(l *line) bool {
	return slices.ContainsFunc(u.names(), func(name string) bool { return matchHosts(l.hosts, name) })
}

// checkOtherNames prevents the update if a key has another name too: the host
// would be known by other keys there.
func (u *update) checkOtherNames() error {
	if len(u.change.Learned)+len(u.change.Deprecated) == 0 {
		return nil
	}
	keys := slices.Clone(u.announced)
	for _, k := range u.change.Deprecated {
		keys = append(keys, k.Key)
	}
	for _, key := range keys {
		if others := elsewhere(u.check.files, key, u.names()...); len(others) > 0 {
			return notUpdated("%s:%d has a key of %q by another name", display(others[0].File), others[0].Line, u.change.Host)
		}
	}
	return nil
}

// write changes the files. What others wrote to them in the meantime stays.
func (u *update) write(ctx context.Context) error {
	u.v.adding.Lock()
	defer u.v.adding.Unlock()
	for i, path := range u.v.config.Files {
		var failed error
		err := rewrite(ctx, path, func(text []byte) []byte {
			text = edit(path, text, u.deprecate)
			if i == 0 {
				text, failed = u.learn(path, text)
			}
			return text
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// deprecate takes out a line of the host with a key that it has no more.
func (u *update) deprecate(l *line) (string, bool) {
	if l.marker != noMarker || !l.isSimple() || !u.isHost(l) {
		return "", false
	}
	k, err := l.parseKey()
	return "", err == nil && among(u.change.Deprecated, k.Key) != nil
}

// learn adds the keys that the file does not have to its end.
func (u *update) learn(path string, text []byte) ([]byte, error) {
	have := find([]file{{path: path, text: text}}, u.change.Host, ignore)
	before := text
	for _, key := range u.change.Learned {
		if among(have.revoked, key) != nil {
			return before, &KeyError{Host: u.change.Host, Key: key, Revoked: among(have.revoked, key)}
		}
		if among(have.known, key) != nil {
			continue
		}
		entry, err := u.v.entry(key, u.names())
		if err != nil {
			return before, err
		}
		text = append(endLine(text), entry...)
	}
	return text, nil
}
