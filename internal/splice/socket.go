package splice

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// A Socket says how [Socket.Listen] makes a socket in the file system.
type Socket struct {
	Path   string
	Mode   fs.FileMode // who may connect: 0600 is its owner
	Unlink bool        // replace what is there
}

// Listen listens at the path. The socket has its mode before anybody can see
// it, whatever the umask, which is the whole process's and not to be touched:
// it is bound in a directory that nobody else may enter, and then moved. It is
// removed when the listener is closed, unless something else has taken its
// place.
func (s Socket) Listen() (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(s.Path), ".")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	hidden := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: hidden})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	info, err := s.move(hidden)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &socket{Listener: l, path: s.Path, info: info}, nil
}

// move gives the socket its mode and its place.
func (s Socket) move(hidden string) (fs.FileInfo, error) {
	if err := os.Chmod(hidden, s.Mode); err != nil {
		return nil, err
	}
	info, err := os.Lstat(hidden)
	if err != nil {
		return nil, err
	}
	if s.Unlink {
		return info, os.Rename(hidden, s.Path)
	}
	return info, os.Link(hidden, s.Path) // fails if something is there
}

// A socket is a listener whose file is where it was moved.
type socket struct {
	net.Listener
	path  string
	info  fs.FileInfo
	close sync.Once
}

// Addr returns the place of the socket.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: s.path} }

// Close closes the listener and removes the socket. Whoever calls it second
// waits until that is done.
func (s *socket) Close() error {
	err := net.ErrClosed
	s.close.Do(func() {
		err = s.Listener.Close()
		if info, gone := os.Lstat(s.path); gone == nil && os.SameFile(info, s.info) {
			os.Remove(s.path)
		}
	})
	return err
}
