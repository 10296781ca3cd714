//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A record is what ExposeAuthInfo tells the programs of a session: how the user
// has logged in, a method a line.
type record struct {
	mu      sync.Mutex
	methods []string
}

// A recordKey is the key of the record in the context of a connection.
type recordKey struct{}

// withConnection returns the context of a connection, for checks and sessions.
func withConnection(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(context.WithValue(ctx, connKey{}, nc), recordKey{}, &record{})
}

// reportExposed notes the method that has let the user in, or is one of those
// that do.
func reportExposed(ctx context.Context, a *userauth.Attempt, err error) {
	r, ok := ctx.Value(recordKey{}).(*record)
	if !ok || err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.methods = append(r.methods, a.Method)
}

// exposed writes the record of a session's connection into a file of its own, and
// returns the variable that names it. remove removes it.
func (d *daemon) exposed(s *server.Session) (env []string, remove func()) {
	remove = func() {}
	r, ok := s.Context().Value(recordKey{}).(*record)
	if !ok || !d.session.expose {
		return nil, remove
	}
	r.mu.Lock()
	text := strings.Join(r.methods, "\n") + "\n"
	r.mu.Unlock()
	name, err := writeTemporary(text)
	if err != nil {
		d.log.Error("ExposeAuthInfo", "err", err)
		return nil, remove
	}
	return []string{"SSH_USER_AUTH=" + name}, func() { os.Remove(name) }
}

// writeTemporary writes a file that only its owner can read.
func writeTemporary(text string) (name string, err error) {
	f, err := os.CreateTemp("", "whelkauth.")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("%s: %w", f.Name(), err)
	}
	return f.Name(), nil
}
