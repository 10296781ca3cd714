package arch

import (
	"cmp"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// attackSections are the sections of testdata/attacks.txt with how many rows
// each has. A test whose name begins with the id of a row is listed there.
var attackSections = map[string]int{
	"A": 6, "B": 13, "C": 10, "D": 10, "E": 15, "F": 9, "G": 15, "H": 19, "I": 5, "J": 11, "K": 18, "M": 10,
}

// An attack is a row of testdata/attacks.txt.
type attack struct {
	id        string
	published []string // such as "CVE-2023-48795"
	title     string
	tests     []attackTest
	excuse    string // why there is none
}

// An attackTest is a test or a fuzz target in a package.
type attackTest struct{ dir, name string }

var (
	attackID = regexp.MustCompile(`^([A-Z])([1-9][0-9]?)$`)
	advisory = regexp.MustCompile(`^(CVE|RUSTSEC|GHSA)-[0-9A-Za-z-]+$`)
	testName = regexp.MustCompile(`^(?:Test|Fuzz)([A-Z][1-9][0-9]?)(?:[A-Z]|$)`)
)

// parseAttacks reads the table, and returns what is wrong with its form.
func parseAttacks(text string) (rows []*attack, problems []string) {
	complain := func(n int, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("line %d: ", n+1)+fmt.Sprintf(format, args...))
	}
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Split(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case len(fields) != 3:
			complain(n, "it has not three columns")
		case fields[0] != "":
			row := &attack{id: fields[0], title: fields[2]}
			if fields[1] != "-" {
				row.published = strings.Split(fields[1], ", ")
			}
			for _, p := range row.published {
				if !advisory.MatchString(p) {
					complain(n, "%q is no advisory", p)
				}
			}
			if !attackID.MatchString(row.id) || row.title == "" {
				complain(n, "%q is no id, or has no title", row.id)
			}
			rows = append(rows, row)
		case len(rows) == 0:
			complain(n, "it belongs to no row")
		case fields[1] == "-":
			rows[len(rows)-1].excuse = fields[2]
		default:
			row := rows[len(rows)-1]
			for _, name := range strings.Split(fields[2], ", ") {
				row.tests = append(row.tests, attackTest{fields[1], name})
			}
		}
	}
	return rows, problems
}

// A written test is what stands in a test file: the comments before and behind
// its name, and its body.
type written struct {
	attackTest
	text string
}

// writtenTests returns all tests and fuzz targets of the module.
func writtenTests(t *testing.T) map[attackTest]written {
	t.Helper()
	all := make(map[attackTest]written)
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		content, err := os.ReadFile(filepath.Join(moduleRoot(t), s.name))
		require.NoError(t, err)
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			begin, end := f.Pos(), f.End()
			if f.Doc != nil {
				begin = f.Doc.Pos()
			}
			at := attackTest{s.dir, f.Name.Name}
			all[at] = written{at, string(content[s.fset.Position(begin).Offset:s.fset.Position(end).Offset])}
		}
	}
	return all
}

// mentions reports whether a test says in its name, in that of a case or in a
// comment what it is about.
func (w written) mentions(what string) bool {
	if m := testName.FindStringSubmatch(w.name); m != nil && m[1] == what {
		return true
	}
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(what) + `\b`).MatchString(w.text)
}

// judgeAttacks compares the rows with the tests there are.
func judgeAttacks(rows []*attack, all map[attackTest]written) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	listed := make(map[string]bool) // id and package and name
	for _, row := range rows {
		var published []string
		named := 0
		for _, at := range row.tests {
			listed[row.id+" "+at.dir+"."+at.name] = true
			w, ok := all[at]
			switch {
			case !ok:
				complain("%s: there is no %s in %s", row.id, at.name, at.dir)
				continue
			case !w.mentions(row.id):
				complain("%s: %s in %s does not mention it", row.id, at.name, at.dir)
			}
			if m := testName.FindStringSubmatch(at.name); m != nil && m[1] == row.id {
				named++
			}
			for _, p := range row.published {
				if w.mentions(p) {
					published = append(published, p)
				}
			}
		}
		if row.excuse == "" && named == 0 {
			complain("%s: no test is named after it, and there is no reason why: %s", row.id, row.title)
		}
		for _, p := range row.published {
			if row.excuse == "" && !slices.Contains(published, p) {
				complain("%s: none of its tests mentions %s", row.id, p)
			}
		}
	}
	for at := range all {
		m := testName.FindStringSubmatch(at.name)
		if m == nil || attackSections[m[1][:1]] == 0 {
			continue
		}
		if !listed[m[1]+" "+at.dir+"."+at.name] {
			complain("%s: %s in %s is not listed", m[1], at.name, at.dir)
		}
	}
	slices.Sort(problems)
	return problems
}

// Every published failure of another implementation has a test here that is
// named after it, or a reason why it cannot happen.
func TestAttacks(t *testing.T) {
	text, err := os.ReadFile("testdata/attacks.txt")
	require.NoError(t, err)
	rows, problems := parseAttacks(string(text))
	var ids, want []string
	for _, row := range rows {
		ids = append(ids, row.id)
	}
	for section, n := range attackSections {
		for i := range n {
			want = append(want, section+strconv.Itoa(i+1))
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	require.Equal(t, want, ids, "every row once, in order")
	for _, p := range append(problems, judgeAttacks(rows, writtenTests(t))...) {
		t.Error(p)
	}
}

// The judge itself finds what is wrong.
func TestAttacksAreJudged(t *testing.T) {
	here := func(name, text string) (attackTest, written) {
		at := attackTest{"p", name}
		return at, written{at, text}
	}
	all := make(map[attackTest]written)
	for name, text := range map[string]string{
		"TestG1Good": "// CVE-2020-1 is here", "TestOther": "{name: \"G2: a case\"}", "TestG15Long": "", "TestM4": "", "TestZ1Elsewhere": "", "TestGood": "G11",
	} {
		at, w := here(name, text)
		all[at] = w
	}
	for table, want := range map[string][]string{
		"G1\tCVE-2020-1\tx\n\tp\tTestG1Good\nG15\t-\tx\n\tp\tTestG15Long\nM4\t-\tx\n\tp\tTestM4\nG2\t-\tx\n\t-\tit is G1 again\n\tp\tTestOther": nil,
		"G15\t-\tx\n\tp\tTestG15Long\nM4\t-\tx\n\tp\tTestM4\nG1\t-\tx\n\tp\tTestG1Good\nG2\t-\ttitle\n\tp\tTestOther": {
			"G2: no test is named after it, and there is no reason why: title",
		},
		"G1\tCVE-2020-2\tx\n\tp\tTestG1Good, TestOther\n": {
			"G15: TestG15Long in p is not listed", "G1: TestOther in p does not mention it", "G1: none of its tests mentions CVE-2020-2", "M4: TestM4 in p is not listed",
		},
		"G1\t-\tx\n\tp\tTestG1Good\nG15\t-\tx\n\tp\tTestG15Long\nM4\t-\tx\n\tp\tTestM4\nG3\t-\ttitle\nG4\tCVE-1-1\tx\n\t-\tthere is none of it\nG5\t-\tx\n\tq\tTestGood": {
			"G3: no test is named after it, and there is no reason why: title", "G5: no test is named after it, and there is no reason why: x", "G5: there is no TestGood in q",
		},
	} {
		rows, problems := parseAttacks(table)
		require.Empty(t, problems)
		require.Equal(t, want, judgeAttacks(rows, all))
	}
	for table, want := range map[string]string{
		"G1\tCVE-2020-1": "three columns", "\tp\tTestX": "no row", "G1\tcve\tx": "no advisory", "g1\t-\tx": "no id", "G1\t-\t": "no title",
	} {
		_, problems := parseAttacks(table)
		require.Len(t, problems, 1, table)
		require.Contains(t, problems[0], want)
	}
}
