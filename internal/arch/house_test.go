package arch

import (
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// topLevel is all that may stand at the repository's root, beside names that
// begin with a dot.
var topLevel = []string{
	"LICENSE", "Makefile", "README.md", "go.mod", "go.sum",
	"agent", "channel", "cipher", "client", "connection", "fuzz", "hostkey", "internal",
	"kex", "mac", "server", "transport", "userauth", "wire",
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(moduleRoot(t))
	require.NoError(t, err)
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, ".") {
			require.Contains(t, topLevel, name)
		}
	}
}

// forbidden is what no package imports outside of its tests, and why.
var forbidden = map[string]string{
	"unsafe":       "nothing here is worth it",
	"reflect":      "messages are encoded by hand",
	"math/rand":    "randomness is crypto/rand's",
	"math/rand/v2": "randomness is crypto/rand's",
	"plugin":       "algorithms are values",
	"C":            "no cgo",
}

// excused lists what may import a forbidden package, each with the reason: a
// file by its name, a colon and the package.
var excused = map[string]string{
	"transport/outbound.go:math/rand/v2": "ChaCha8, seeded by crypto/rand, pads packets without a system call",
}

func TestForbiddenImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if _, ok := excused[s.name+":"+imported]; ok {
				continue
			}
			if why, ok := forbidden[imported]; ok && !s.test {
				t.Errorf("%s imports %s: %s", s.name, imported, why)
			}
		}
	}
}

// Importing a package changes nothing.
func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", s.name)
			}
		}
	}
}

// Every package is introduced by its doc.go, and every one that others may
// import is shown at work.
func TestPackagesAreDocumented(t *testing.T) {
	documented, shown := make(map[string]bool), make(map[string]bool)
	var public []string
	for _, s := range sources(t) {
		if s.name == s.dir+"/doc.go" && s.file.Doc != nil {
			documented[s.dir] = true
		}
		if s.name == s.dir+"/example_test.go" {
			shown[s.dir] = true
		}
		if !s.test && s.file.Name.Name != "main" && !under(s.dir, "internal") && !slices.Contains(public, s.dir) {
			public = append(public, s.dir)
		}
	}
	for _, dir := range public {
		if !documented[dir] {
			t.Errorf("%s has no doc.go with a package comment", dir)
		}
		if !shown[dir] {
			t.Errorf("%s has no example_test.go", dir)
		}
	}
}
