//go:build unix

package sshconfig

import (
	"io/fs"
	"os"
	"syscall"
)

// checkOwner refuses a file that another than root or the user could have
// written.
func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid != 0 && int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return ErrPermissions
	}
	return nil
}
