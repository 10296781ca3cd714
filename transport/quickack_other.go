//go:build !linux

package transport

import "net"

// quickAcker returns nil: there is no such option.
func quickAcker(net.Conn) func() { return nil }
