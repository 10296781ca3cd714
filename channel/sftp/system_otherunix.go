//go:build unix && !linux

package sftp

import "syscall"

// accessTime is not known here: each system has it under another name.
func accessTime(*syscall.Stat_t) (uint32, bool) { return 0, false }
