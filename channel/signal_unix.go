//go:build unix

package channel

import (
	"os"
	"syscall"
)

var systemSignals = map[Signal]syscall.Signal{
	SIGABRT: syscall.SIGABRT,
	SIGALRM: syscall.SIGALRM,
	SIGFPE:  syscall.SIGFPE,
	SIGHUP:  syscall.SIGHUP,
	SIGILL:  syscall.SIGILL,
	SIGINT:  syscall.SIGINT,
	SIGKILL: syscall.SIGKILL,
	SIGPIPE: syscall.SIGPIPE,
	SIGQUIT: syscall.SIGQUIT,
	SIGSEGV: syscall.SIGSEGV,
	SIGTERM: syscall.SIGTERM,
	SIGUSR1: syscall.SIGUSR1,
	SIGUSR2: syscall.SIGUSR2,
}

// System returns the operating system's signal of that name.
func (s Signal) System() (os.Signal, bool) {
	sig, ok := systemSignals[s]
	if !ok {
		sig, ok = infoSignals[s]
	}
	return sig, ok
}

// SignalOf returns the name of the operating system's signal sig, if RFC 4254
// or OpenSSH has one.
func SignalOf(sig os.Signal) (Signal, bool) {
	for _, signals := range []map[Signal]syscall.Signal{systemSignals, infoSignals} {
		for name, s := range signals {
			if s == sig {
				return name, true
			}
		}
	}
	return "", false
}
