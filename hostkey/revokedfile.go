package hostkey

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxRevokedFile bounds a file of revoked keys: a list by fingerprint has 36
// bytes for a key.
const maxRevokedFile = 16 << 20

// RevokedKeyFiles returns a function that looks for a key in files as
// [ParseRevokedKeys] reads them, for [Authority].Revoked or another Verifier
// (RevokedHostKeys of ssh_config(5)). It returns an error that is a
// [*RevokedError] for a key that one of them has. The files are read each time.
// One that is not there, cannot be read or has more than 16 MiB is an error for
// every key, since it may be the one that revokes it.
func RevokedKeyFiles(paths ...string) func(key PublicKey) error {
	paths = slices.Clone(paths)
	return func(key PublicKey) error {
		for _, path := range paths {
			if err := checkRevokedFile(path, key); err != nil {
				return &revokedFileError{path, err}
			}
		}
		return nil
	}
}

func checkRevokedFile(path string, key PublicKey) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxRevokedFile+1))
	if err != nil {
		return err
	}
	if len(file) > maxRevokedFile {
		return fmt.Errorf("hostkey: it has more than %d bytes", maxRevokedFile)
	}
	list, err := ParseRevokedKeys(file)
	if err != nil {
		return err
	}
	return list.Check(key)
}

// A revokedFileError is about one of the files.
type revokedFileError struct {
	path string
	err  error
}

func (e *revokedFileError) Error() string {
	return fmt.Sprintf("hostkey: revoked keys %s: %s", e.path, strings.TrimPrefix(e.err.Error(), "hostkey: "))
}

func (e *revokedFileError) Unwrap() error { return e.err }
