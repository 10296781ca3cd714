package server

import (
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// CloseRead tells the client that nobody reads its input any more, so that its
// own writer may stop (OpenSSH PROTOCOL, section 2.2). Clients that are not known
// to understand are told nothing. What was sent until the client has heard can
// still be read, and is best thrown away: an input that nobody takes stays with
// the client. It waits for room in the connection's output.
func (s *Session) CloseRead() error {
	if v := s.conn.State().ClientVersion; !strings.Contains(v, "OpenSSH") && !strings.Contains(v, "Whelk") {
		return nil
	}
	return s.ch.Notify("eow@openssh.com", nil)
}

// AllowXonXoff tells the client whether its terminal may handle ^S and ^Q by
// itself (RFC 4254, section 6.8), which stops output sooner than to send them
// here; a program that uses them for something else wants neither. Clients may
// ignore it, as ssh(1) does.
func (s *Session) AllowXonXoff(allowed bool) error {
	m := wire.XonXoff{Allowed: allowed}
	return s.ch.Notify("xon-xoff", m.Append(nil))
}
