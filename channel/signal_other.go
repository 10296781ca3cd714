//go:build !unix

package channel

import "os"

// System returns the operating system's signal of that name.
func (s Signal) System() (os.Signal, bool) {
	switch s {
	case SIGINT:
		return os.Interrupt, true
	case SIGKILL:
		return os.Kill, true
	}
	return nil, false
}

// SignalOf returns the name of the operating system's signal sig, if RFC 4254
// has one.
func SignalOf(sig os.Signal) (Signal, bool) {
	switch sig {
	case os.Interrupt:
		return SIGINT, true
	case os.Kill:
		return SIGKILL, true
	}
	return "", false
}
