package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program is an implementation of one end.
type program struct {
	name string
	path string // empty if it is not installed
	ours bool
}

var (
	ssh     = installed("ssh")
	sshd    = installed("sshd")
	whelk   = &program{name: "whelk", ours: true}
	whelkd  = &program{name: "whelkd", ours: true}
	library = &program{name: "library", path: "package client", ours: true}
)

// installed looks for a program of the system's.
func installed(name string) *program {
	p := &program{name: name}
	if path, err := exec.LookPath(name); err == nil {
		p.path = path
		return p
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			p.path = path
		}
	}
	return p
}

// mustExist skips the test if the program is not there.
func (p *program) mustExist(t *testing.T) {
	t.Helper()
	switch {
	case p.path != "":
	case inCI():
		t.Fatalf("%s is not installed, and CI=true", p.name)
	default:
		t.Skipf("%s is not installed", p.name)
	}
}
