package agent

import (
	"net"
	"os"
	"syscall"
)

// ours reports whether the other end of a socket is a process of the same user,
// or of root. The mode of the directory keeps others out before that.
func ours(nc *net.UnixConn) bool {
	raw, err := nc.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	if err := raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil || peer == nil {
		return false
	}
	return mayEnter(peer.Uid, os.Geteuid())
}

// mayEnter reports whether a user may use the agent of another.
func mayEnter(uid uint32, owner int) bool { return uid == 0 || int64(uid) == int64(owner) }
