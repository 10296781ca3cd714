package arch

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rival is the implementation that must not be part of this one.
const rival = "golang.org/x/crypto/ssh"

// goList runs go list at the module's root and returns what it prints.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = moduleRoot(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list %v: %s", args, stderr.String())
	return strings.Fields(string(out))
}

// Nothing here is built from golang.org/x/crypto/ssh or a package below it,
// on any system, in the packages or in their tests.
func TestFromScratch(t *testing.T) {
	for _, args := range [][]string{{"-deps", "./..."}, {"-deps", "-test", "./..."}} {
		packages := goList(t, args...)
		require.Contains(t, packages, modulePath+"/wire", "go list %v", args)
		for _, p := range packages {
			require.False(t, under(p, rival), "go list %v: %s", args, p)
		}
	}
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			require.False(t, under(imported, rival), "%s imports %s", s.name, imported)
		}
	}
}
