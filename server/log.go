package server

import (
	"log/slog"
	"net"
	"strconv"
)

// logger returns where to log, which may be nowhere.
func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// address returns an address for a log.
func address(a net.Addr) string {
	if a == nil {
		return "unknown"
	}
	return printable(a.String())
}

// printable returns text of a client as it may be shown on a terminal: as it
// is, or quoted if it holds anything that does not print.
func printable(s string) string {
	if q := strconv.Quote(s); len(q) != len(s)+2 {
		return q
	}
	return s
}
