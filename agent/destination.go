package agent

import (
	"fmt"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/wire"
)

func destinationError(format string, a ...any) error {
	return &ConstraintError{restrictDestination, fmt.Sprintf(format, a...)}
}

// append appends the destination.
func (d *Destination) append(b []byte) []byte {
	hops := wire.AppendString(nil, d.From.append(nil))
	hops = wire.AppendString(hops, d.To.append(nil))
	hops = wire.AppendString(hops, "") // reserved
	return wire.AppendString(b, hops)
}

func (h *Hop) append(b []byte) []byte {
	b = wire.AppendString(b, h.User)
	b = wire.AppendString(b, h.Host)
	b = wire.AppendString(b, "") // reserved
	for _, k := range h.Keys {
		b = wire.AppendString(b, k.Key.Marshal())
		b = wire.AppendBool(b, k.CA)
	}
	return b
}

// parseDestination reads what append appends, without its length.
func parseDestination(p []byte) (d Destination, err error) {
	r := wire.NewReader(p)
	from, to, reserved := r.Blob(), r.Blob(), r.Blob()
	if err := r.End(); err != nil {
		return d, err
	}
	if len(reserved) > 0 {
		return d, destinationError("it has fields that are unknown")
	}
	if d.From, err = parseHop(from); err != nil {
		return d, err
	}
	d.To, err = parseHop(to)
	return d, err
}

func parseHop(p []byte) (Hop, error) {
	r := wire.NewReader(p)
	h := Hop{User: r.Text(), Host: r.Text()}
	reserved := r.Blob()
	if len(reserved) > 0 {
		return h, destinationError("it has fields that are unknown")
	}
	for r.Len() > 0 && r.Err() == nil {
		blob, ca := r.Blob(), r.Bool()
		if r.Err() != nil {
			break
		}
		k, err := hostkey.ParsePublicKey(blob)
		if err != nil {
			return h, err
		}
		h.Keys = append(h.Keys, HopKey{k, ca})
	}
	return h, r.End()
}

// check refuses a destination that means nothing (OpenSSH PROTOCOL.agent,
// section 2).
func (d *Destination) check() error {
	switch {
	case d.From.User != "":
		return destinationError("it names a user that the key is used by: only one to log in as can be named")
	case (d.From.Host == "") != (len(d.From.Keys) == 0):
		return destinationError("where it begins has a name without keys, or keys without a name")
	case d.To.Host == "" || len(d.To.Keys) == 0:
		return destinationError("where it leads to has no name, or no keys")
	}
	for _, h := range []Hop{d.From, d.To} {
		if len(h.User) > maxPattern || len(h.Host) > maxHost {
			return destinationError("it has a name that is too long")
		}
		for _, k := range h.Keys {
			if k.Key == nil {
				return destinationError("it has a key that is nil")
			}
			if _, ok := k.Key.(*hostkey.Certificate); ok {
				return destinationError("it has a certificate: name the key of its authority")
			}
		}
	}
	return nil
}

// origin reports whether the destination begins at the agent's own host.
func (h *Hop) origin() bool { return h.Host == "" && len(h.Keys) == 0 }

// has reports whether a host with that key is the one meant.
func (h *Hop) has(key hostkey.PublicKey) bool {
	return slices.ContainsFunc(h.Keys, func(k HopKey) bool {
		c, ok := key.(*hostkey.Certificate)
		if !ok {
			return !k.CA && hostkey.Equal(k.Key, key)
		}
		return k.CA && hostkey.Equal(k.Key, c.CA) && certifies(c, h.Host)
	})
}

// certifies reports whether c is for a host of that name, as of today (OpenSSH
// PROTOCOL.certkeys).
func certifies(c *hostkey.Certificate, host string) bool {
	today := uint64(time.Now().Unix())
	if c.Kind != hostkey.HostCertificate || today < c.ValidAfter || today >= c.ValidBefore || len(c.CriticalOptions) > 0 {
		return false
	}
	// One without principals is for no host (CVE-2024-7594).
	return slices.ContainsFunc(c.Principals, func(p string) bool { return len(p) <= maxHost && pattern.Match(p, host) })
}
