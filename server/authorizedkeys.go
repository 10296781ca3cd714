package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// AuthorizedKeys returns a check of the method "publickey" that lets in whoever
// holds one of the keys in the authorized_keys files given, whatever the user's
// name: wrap it, or look at [Session.User], where names matter.
//
// The files are read again for each attempt, so that changes count at once. A
// file is not trusted, and nobody gets in by it, if others than its owner can
// write to it or to a directory above it, or if an owner is neither root nor
// the user that this process runs as (StrictModes of sshd_config(5)). A key
// with options is passed over: nearly all of them are restrictions, and none is
// enforced here.
func AuthorizedKeys(paths ...string) userauth.Check {
	paths = slices.Clone(paths)
	return userauth.CheckPublicKey(func(_ context.Context, _ *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
		if _, ok := key.(*hostkey.Certificate); ok {
			return userauth.Decision{}, errors.New("server: authorized keys: a certificate is not taken for its key")
		}
		var problems []error
		for _, path := range paths {
			err := findAuthorized(path, key)
			if err == nil {
				return userauth.Accept(nil), nil
			}
			problems = append(problems, err)
		}
		return userauth.Decision{}, errors.Join(problems...)
	})
}

// findAuthorized looks for key in a file of authorized keys, and says why it is
// not there.
func findAuthorized(path string, key hostkey.PublicKey) error {
	f, err := openTrusted(path)
	if err != nil {
		return fmt.Errorf("server: authorized keys: %w", err)
	}
	defer f.Close()
	var problem error
	for authorized, err := range hostkey.AuthorizedKeys(f) {
		switch {
		case err != nil:
			problem = fmt.Errorf("server: authorized keys %s: %w", path, err)
		case !hostkey.Equal(authorized.Key, key):
		case len(authorized.Options) > 0:
			problem = fmt.Errorf("server: authorized keys %s: line %d has options, which are not enforced: %q",
				path, authorized.Line, authorized.Unsupported())
		default:
			return nil
		}
	}
	if problem == nil {
		problem = fmt.Errorf("server: authorized keys %s: %s is not there", path, hostkey.Fingerprint(key))
	}
	return problem
}
