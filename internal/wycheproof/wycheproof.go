package wycheproof

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// pinned is the release every test uses.
var pinned = release{
	path:    "github.com/C2SP/wycheproof",
	version: "v0.0.0-20250901140545-b51abcfb8daf",
	sum:     "h1:5BKKVVVj676FUWirLcouEEL6GCYR9X0opkMlEUck8FY=",
}

// download fetches the pinned release once per process.
var download = sync.OnceValues(pinned.download)

// Load returns the test groups of a file of the directory testvectors_v1, such
// as "ed25519_test.json". G is a struct of what the caller needs of a group;
// fields of the file that G lacks are ignored.
//
// Load ends the test if it has no vectors to return. It fails it if what was
// fetched is not what is pinned, if there is no such file or if it is
// malformed. It skips it if nothing could be fetched, unless the environment
// has CI=true: there, that is a failure too.
func Load[G any](t testing.TB, file string) []G {
	t.Helper()
	dir, err := download()
	if err != nil {
		end(t, err)
	}
	groups, err := read[G](filepath.Join(dir, "testvectors_v1", file))
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

// end ends a test that cannot have its vectors because of err.
func end(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errSum) || os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func read[G any](name string) ([]G, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("wycheproof: %w", err)
	}
	var file struct{ TestGroups []G }
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("wycheproof: %s: %w", name, err)
	}
	if len(file.TestGroups) == 0 {
		return nil, fmt.Errorf("wycheproof: %s: no test groups", name)
	}
	return file.TestGroups, nil
}

// A Test is what tests of every kind have. A caller embeds it in a struct that
// adds inputs and outputs, as fields of type [Hex].
type Test struct {
	ID      int `json:"tcId"`
	Comment string
	Flags   []string // what the test is about
	Result  Result
}

// Has reports whether flag is one of Flags.
func (t *Test) Has(flag string) bool { return slices.Contains(t.Flags, flag) }

// String returns the number of the test and what it is about.
func (t *Test) String() string {
	return fmt.Sprintf("test %d, %s %q: %s", t.ID, t.Result, t.Flags, t.Comment)
}

// A Result is what an implementation makes of a test.
type Result string

// The results there are. Acceptable is what one implementation accepts and
// another refuses, both with reason: the caller says which of them it tests.
const (
	Valid      Result = "valid"
	Invalid    Result = "invalid"
	Acceptable Result = "acceptable"
)

// UnmarshalText refuses what is none of the results there are.
func (r *Result) UnmarshalText(text []byte) error {
	switch s := Result(text); s {
	case Valid, Invalid, Acceptable:
		*r = s
		return nil
	}
	return fmt.Errorf("wycheproof: unknown result %q", text)
}

// Hex is bytes that a file has in hexadecimal.
type Hex []byte

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	*h = b
	return err
}
