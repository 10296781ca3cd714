package knownhosts_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// everything is a file with one line of each kind, in which the host "h" is to
// be changed and nothing else.
var everything = []string{
	"# a comment, with  blanks \t and \x1b[31mescapes\n",
	"\n",
	"  \t\r\n",
	"\tindented " + strings.TrimSpace(entry("", key)) + "  trailing  \r\n",
	"@revoked * " + strings.TrimSpace(entry("", rsa)) + "\n",
	"@cert-authority  *.test,h " + strings.TrimSpace(entry("", p256)) + "\n",
	"malformed\n",
	"h ssh-ed25519 ????\n",
	"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=" + entry("", key),
	entry("*.wild", p256),
	"last without newline " + strings.TrimSpace(entry("", rsa)),
}

func TestAddKeepsEverythingElse(t *testing.T) {
	before := strings.Join(everything, "")
	path := write(t, before)
	v := knownhosts.New(knownhosts.Config{Files: []string{path}})
	require.NoError(t, v.Add(host("[new]:2222"), other))
	require.Equal(t, before+"\n[new]:2222 "+string(hostkey.MarshalAuthorizedKey(other, "")), read(t, path))
}

func TestForget(t *testing.T) {
	hashed := filepath.Join(t.TempDir(), "hashed")
	require.NoError(t, knownhosts.New(knownhosts.Config{Files: []string{hashed}, Hash: true}).Add(host("h"), rsa))
	lines := slices.Concat([]string{"h " + strings.TrimSpace(entry("", key)) + "\n", entry("a,H,b", other), "\th,x " + entry("", rsa), entry("h*,h", p256)}, everything)
	path, system := write(t, lines...), write(t, entry("h", key))
	v := knownhosts.New(knownhosts.Config{Files: []string{path, hashed, filepath.Join(t.TempDir(), "none")}, SystemFiles: []string{system}})
	gone, err := v.Forget(t.Context(), host("H:22"))
	require.NoError(t, err)
	require.Len(t, gone, 4)
	for i, want := range []int{1, 2, 3, 1} {
		require.Equal(t, want, gone[i].Line)
	}
	require.Equal(t, entry("a,b", other)+"\tx "+entry("", rsa)+entry("h*,h", p256)+strings.Join(everything, ""), read(t, path))
	require.Empty(t, read(t, hashed))
	require.Equal(t, entry("h", key), read(t, system))

	gone, err = v.Forget(t.Context(), host("nobody"))
	require.NoError(t, err)
	require.Empty(t, gone)
	_, err = v.Forget(t.Context(), host(""))
	require.Error(t, err)
}

// What a rewritten file was, it is still: mode, owner, and where a symbolic
// link leads.
func TestRewriteKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	target, link, linked := filepath.Join(dir, "a", "target"), filepath.Join(dir, "link"), filepath.Join(dir, "linked")
	require.NoError(t, os.Mkdir(filepath.Dir(target), 0o700))
	require.NoError(t, os.WriteFile(target, []byte(entry("h", key)+entry("g", key)), 0o640))
	require.NoError(t, os.Chmod(target, 0o640))
	require.NoError(t, os.Symlink("a/target", link))
	require.NoError(t, os.Symlink("link", linked))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(target, 1234, 5678))
	}
	owner := func() string {
		out, _ := exec.Command("stat", "-c", "%u:%g", target).Output()
		return string(out)
	}
	before := owner()
	v := knownhosts.New(knownhosts.Config{Files: []string{linked}})
	_, err := v.Forget(t.Context(), host("h"))
	require.NoError(t, err)
	require.Equal(t, entry("g", key), read(t, target))
	info, err := os.Lstat(target)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode())
	require.Equal(t, before, owner())
	for _, name := range []string{link, linked} {
		info, err := os.Lstat(name)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&fs.ModeSymlink)
	}
	entries, err := os.ReadDir(filepath.Dir(target))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left behind")
}

// A link to a file that does not exist makes that file.
func TestAddThroughADanglingLink(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink("target", filepath.Join(dir, "link")))
	v := knownhosts.New(knownhosts.Config{Files: []string{filepath.Join(dir, "link")}})
	require.NoError(t, v.Add(host("h"), key))
	require.Contains(t, read(t, filepath.Join(dir, "target")), "h ssh-ed25519")
}

func TestRewriteRefuses(t *testing.T) {
	v := knownhosts.New(knownhosts.Config{Files: []string{"/dev/null"}})
	_, err := v.Forget(t.Context(), host("h"))
	require.NoError(t, err, "there is nothing to change")
	v = knownhosts.New(knownhosts.Config{Files: []string{t.TempDir()}})
	_, err = v.Forget(t.Context(), host("h"))
	require.Error(t, err)
	big := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(big, make([]byte, 16<<20+1), 0o600))
	v = knownhosts.New(knownhosts.Config{Files: []string{big}})
	_, err = v.Forget(t.Context(), host("h"))
	require.ErrorContains(t, err, "larger")
}

// TestWriter is a program that adds hosts, and takes others out, when
// TestConcurrentProcesses runs it.
func TestWriter(t *testing.T) {
	path, name := os.Getenv("KNOWNHOSTS_TEST_FILE"), os.Getenv("KNOWNHOSTS_TEST_NAME")
	if path == "" {
		t.Skip("is run by TestConcurrentProcesses")
	}
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	for i := range 20 {
		require.NoError(t, v.VerifyHostKey(t.Context(), host(fmt.Sprintf("%s-%d", name, i)), key))
		require.NoError(t, v.VerifyHostKey(t.Context(), host(fmt.Sprintf("%s-gone-%d", name, i)), key))
		gone, err := v.Forget(t.Context(), host(fmt.Sprintf("%s-gone-%d", name, i)))
		require.NoError(t, err)
		require.Len(t, gone, 1)
		if v.VerifyHostKey(t.Context(), host("contested"), []hostkey.PublicKey{key, other, rsa, p256}[len(name)%4]) == nil {
			fmt.Println("accepted", name)
		}
	}
}

// Programs that add and take out hosts at a time lose nothing, and of several
// keys of a new host one wins. One that takes no locks appends, as ssh does.
func TestConcurrentProcesses(t *testing.T) {
	path := write(t, strings.Join(everything[:9], ""))
	names := []string{"a", "bb", "ccc", "dddd"}
	var wg sync.WaitGroup
	var mu sync.Mutex
	winners := map[string]bool{}
	for _, name := range names {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestWriter$", "-test.v")
			cmd.Env = append(os.Environ(), "KNOWNHOSTS_TEST_FILE="+path, "KNOWNHOSTS_TEST_NAME="+name)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(string(out), "accepted "+name) {
				winners[name] = true
			}
		})
	}
	wg.Wait()
	content := read(t, path)
	require.True(t, strings.HasPrefix(content, strings.Join(everything[:9], "")), "what was there is as it was")
	for _, name := range names {
		for i := range 20 {
			require.Equal(t, 1, strings.Count(content, fmt.Sprintf("\n%s-%d ssh-ed25519 ", name, i)), "%s %d", name, i)
		}
	}
	require.NotContains(t, content, "gone")
	require.Len(t, winners, 1)
	require.Equal(t, 1, strings.Count(content, "\ncontested "))
	require.Equal(t, 9+80+1, strings.Count(content, "\n"))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left behind")
}

// A program that keeps the lock does not keep others for ever, nor beyond
// their context.
func TestLockIsBounded(t *testing.T) {
	path := write(t, entry("h", key))
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("there is no flock here")
	}
	cmd := exec.Command("flock", path, "sh", "-c", "echo locked; sleep 60")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	_, err = out.Read(make([]byte, 10))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h"), key), "reading needs no lock")
	require.ErrorIs(t, v.VerifyHostKey(ctx, host("new"), key), context.DeadlineExceeded)
}
