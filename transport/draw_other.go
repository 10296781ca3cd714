//go:build !unix

package transport

import "net"

// drawReader returns nil: there is no way to wait without a buffer.
func drawReader(net.Conn, *inbound) func() (int, error) { return nil }
