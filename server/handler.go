package server

// A Handler serves one session. When it returns, the session is over: the
// client gets all output and exit status 0, unless [Session.Exit] or
// [Session.ExitSignal] gave another end before. A Handler runs on a goroutine
// of its own; if it panics, that is logged, the client gets exit status 255,
// and other sessions live on.
type Handler interface{ ServeSSH(*Session) }

// A HandlerFunc is a function used as a [Handler].
type HandlerFunc func(*Session)

// ServeSSH calls f.
func (f HandlerFunc) ServeSSH(s *Session) { f(s) }
