package hostkey

import "context"

// An Announcement is what a host says about its keys once it has let the user
// in (OpenSSH PROTOCOL, section 2.5; draft-miller-sshm-hostkey-update), so that
// a client knows those that the host will have when it has lost the one it
// presented.
type Announcement struct {
	Host Host
	Key  PublicKey   // which the connection was authenticated by, or a certificate
	Keys []PublicKey // all the host has, as it says, without certificates; none is there twice

	// Prove has the host sign for keys that it announced, and returns nil only
	// if it holds all of them.
	Prove func(ctx context.Context, keys []PublicKey) error
}

// An Updater is a [Verifier] that remembers the keys a host announces.
type Updater interface {
	// UpdateHostKeys remembers the announced keys, as far as it trusts their
	// host, and forgets others of the host. It remembers none before the host
	// has proved that it holds it.
	UpdateHostKeys(ctx context.Context, a *Announcement) error
}
