package arch

import (
	"go/ast"
	"testing"
)

// The size budget of everything but tests.
const (
	maxFileLines     = 400
	maxFunctionLines = 70
	maxParameters    = 4 // besides receiver and context
)

// oversize lists what may exceed the budget, each with the reason: a file by
// its name, a function by its file's name, a colon and its own.
var oversize = map[string]string{
	"channel/channel.go:New": "both ends, the link between them, what kind and how large: each used once, by the mux",
}

func TestSizes(t *testing.T) {
	used := make(map[string]bool)
	report := func(name, format string, args ...any) {
		if _, ok := oversize[name]; ok {
			used[name] = true
			return
		}
		t.Errorf(name+": "+format, args...)
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if n := s.fset.File(s.file.FileStart).LineCount(); n > maxFileLines {
			report(s.name, "%d lines; split it by concept below %d", n, maxFileLines)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := s.name + ":" + f.Name.Name
			if n := lines(s, f); n > maxFunctionLines {
				report(name, "%d lines; at most %d", n, maxFunctionLines)
			}
			if n := parameters(f.Type); n > maxParameters {
				report(name, "%d parameters besides the context; at most %d", n, maxParameters)
			}
		}
	}
	for name := range oversize {
		if !used[name] {
			t.Errorf("%s: keeps to the budget, so its row in oversize can go", name)
		}
	}
}

// lines counts the lines of f from func to its closing brace.
func lines(s *source, f *ast.FuncDecl) int {
	return s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
}

// parameters counts the parameters of f that are not a context.Context.
func parameters(f *ast.FuncType) (n int) {
	for _, field := range f.Params.List {
		if selector, ok := field.Type.(*ast.SelectorExpr); ok && selector.Sel.Name == "Context" {
			continue
		}
		n += max(1, len(field.Names))
	}
	return n
}
