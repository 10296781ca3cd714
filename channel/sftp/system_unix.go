//go:build unix

package sftp

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// withoutWaiting opens a named pipe without its other end, for which nobody
// would wait.
const withoutWaiting = syscall.O_NONBLOCK

// fromSystem adds what the system knows of a file besides.
func fromSystem(a *Attributes, sys any) {
	if st, ok := sys.(*syscall.Stat_t); ok {
		a.Flags |= HasOwner
		a.UID, a.GID = st.Uid, st.Gid
		if t, known := accessTime(st); known {
			a.Accessed = t
		}
	}
}

// linksOf returns how many names a file has.
func linksOf(info os.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// chtimes sets the times of an open file.
func chtimes(f *os.File, accessed, modified time.Time) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	tv := []syscall.Timeval{syscall.NsecToTimeval(accessed.UnixNano()), syscall.NsecToTimeval(modified.UnixNano())}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Futimes(int(fd), tv) }); err != nil {
		return err
	}
	return failed
}

// UserName implements NamesHandler.
func (systemHandler) UserName(uid uint32) string {
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return u.Username
	}
	return ""
}

// GroupName implements NamesHandler.
func (systemHandler) GroupName(gid uint32) string {
	if g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10)); err == nil {
		return g.Name
	}
	return ""
}

// HomeDirectory implements HomeHandler.
func (systemHandler) HomeDirectory(name string) (string, error) {
	if name == "" {
		return os.UserHomeDir()
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", os.ErrNotExist
	}
	return u.HomeDir, nil
}
