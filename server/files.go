package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxKeyFile bounds the files read here; those of OpenSSH are far smaller.
const maxKeyFile = 1 << 20

const (
	readableByOthers = 0o077
	writableByOthers = 0o022
)

// readPrivate reads a file that nobody but its owner may read.
func readPrivate(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if hasModes && info.Mode().Perm()&readableByOthers != 0 {
		return nil, fmt.Errorf("others may read it (mode %04o): `chmod 600` it, and make another key if they may have", info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// openTrusted opens a file that nobody but its owner, who is root or us, may
// have written: neither the file nor a directory above it may be writable by
// others, save for directories such as /tmp where only the owner of a file may
// replace it. This is StrictModes of sshd_config(5), up to the root of the
// file system instead of the home directory.
func openTrusted(path string) (*os.File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Symbolic links are followed before and not while the path is checked.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return nil, err
		}
		if err := checkTrusted(dir, info); err != nil {
			return nil, err
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // to open a pipe may take for ever
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if err := checkTrusted(path, info); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// checkTrusted refuses what somebody but root or us could have changed.
func checkTrusted(path string, info fs.FileInfo) error {
	if !hasModes {
		return nil
	}
	if !ownedByUs(info) {
		return fmt.Errorf("%s belongs to another user", path)
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode().Perm()&writableByOthers != 0 && !sticky {
		return fmt.Errorf("%s is writable by others (mode %04o): `chmod go-w` it", path, info.Mode().Perm())
	}
	return nil
}
