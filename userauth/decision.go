package userauth

import (
	"fmt"
	"maps"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A Decision is the outcome of a check. The zero Decision refuses.
type Decision struct {
	verdict     verdict
	permissions *Permissions
	next        []string      // after a partial success, the methods that may follow
	message     []byte        // what answers a question about a key, or an expired password
	proof       string        // the key that signed, which may not pass twice
	flags       hostkey.Flags // what the signature of a security key has to prove
}

// A verdict is what kind of Decision a Decision is.
type verdict int

const (
	refused    verdict = iota
	wouldDo            // the key asked about would do; nothing is proved
	mustChange         // the password is right, and must be changed first
	partial            // right, and not enough
	accepted           // the user is in
)

// right reports whether the user was found right, if that is enough or not.
func (d *Decision) right() bool { return d.verdict == partial || d.verdict == accepted }

// Accept returns the Decision that lets the user in. The permissions are
// narrowed by those of each factor passed before; nil adds no limit to them.
func Accept(p *Permissions) Decision {
	return Decision{verdict: accepted, permissions: p.clone(), flags: hostkey.UserPresent}
}

// AcceptPartial returns the Decision that the user is right and has to pass one
// of the methods named as well; without names, any other than those passed. The
// permissions stay with the user, whatever is passed later; nil sets no limit.
// The checks that follow find what was passed in [Attempt.Passed]; one that is
// only good as a second factor refuses where that is empty.
func AcceptPartial(p *Permissions, next ...string) Decision {
	return Decision{verdict: partial, permissions: p.clone(), next: slices.Clone(next), flags: hostkey.UserPresent}
}

// MustChange returns the Decision of [CheckPasswordOrChange] that the password
// is right and has to be changed before it lets anyone in. The prompt says so,
// or why the new one will not do. Who gets it knows that the password is right.
func MustChange(prompt string) Decision {
	m := wire.UserauthPasswdChangeReq{Prompt: prompt}
	return Decision{verdict: mustChange, message: m.Append(nil)}
}

// Requiring returns d on the condition that the signature has these flags, if a
// security key made it: 0 for a key with the option "no-touch-required",
// [hostkey.UserPresent] | [hostkey.UserVerified] for one with "verify-required"
// (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Without it the condition is
// [hostkey.UserPresent].
func (d Decision) Requiring(flags hostkey.Flags) Decision {
	d.flags = flags
	return d
}

// satisfied checks the condition of d.
func (d *Decision) satisfied(sig *hostkey.Signature) error {
	flags, _, ok := sig.Authenticator()
	if missing := d.flags &^ flags; ok && missing != 0 {
		return &hostkey.PresenceError{Missing: missing}
	}
	return nil
}

// A Grant is a successful authentication.
type Grant struct {
	User, Service string
	Methods       []string     // methods passed, in order
	Permissions   *Permissions // nil if no check set limits
}

// Permissions limit what a user may do. Names and values are those of
// certificates and authorized_keys files (OpenSSH PROTOCOL.certkeys).
type Permissions struct {
	CriticalOptions map[string]string // what holds the user back, such as "force-command"
	Extensions      map[string]string // what the user may do, such as "permit-pty"
}

func (p *Permissions) clone() *Permissions {
	if p == nil {
		return nil
	}
	return &Permissions{CriticalOptions: maps.Clone(p.CriticalOptions), Extensions: maps.Clone(p.Extensions)}
}

// narrow returns what both p and q permit: every restriction of either, and
// the extensions that both have. It fails if they restrict the user to
// different things (CVE-2026-39828).
func (p *Permissions) narrow(q *Permissions) (*Permissions, error) {
	if p == nil {
		return q, nil
	}
	if q == nil {
		return p, nil
	}
	both := &Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}
	maps.Copy(both.CriticalOptions, p.CriticalOptions)
	for name, value := range q.CriticalOptions {
		if other, ok := both.CriticalOptions[name]; ok && other != value {
			return nil, fmt.Errorf("userauth: one factor demands %s %q, another %q", name, other, value)
		}
		both.CriticalOptions[name] = value
	}
	for name, value := range p.Extensions {
		if other, ok := q.Extensions[name]; ok && other == value {
			both.Extensions[name] = value
		}
	}
	return both, nil
}
