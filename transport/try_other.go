//go:build !unix

package transport

import "net"

// tryWriter returns nil: there is no way to write without waiting.
func tryWriter(net.Conn) func(p []byte) (int, error) { return nil }
