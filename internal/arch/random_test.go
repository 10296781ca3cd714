package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// readers lists what is called like a source of randomness and may be one, each
// with the reason: a file by its name, a colon and the name.
var readers = map[string]string{}

// G15, CVE-2022-29245, CVE-2014-0017: all randomness is that of crypto/rand,
// which ends the program if it has none. Nobody can hand another source in, by a
// field, a parameter or a variable, or put one in place of crypto/rand's.
// TestForbiddenImports sees to math/rand.
func TestG15Randomness(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				reportReader(t, s, n.Names, n.Type)
			case *ast.ValueSpec:
				reportReader(t, s, n.Names, n.Type)
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if isRandReader(left) {
						t.Errorf("%s replaces crypto/rand's Reader", s.name)
					}
				}
			}
			return true
		})
	}
}

// reportReader reports names of randomness of the type io.Reader. One without a
// name is what crypto.Signer asks for.
func reportReader(t *testing.T, s *source, names []*ast.Ident, typ ast.Expr) {
	t.Helper()
	if selector, ok := typ.(*ast.SelectorExpr); !ok || selector.Sel.Name != "Reader" {
		return
	}
	suspect := func(name *ast.Ident) bool {
		lower := strings.ToLower(name.Name)
		return strings.HasPrefix(lower, "rand") || strings.HasPrefix(lower, "entropy") || strings.HasPrefix(lower, "rng")
	}
	if i := slices.IndexFunc(names, suspect); i >= 0 {
		if _, ok := readers[s.name+":"+names[i].Name]; !ok {
			t.Errorf("%s: %s may be another source of randomness than crypto/rand", s.name, names[i].Name)
		}
	}
}

// isRandReader reports whether an expression is rand.Reader.
func isRandReader(e ast.Expr) bool {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Reader" {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "rand"
}
