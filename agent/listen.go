package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// A Listener is a unix socket for an agent, in a directory of its own. It lets
// in the user that the process runs as, and root.
type Listener struct {
	*net.UnixListener
	dir string
}

// Listen makes a directory that nobody else can enter, in that for temporary
// files, and a socket in it. The address is what belongs into SSH_AUTH_SOCK.
func Listen() (*Listener, error) {
	dir, err := os.MkdirTemp("", "ssh-")
	if err != nil {
		return nil, fmt.Errorf("agent: no place for a socket: %w", err)
	}
	l, err := listen(filepath.Join(dir, "agent"))
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("agent: no socket: %w", err)
	}
	return &Listener{l, dir}, nil
}

func listen(path string) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Accept waits for a connection of somebody who may have one.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if ours(nc) {
			return nc, nil
		}
		nc.Close()
	}
}

// Close closes the socket and removes its directory.
func (l *Listener) Close() error {
	return errors.Join(l.UnixListener.Close(), os.RemoveAll(l.dir))
}
