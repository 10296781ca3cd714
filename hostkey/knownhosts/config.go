package knownhosts

import (
	"context"
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Config says which files to trust, and what to do beyond them. The zero
// Config trusts no host.
type Config struct {
	// Files are the user's known_hosts files. Hosts are added to the first;
	// the others are written to only to take keys out. SystemFiles are read
	// and never written. A file that does not exist is empty; one that cannot
	// be read fails each verification, since it could revoke the key.
	Files       []string
	SystemFiles []string

	Policy Policy

	// Ask decides about unknown hosts if Policy says so. It may take its time,
	// and should return when the context is done. An error refuses the host.
	Ask func(context.Context, *Question) (bool, error)

	// Alias, unless empty, is looked for and added instead of a host's name
	// and port, and is the name its certificates are to have. It is
	// HostKeyAlias of ssh_config(5).
	Alias string

	// CheckIP looks for the address of a host as well as for its name, to find
	// out that a name leads elsewhere, and adds it with the name. It is
	// CheckHostIP of ssh_config(5). Loopback addresses
	// are not looked for, and none is with an Alias.
	CheckIP bool

	// Hash hides the names of hosts that are added. It is HashKnownHosts of
	// ssh_config(5).
	Hash bool

	// CASignatureAlgorithms are those with which an authority may have signed
	// a certificate. If nil, all that are sound.
	CASignatureAlgorithms []string

	// Revoked, unless nil, is asked about the key that a host presents, and
	// about its certificate and the authority of that, before the files are.
	// Its [*hostkey.RevokedError] is one of [ErrRevoked]; with any other error
	// the host is refused too. [hostkey.RevokedKeyFiles] makes
	// RevokedHostKeys of ssh_config(5) of it.
	Revoked func(key hostkey.PublicKey) error

	// SSHFP, unless nil, is asked about unknown hosts. With TrustSSHFP, a host
	// whose key is in an authenticated answer is accepted, without being added;
	// otherwise what DNS says is for [Question] and [KeyError] to show. They
	// are VerifyHostKeyDNS=ask and =yes of ssh_config(5).
	SSHFP      Resolver
	TrustSSHFP bool

	// Warn, if not nil, is told of what is not an error: a [*LineError] for
	// each line skipped, a [*KeyError] for a key accepted all the same, an
	// [*AddError] for a host accepted that could not be added, and another
	// error for an SSHFP lookup that failed.
	Warn func(warning error)

	// Added, if not nil, is told of each host added.
	Added func(host string, key hostkey.PublicKey, file string)

	// Updating, if not nil, is told of what [Verifier.UpdateHostKeys] is about
	// to write, and prevents it with an error. It may ask somebody.
	Updating func(context.Context, *Change) error
}

// A Verifier verifies host keys with known_hosts files. It is a
// [hostkey.Verifier], a [hostkey.AlgorithmChooser] and a [hostkey.Updater], and
// safe for concurrent use.
type Verifier struct {
	config Config
	adding sync.Mutex // held from looking for a host to having added it

	mu       sync.Mutex
	untested map[string]bool // hosts and keys added that nobody has confirmed
}

// New returns a Verifier. It reads no file. The callbacks may be called from
// several goroutines at a time, and must not call the Verifier.
func New(config Config) *Verifier {
	config.Files = slices.Clone(config.Files)
	config.SystemFiles = slices.Clone(config.SystemFiles)
	config.CASignatureAlgorithms = slices.Clone(config.CASignatureAlgorithms)
	return &Verifier{config: config}
}

func (v *Verifier) warn(err error) {
	if v.config.Warn != nil {
		v.config.Warn(err)
	}
}

func ignore(error) {}
