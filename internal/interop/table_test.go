package interop

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "have TestMatrix write its table into README.md")

func (r roles) String() string {
	switch r {
	case roles{true, true}:
		return "both"
	case roles{client: true}:
		return "client"
	case roles{server: true}:
		return "server"
	}
	return "-"
}

// A row is some algorithms that the same peers have.
type row struct {
	names []string
	cells []string // by peer
}

// met are the peers that there were.
func (m *matrix) met() []*peer {
	return slices.DeleteFunc(slices.Clone(peers), func(p *peer) bool { return m.versions[p] == "" })
}

// rows are those of a kind, in our order of preference.
func (m *matrix) rows(kind int) (rows []row) {
	for _, name := range kinds[kind].algorithms(&m.ours.ours) {
		r := row{names: []string{"`" + name + "`"}}
		for _, p := range m.met() {
			r.cells = append(r.cells, m.cells[cell{kind, name, p}].String())
		}
		if n := len(rows); n > 0 && slices.Equal(rows[n-1].cells, r.cells) {
			rows[n-1].names = append(rows[n-1].names, r.names...)
		} else {
			rows = append(rows, r)
		}
	}
	return rows
}

// table is the matrix in Markdown.
func (m *matrix) table() string {
	var b strings.Builder
	b.WriteString("| |")
	for _, p := range m.met() {
		fmt.Fprintf(&b, " %s %s |", p.name, m.versions[p])
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(m.met())) + "\n")
	for i, k := range kinds {
		fmt.Fprintf(&b, "| **%s** |%s\n", k.name, strings.Repeat(" |", len(m.met())))
		for _, r := range m.rows(i) {
			names := strings.Join(r.names, ", ")
			if !slices.ContainsFunc(r.cells, func(c string) bool { return c != "-" }) {
				names += ": no peer has it, Whelk's own two only"
			}
			fmt.Fprintf(&b, "| %s | %s |\n", names, strings.Join(r.cells, " | "))
		}
	}
	return b.String() + "\n" + m.missing() + m.broken()
}

// missing says what peers have and we have not.
func (m *matrix) missing() string {
	var names []string
	for i := range kinds {
		owners := make(map[string][]string)
		for _, p := range m.met() {
			for c := range m.lacking {
				if c.kind == i && c.peer == p {
					owners[c.algorithm] = append(owners[c.algorithm], p.name)
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(owners)) {
			names = append(names, "`"+name+"` ("+strings.Join(owners[name], ", ")+")")
		}
	}
	if names == nil {
		return ""
	}
	return "- Theirs and not Whelk's: " + strings.Join(names, ", ") + ".\n"
}

// broken says what peers offer and cannot do, and what they do about a guess.
func (m *matrix) broken() string {
	var b strings.Builder
	for _, p := range m.met() {
		if why := m.deaf[p]; why != "" {
			fmt.Fprintf(&b, "- %s's server %s (RFC 4253, section 7): clients of it set `DisableGuess`.\n", p.name, why)
		}
		for _, name := range slices.Sorted(maps.Keys(p.broken)) {
			fmt.Fprintf(&b, "- %s's client offers `%s`, but %s.\n", p.name, name, p.broken[name])
		}
	}
	return b.String()
}

// What README.md has around the table.
const begin, finish = "<!-- matrix -->\n", "<!-- end of matrix -->\n"

// checkREADME requires that README.md shows the table, if it is about the
// versions that are installed here, or with -update makes it so.
func (m *matrix) checkREADME(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	shown, after, ok := strings.Cut(rest, finish)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+m.table()+finish+after), 0o644))
		return
	}
	peersOf := func(table string) string { return strings.SplitN(table, "\n", 2)[0] }
	if peersOf(shown) != peersOf(m.table()) {
		t.Logf("README.md is about other peers:\n%s\n%s", peersOf(shown), peersOf(m.table()))
		return
	}
	require.Equal(t, m.table(), shown, "README.md is out of date: make matrix")
}
