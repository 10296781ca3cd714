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
	hosted  = &program{name: "hosted", path: "package server", ours: true}
	xcrypto = &program{name: "xcrypto"} // of package golang.org/x/crypto/ssh
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

// installedLibrary looks for a library that programs can be made to load.
func installedLibrary(name string) *program {
	p := &program{name: name}
	for _, pattern := range []string{"/usr/lib/*-linux-gnu/", "/usr/lib64/", "/usr/lib/"} {
		if found, _ := filepath.Glob(pattern + name); found != nil {
			p.path = found[0]
			break
		}
	}
	return p
}
