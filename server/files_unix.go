//go:build unix

package server

import (
	"io/fs"
	"os"
	"syscall"
)

// hasModes reports whether the modes of files say who may read and write them.
const hasModes = true

// ownedByUs reports whether the owner of a file is root or the user this
// process runs as.
func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}
