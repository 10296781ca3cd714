//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package channel

import "syscall"

// infoSignals are the signals beside those of RFC 4254 that this system has.
var infoSignals = map[Signal]syscall.Signal{SIGINFO: syscall.SIGINFO}
