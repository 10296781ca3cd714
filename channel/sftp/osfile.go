package sftp

import (
	"io"
	"io/fs"
	"os"
	"time"
)

// An osFile is a HandlerFile that is a file of the system.
type osFile struct {
	*os.File
	appends bool
	special bool // set more than permissions
}

// newOSFile returns f, opened with the flags, as a HandlerFile. What is no file
// to be read and written at offsets is refused: a directory, above all.
func newOSFile(f *os.File, flag int, special bool) (HandlerFile, error) {
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &StatusError{Code: StatusFailure, Message: "Is a directory"}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &osFile{f, flag&os.O_APPEND != 0, special}, nil
}

func (f *osFile) WriteAt(p []byte, offset int64) (int, error) {
	if f.appends {
		return f.File.Write(p)
	}
	return f.File.WriteAt(p, offset)
}

func (f *osFile) SetStat(a *Attributes) error {
	return apply(a, f.special, setter{
		truncate: f.Truncate,
		chmod:    f.Chmod,
		chown:    f.Chown,
		chtimes:  func(accessed, modified time.Time) error { return chtimes(f.File, accessed, modified) },
	})
}

// A setter sets attributes one by one.
type setter struct {
	truncate func(int64) error
	chmod    func(fs.FileMode) error
	chtimes  func(accessed, modified time.Time) error
	chown    func(uid, gid int) error
}

// apply sets the attributes that have their flags set, in OpenSSH's order: all
// of them, whatever fails, and then reports the first failure. Bits that are
// special, setuid and the like, are left out unless they may be set.
func apply(a *Attributes, special bool, s setter) error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	if a.Has(HasSize) {
		note(s.truncate(int64(a.Size)))
	}
	if a.Has(HasPermissions) {
		mode := fileMode(a.Permissions &^ modeType)
		if !special {
			mode = mode.Perm()
		}
		note(s.chmod(mode))
	}
	if a.Has(HasTimes) {
		note(s.chtimes(time.Unix(int64(a.Accessed), 0), time.Unix(int64(a.Modified), 0)))
	}
	if a.Has(HasOwner) {
		note(s.chown(int(a.UID), int(a.GID)))
	}
	return first
}

// An osDir is a HandlerDir that is a directory of the system. The entries are
// looked at below that directory, wherever it has been moved to.
type osDir struct {
	*os.File
	lstat func(name string) (fs.FileInfo, error)
	after func() error // Close
}

func (d *osDir) ReadDir(n int) ([]fs.FileInfo, error) {
	for {
		names, err := d.Readdirnames(n)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, io.EOF
		}
		var all []fs.FileInfo
		for _, name := range names {
			if info, err := d.lstat(name); err == nil { // or it is gone
				all = append(all, info)
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
}

func (d *osDir) Close() error {
	err := d.File.Close()
	if d.after != nil {
		if afterErr := d.after(); err == nil {
			err = afterErr
		}
	}
	return err
}

// attributesOf returns what a client is told of a file.
func attributesOf(info fs.FileInfo) Attributes {
	if a, ok := info.Sys().(*Attributes); ok {
		plain := *a
		plain.Flags &^= HasExtended
		return plain
	}
	a := Attributes{
		Flags: HasSize | HasPermissions | HasTimes, Size: uint64(max(info.Size(), 0)), Permissions: posixMode(info.Mode()),
		Accessed: seconds(info.ModTime()), Modified: seconds(info.ModTime()),
	}
	fromSystem(&a, info.Sys())
	return a
}
