package sftp

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// RootHandler serves the directory tree of root, which stays the caller's, as
// if there were nothing else: the root is "/", and no path, symbolic link or
// race leads out of it. A symbolic link that is made leads to somewhere within
// or is refused, and an absolute one is kept as the relative one that means the
// same. Setuid, setgid and sticky bits are not set.
func RootHandler(root *os.Root) Handler { return &rootHandler{root} }

type rootHandler struct{ root *os.Root }

// within returns the name as root has it.
func (h *rootHandler) within(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return filepath.FromSlash(name)
}

func (h *rootHandler) OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error) {
	f, err := h.root.OpenFile(h.within(name), flag|withoutWaiting, perm.Perm())
	if err != nil {
		return nil, err
	}
	return newOSFile(f, flag, false)
}

func (h *rootHandler) OpenDir(name string) (HandlerDir, error) {
	below, err := h.root.OpenRoot(h.within(name))
	if err != nil {
		return nil, err
	}
	return listRoot(below)
}

func (h *rootHandler) Stat(name string) (fs.FileInfo, error) { return h.root.Stat(h.within(name)) }

func (h *rootHandler) Lstat(name string) (fs.FileInfo, error) { return h.root.Lstat(h.within(name)) }

func (h *rootHandler) SetStat(name string, a *Attributes) error {
	name = h.within(name)
	return apply(a, false, setter{
		truncate: func(n int64) error { return h.truncate(name, n) },
		chmod:    func(m fs.FileMode) error { return h.root.Chmod(name, m) },
		chtimes:  func(accessed, modified time.Time) error { return h.root.Chtimes(name, accessed, modified) },
		chown:    func(uid, gid int) error { return h.root.Chown(name, uid, gid) },
	})
}

func (h *rootHandler) truncate(name string, n int64) error {
	f, err := h.root.OpenFile(name, os.O_WRONLY|withoutWaiting, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(n)
}

func (h *rootHandler) LSetStat(name string, a *Attributes) error {
	info, err := h.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return h.SetStat(name, a)
	}
	return apply(a, false, setter{
		truncate: func(int64) error { return fs.ErrInvalid },
		chmod:    func(fs.FileMode) error { return errNotSupported },
		chtimes:  func(time.Time, time.Time) error { return errNotSupported },
		chown:    func(uid, gid int) error { return h.root.Lchown(h.within(name), uid, gid) },
	})
}

// RealPath does not look at symbolic links: a path through one is as good as
// any other for who cannot leave anyway.
func (h *rootHandler) RealPath(name string) (string, error) { return path.Clean("/" + name), nil }

func (h *rootHandler) ReadLink(name string) (string, error) {
	return h.root.Readlink(h.within(name))
}

func (h *rootHandler) Symlink(target, name string) error {
	inside, err := relativeTarget(target, name)
	if err != nil {
		return err
	}
	return h.root.Symlink(inside, h.within(name))
}

// relativeTarget returns what a symbolic link at the absolute path name is to
// have as its target.
func relativeTarget(target, name string) (string, error) {
	depth := strings.Count(path.Clean(name), "/") - 1 // directories above the link
	if rest, ok := strings.CutPrefix(target, "/"); ok {
		target = strings.Repeat("../", depth) + path.Clean("/" + rest)[1:]
		if target == "" {
			target = "."
		}
	}
	if strings.ContainsRune(target, 0) || target == "" {
		return "", fs.ErrInvalid
	}
	for element := range strings.SplitSeq(target, "/") {
		switch element {
		case "..":
			depth--
		case ".", "":
		default:
			depth++
		}
		if depth < 0 {
			return "", fs.ErrPermission
		}
	}
	return filepath.FromSlash(target), nil
}

func (h *rootHandler) Link(oldname, newname string) error {
	return h.root.Link(h.within(oldname), h.within(newname))
}

func (h *rootHandler) Mkdir(name string, perm fs.FileMode) error {
	return h.root.Mkdir(h.within(name), perm.Perm())
}

func (h *rootHandler) Remove(name string) error {
	return removeFile(h.within(name), h.root.Lstat, h.root.Remove)
}

func (h *rootHandler) Rmdir(name string) error {
	return removeDir(h.within(name), h.root.Lstat, h.root.Remove)
}

func (h *rootHandler) Rename(oldname, newname string) error {
	return h.root.Rename(h.within(oldname), h.within(newname))
}

func (h *rootHandler) RenameExclusive(oldname, newname string) error {
	return renameExclusive(h.within(oldname), h.within(newname), osRename{h.root.Lstat, h.root.Link, h.root.Remove, h.root.Rename})
}
