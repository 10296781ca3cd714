package userauth

import (
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
	return Decision{verdict: accepted, permissions: clonePermissions(p), flags: hostkey.UserPresent}
}

// AcceptPartial returns the Decision that the user is right and has to pass one
// of the methods named as well; without names, any other than those passed. The
// permissions stay with the user, whatever is passed later; nil sets no limit.
// The checks that follow find what was passed in [Attempt.Passed]; one that is
// only good as a second factor refuses where that is empty.
func AcceptPartial(p *Permissions, next ...string) Decision {
	return Decision{verdict: partial, permissions: clonePermissions(p), next: slices.Clone(next), flags: hostkey.UserPresent}
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

// Permissions limit what a user may do: those of a certificate or a line of
// authorized keys, or any that a check makes up.
type Permissions = hostkey.Permissions

// clonePermissions returns a copy of p that shares nothing with it.
func clonePermissions(p *Permissions) *Permissions {
	if p == nil {
		return nil
	}
	return &Permissions{CriticalOptions: maps.Clone(p.CriticalOptions), Extensions: maps.Clone(p.Extensions)}
}
