package sftp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SystemHandler serves all that the process may see and change, as OpenSSH's
// sftp-server does. Paths mean what they mean to the system.
func SystemHandler() Handler { return systemHandler{} }

type systemHandler struct{}

// takesPathsAsTheyAre tells the server to leave ".." to the system: "a/.." is
// not where a is if that is a symbolic link.
func (systemHandler) takesPathsAsTheyAre() {}

func (systemHandler) OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error) {
	f, err := os.OpenFile(name, flag|withoutWaiting, perm)
	if err != nil {
		return nil, err
	}
	return newOSFile(f, flag, true)
}

func (systemHandler) OpenDir(name string) (HandlerDir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return listRoot(root)
}

// listRoot lists the root, which it closes in the end.
func listRoot(root *os.Root) (HandlerDir, error) {
	f, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &osDir{File: f, lstat: root.Lstat, after: root.Close}, nil
}

func (systemHandler) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

func (systemHandler) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

func (systemHandler) SetStat(name string, a *Attributes) error {
	return apply(a, true, setter{
		truncate: func(n int64) error { return os.Truncate(name, n) },
		chmod:    func(m fs.FileMode) error { return os.Chmod(name, m) },
		chtimes:  func(accessed, modified time.Time) error { return os.Chtimes(name, accessed, modified) },
		chown:    func(uid, gid int) error { return os.Chown(name, uid, gid) },
	})
}

func (h systemHandler) LSetStat(name string, a *Attributes) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return h.SetStat(name, a)
	}
	return apply(a, true, setter{
		truncate: func(int64) error { return fs.ErrInvalid },
		chmod:    func(fs.FileMode) error { return errNotSupported },
		chtimes:  func(time.Time, time.Time) error { return errNotSupported },
		chown:    func(uid, gid int) error { return os.Lchown(name, uid, gid) },
	})
}

// RealPath resolves symbolic links. As with OpenSSH, only what is above the
// last element has to exist.
func (systemHandler) RealPath(name string) (string, error) {
	resolved, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		var parent string
		if parent, err = filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
			resolved = filepath.Join(parent, filepath.Base(name))
		}
	}
	if err != nil {
		return "", err
	}
	return filepath.ToSlash(resolved), nil
}

func (systemHandler) ReadLink(name string) (string, error) { return os.Readlink(name) }

func (systemHandler) Symlink(target, name string) error { return os.Symlink(target, name) }

func (systemHandler) Link(oldname, newname string) error { return os.Link(oldname, newname) }

func (systemHandler) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

func (systemHandler) Remove(name string) error { return removeFile(name, os.Lstat, os.Remove) }

func (systemHandler) Rmdir(name string) error { return removeDir(name, os.Lstat, os.Remove) }

// removeFile removes what is no directory.
func removeFile(name string, lstat func(string) (fs.FileInfo, error), remove func(string) error) error {
	info, err := lstat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return syscall.EISDIR
	}
	return remove(name)
}

// removeDir removes an empty directory.
func removeDir(name string, lstat func(string) (fs.FileInfo, error), remove func(string) error) error {
	info, err := lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &StatusError{Code: StatusFailure, Message: "Not a directory"}
	}
	return remove(name)
}

func (systemHandler) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

func (systemHandler) RenameExclusive(oldname, newname string) error {
	return renameExclusive(oldname, newname, osRename{os.Lstat, os.Link, os.Remove, os.Rename})
}

// osRename is what renameExclusive needs.
type osRename struct {
	lstat  func(string) (fs.FileInfo, error)
	link   func(string, string) error
	remove func(string) error
	rename func(string, string) error
}

// renameExclusive fails if newname exists. For a file that is decided by the
// system, by making a second name of it: between a look and a rename somebody
// else could come.
func renameExclusive(oldname, newname string, o osRename) error {
	info, err := o.lstat(oldname)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		err := o.link(oldname, newname)
		if err == nil {
			return o.remove(oldname)
		}
		if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if _, err := o.lstat(newname); err == nil {
		return fs.ErrExist
	}
	return o.rename(oldname, newname)
}
