//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package knownhosts

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryLockFile locks f until it is closed, and reports whether it did. A file
// system without locks is taken for one without other writers.
func tryLockFile(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil, errors.Is(err, errors.ErrUnsupported), err == syscall.ENOLCK:
		return true, nil
	case err == syscall.EWOULDBLOCK, err == syscall.EINTR:
		return false, nil
	}
	return false, err
}

// keepOwner gives f the owner and group in info.
func keepOwner(f *os.File, info fs.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	ours, err := f.Stat()
	if err != nil {
		return err
	}
	if have, ok := ours.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}
