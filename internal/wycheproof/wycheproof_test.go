package wycheproof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

type group struct {
	Type  string
	Tests []struct {
		Test
		Msg, Sig Hex
	}
}

func TestLoad(t *testing.T) {
	groups := Load[group](t, "ed25519_test.json")
	require.Equal(t, "EddsaVerify", groups[0].Type)
	test := groups[0].Tests[1]
	require.Equal(t, 2, test.ID)
	require.Equal(t, Valid, test.Result)
	require.Equal(t, Hex("x"), test.Msg)
	require.Len(t, test.Sig, 64)
}

// A fakeTB records how a test was ended.
type fakeTB struct {
	testing.TB
	ended string
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Fatal(args ...any) { f.end("failed: " + fmt.Sprint(args...)) }

func (f *fakeTB) Skip(args ...any) { f.end("skipped: " + fmt.Sprint(args...)) }

func (f *fakeTB) end(how string) {
	f.ended = how
	panic(f) // as Fatal and Skip do, it does not return
}

// ending returns how run ended its test.
func ending(t *testing.T, run func(t testing.TB)) (how string) {
	t.Helper()
	f := &fakeTB{TB: t}
	defer func() {
		require.Equal(t, any(f), recover(), "did not end the test")
		how = f.ended
	}()
	run(f)
	return ""
}

func TestEnd(t *testing.T) {
	offline, altered := errors.New("no network"), fmt.Errorf("altered: %w", errSum)
	for _, test := range []struct {
		name, ci string
		err      error
		want     string
	}{
		{"offline", "", offline, "skipped: no network"},
		{"offline, CI=false", "false", offline, "skipped: no network"},
		{"offline, CI=true", "true", offline, "failed: no network"},
		{"altered", "", altered, "failed: altered: not the release that is pinned"},
		{"altered, CI=true", "true", altered, "failed: altered: not the release that is pinned"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CI", test.ci)
			require.Equal(t, test.want, ending(t, func(t testing.TB) { end(t, test.err) }))
		})
	}
}

// A name that is wrong is no reason to skip.
func TestLoadOfNoFile(t *testing.T) {
	if _, err := download(); err != nil {
		end(t, err)
	}
	t.Setenv("CI", "")
	how := ending(t, func(t testing.TB) { Load[group](t, "missing_test.json") })
	require.Contains(t, how, "failed: wycheproof: open ")
	require.Contains(t, how, "missing_test.json")
}

func TestRead(t *testing.T) {
	for _, test := range []struct{ name, file, err string }{
		{"empty", "", "unexpected end of JSON input"},
		{"no groups", `{"numberOfTests": 0, "testGroups": []}`, "no test groups"},
		{"unknown result", `{"testGroups": [{"tests": [{"tcId": 1, "result": "perhaps"}]}]}`, `unknown result "perhaps"`},
		{"odd digits", `{"testGroups": [{"tests": [{"msg": "abc"}]}]}`, "odd length hex string"},
		{"no digits", `{"testGroups": [{"tests": [{"msg": "xy"}]}]}`, "invalid byte"},
		{"well formed", `{"testGroups": [{"type": "T", "tests": [{"tcId": 7, "flags": ["A", "B"], "comment": "c", "result": "acceptable", "msg": "", "sig": "0aFF"}]}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file.json")
			require.NoError(t, os.WriteFile(name, []byte(test.file), 0o600))
			groups, err := read[group](name)
			if test.err != "" {
				require.Nil(t, groups)
				require.ErrorContains(t, err, test.err)
				require.ErrorContains(t, err, name)
				return
			}
			require.NoError(t, err)
			require.Len(t, groups, 1)
			require.Len(t, groups[0].Tests, 1)
			got := groups[0].Tests[0]
			require.Equal(t, Test{ID: 7, Comment: "c", Flags: []string{"A", "B"}, Result: Acceptable}, got.Test)
			require.Empty(t, got.Msg)
			require.Equal(t, Hex{0x0a, 0xff}, got.Sig)
			require.True(t, got.Has("B"))
			require.False(t, got.Has("C"))
			require.Equal(t, `test 7, acceptable ["A" "B"]: c`, got.String())
		})
	}
}
