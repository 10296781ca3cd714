package knownhosts

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A hostsFile makes known_hosts files at random.
type hostsFile struct{ r *rand.Rand }

func (f hostsFile) pick(of ...string) string { return of[f.r.IntN(len(of))] }

func (f hostsFile) name() string {
	return f.pick("a", "b", "ab", "bA", "192.0.2.1", "2001:db8::1") + f.pick("", "", ".test", ".TEST")
}

func (f hostsFile) pattern() string {
	p := f.name()
	switch f.r.IntN(6) {
	case 0:
		p = "*" + p[1:]
	case 1:
		p = "?" + p[1:]
	case 2:
		p += "*"
	}
	if f.r.IntN(3) == 0 {
		p = "[" + p + "]:" + f.pick("2222", "22", "*", "222?")
	}
	return f.pick("", "", "", "!") + p
}

func (f hostsFile) line() string {
	marker := f.pick("", "", "", "@revoked ", "@cert-authority ", "@unknown ", "@revoked @revoked ")
	var hosts string
	if f.r.IntN(3) == 0 {
		name := pattern.Lower(f.name())
		if f.r.IntN(3) == 0 {
			name = "[" + name + "]:2222"
		}
		hosts = hashedField(name)
	} else {
		var list []string
		for range 1 + f.r.IntN(3) {
			list = append(list, f.pattern())
		}
		hosts = strings.Join(list, ",")
	}
	keys := testkeys.All()
	key := strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(keys[f.r.IntN(len(keys))].PublicKey(), "")))
	blank := f.pick(" ", " ", "\t", "  ")
	return f.pick("", "", " ") + marker + hosts + blank + f.pick(key, key, key, key, "", "# "+key) + f.pick("", " a comment")
}

var foundLine = regexp.MustCompile(`(?m)^# Host .* found: line (\d+) ?(CA|REVOKED)?`)

// J8: ssh-keygen -F finds the same lines as we do, with the same markers, in
// files of lines at random.
func TestJ8SSHKeygenFindsTheSameLines(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ssh-keygen is not installed")
		}
		t.Skip("ssh-keygen is not installed")
	}
	f := hostsFile{rand.New(rand.NewPCG(5, 8))}
	kinds := map[string]int{}
	for range 250 {
		text := "# comment\n\n"
		for range 16 {
			text += f.line() + "\n"
		}
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		target := newTarget(f.name())
		if f.r.IntN(3) == 0 {
			target.port = "2222"
		}
		out, _ := exec.Command(keygen, "-F", target.String(), "-f", path).Output()
		want := []string{}
		for _, m := range foundLine.FindAllStringSubmatch(string(out), -1) {
			want = append(want, strings.TrimSpace(m[1]+" "+m[2]))
			kinds[m[2]]++
		}
		s := find([]file{{path: path, text: []byte(text)}}, target.String(), ignore)
		have := []string{}
		for kind, keys := range map[string][]KnownKey{"": s.known, "CA": s.authorities, "REVOKED": s.revoked} {
			for _, k := range keys {
				have = append(have, strings.TrimSpace(fmt.Sprint(k.Line, " ", kind)))
			}
		}
		slices.Sort(want)
		slices.Sort(have)
		require.Equal(t, want, have, "%s in\n%s\n%s", target, text, out)
	}
	require.Greater(t, kinds[""], 30)
	require.Greater(t, kinds["CA"], 20)
	require.Greater(t, kinds["REVOKED"], 20)
}

// What ssh-keygen -H makes of a file says the same, and what it takes out of
// one with -R is gone for us as well.
func TestJ8SSHKeygenHashesAndRemoves(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	f := hostsFile{rand.New(rand.NewPCG(13, 21))}
	for range 40 {
		var names []string
		text := ""
		for range 5 {
			target := newTarget(f.name())
			if f.r.IntN(2) == 0 {
				target.port = "2222"
			}
			names = append(names, target.String())
			text += target.String() + " " + string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), ""))
		}
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, exec.Command(keygen, "-H", "-f", path).Run())
		search := func(name string) int {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			return len(find([]file{{path: path, text: content}}, name, func(err error) { t.Error(err) }).known)
		}
		for _, name := range names {
			require.Equal(t, len(find([]file{{text: []byte(text)}}, name, ignore).known), search(name), name)
		}
		require.NoError(t, exec.Command(keygen, "-R", names[0], "-f", path).Run())
		require.Zero(t, search(names[0]))
		for _, name := range names[1:] {
			require.Equal(t, name != names[0], search(name) > 0, name)
		}
	}
}
