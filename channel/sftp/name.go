package sftp

import (
	"path"
	"path/filepath"
	"strings"
)

// Paths of SFTP have slashes on every system.

// base returns the last element of the path, as [fs.FileInfo] names it.
func base(name string) string { return path.Base(name) }

// dir returns all but the last element of the path.
func dir(name string) string { return path.Dir(name) }

// join puts an element behind a path, which it leaves as it is otherwise:
// "a/../b" is not b where a is a symbolic link.
func join(name, element string) string {
	switch {
	case name == "" || name == ".":
		return element
	case strings.HasSuffix(name, "/"):
		return name + element
	}
	return name + "/" + element
}

// isElement reports whether a server may list name: it is that of one file in
// the directory, and leads nowhere else.
func isElement(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// isLocalElement reports whether name is that of one file in a directory of
// this machine, whatever the system makes of backslashes, colons and CON.
func isLocalElement(name string) bool {
	return isElement(name) && filepath.IsLocal(name) && !strings.ContainsRune(name, filepath.Separator) && filepath.Base(name) == name
}
