package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
)

var (
	sftpProgram = installed("sftp")
	scpProgram  = installed("scp")
	whelkcp     = &program{name: "whelkcp", path: "client/whelkcp", ours: true}
)

// buildWhelkcp builds the command once, for the tests that need it.
var buildWhelkcp = sync.OnceValue(func() error {
	path := filepath.Join(workDir, "whelkcp")
	cmd := exec.Command("go", "build", "-o", path, "./client/whelkcp")
	cmd.Dir = filepath.Join("..", "..")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, output)
	}
	whelkcp.path = path
	return nil
})

// subsystems are the servers of files: OpenSSH's program, and what is in
// whelkd.
var subsystems = map[*program]string{sshd: "Subsystem=sftp /usr/lib/openssh/sftp-server", whelkd: "Subsystem=sftp internal-sftp"}

// serveSFTP starts a server of files.
func serveSFTP(t *testing.T, p *program) *server { return serve(t, p, subsystems[p]) }

// copyArguments are those that scp, sftp and whelkcp share: a port is -P.
func (s *server) copyArguments(t *testing.T) []string {
	return []string{
		"-q", "-i", userKeyFile(t, hostkey.Ed25519), "-F", "none", "-P", strconv.Itoa(s.port), "-o", "User=" + userName(t),
		"-o", "UserKnownHostsFile=" + s.knownHosts, "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
	}
}

// plant makes a tree to be copied.
func plant(t *testing.T, dir string, files int) {
	t.Helper()
	for i := range files {
		sub := filepath.Join(dir, fmt.Sprint("d", i%10))
		require.NoError(t, os.MkdirAll(sub, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(sub, fmt.Sprint("file ", i)), fmt.Append(nil, "content ", i), 0o640))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "latin\xe91"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "big"), make([]byte, 3<<20), 0o600))
}

// requireSame fails unless diff finds the two trees to be the same.
func requireSame(t *testing.T, a, b string) {
	t.Helper()
	output, err := exec.Command("diff", "-r", a, b).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// OpenSSH's sftp does all that it can.
func TestSFTPProgram(t *testing.T) {
	for _, p := range []*program{sshd, whelkd} {
		between(t, "sftp to "+p.name, []*program{sftpProgram, p}, func(t *testing.T) {
			t.Parallel()
			s := serveSFTP(t, p)
			local, remote := t.TempDir(), t.TempDir()
			plant(t, filepath.Join(local, "tree"), 100)
			script := fmt.Sprintf(`cd %[2]s
lcd %[1]s
put -pr tree
get -pr tree back
mkdir made
chmod 700 made
rename tree/big made/bigger
ln -s big made/link
ln made/bigger made/hard
ls -la made
df made
rm made/link
-reput %[1]s/tree/big made/bigger
rm tree/d0/*
rmdir tree/d0
cd made
!true
pwd
-get nothing
copy bigger copied
bye
`, local, remote)
			cmd := limited(t, sftpProgram, append(s.copyArguments(t), "-b", "-", "127.0.0.1")...)
			cmd.Stdin = strings.NewReader(script)
			r := run(t, cmd)
			require.Equal(t, 0, r.status, "%s\n%s", r.stdout, r.stderr)
			requireSame(t, filepath.Join(local, "tree"), filepath.Join(local, "back"))
			info, err := os.Stat(filepath.Join(remote, "made"))
			require.NoError(t, err)
			require.Equal(t, os.ModeDir|0o700, info.Mode())
			require.NoDirExists(t, filepath.Join(remote, "tree", "d0"))
			require.FileExists(t, filepath.Join(remote, "made", "hard"))
			require.Contains(t, r.stdout, "bigger")
			require.Contains(t, r.stdout, "%Capacity")
			require.Contains(t, r.stdout, remote+"/made")
			copied, err := os.Stat(filepath.Join(remote, "made", "copied"))
			require.NoError(t, err)
			require.EqualValues(t, 3<<20, copied.Size())
		})
	}
}

// Each program that copies copies to and from each server.
func TestCopyPrograms(t *testing.T) {
	require.NoError(t, buildWhelkcp())
	for _, p := range []pair{{scpProgram, sshd}, {scpProgram, whelkd}, {whelkcp, sshd}, {whelkcp, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			s := serveSFTP(t, p.server)
			local, remote := t.TempDir(), t.TempDir()
			plant(t, filepath.Join(local, "tree"), 100)
			copy := func(words ...string) result {
				return run(t, limited(t, p.client, append(s.copyArguments(t), words...)...))
			}
			there := func(path string) string { return "127.0.0.1:" + path }
			r := copy("-rp", filepath.Join(local, "tree"), there(remote))
			require.Equal(t, 0, r.status, r.stderr)
			requireSame(t, filepath.Join(local, "tree"), filepath.Join(remote, "tree"))
			r = copy("-r", there(remote+"/tree"), filepath.Join(local, "back"))
			require.Equal(t, 0, r.status, r.stderr)
			requireSame(t, filepath.Join(local, "tree"), filepath.Join(local, "back"))
			require.NoError(t, os.Mkdir(filepath.Join(local, "some"), 0o755))
			r = copy(there(remote+"/tree/d[12]/file *1"), there(remote+"/tree/big"), filepath.Join(local, "some"))
			require.Equal(t, 0, r.status, r.stderr)
			entries, err := os.ReadDir(filepath.Join(local, "some"))
			require.NoError(t, err)
			require.Len(t, entries, 11)
			r = copy("-3", there(remote+"/tree/big"), there(remote+"/other"))
			require.Equal(t, 0, r.status, r.stderr)
			require.FileExists(t, filepath.Join(remote, "other"))

			r = copy(there(remote+"/missing"), local)
			require.Equal(t, 1, r.status)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
			r = copy(there(remote+"/tree"), local)
			require.Equal(t, 1, r.status, "a directory, without -r")
			r = copy(filepath.Join(local, "tree", "big"), filepath.Join(local, "tree", "latin\xe91"), there(remote+"/other"))
			require.NotEqual(t, 0, r.status, "two files, to one that is none")
		})
	}
}

// whelkcp says what is wrong in one line each, and does the rest.
func TestWhelkcpFails(t *testing.T) {
	require.NoError(t, buildWhelkcp())
	s := serveSFTP(t, whelkd)
	local, remote := t.TempDir(), t.TempDir()
	plant(t, remote, 10)
	copy := func(words ...string) result {
		return run(t, limited(t, whelkcp, append(s.copyArguments(t), words...)...))
	}
	r := copy("127.0.0.1:"+remote+"/missing\x1b[2J", "127.0.0.1:"+remote+"/big", local)
	require.Equal(t, 1, r.status)
	require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
	require.Contains(t, r.stderr, `missing\x1b[2J`)
	require.NotContains(t, r.stderr, "\x1b")
	require.FileExists(t, filepath.Join(local, "big"))
	for _, words := range [][]string{
		{"-O", "a", "b"}, {"-z", "a", "b"}, {"a"}, {"-l", "fast", "a", "b"}, {"-o", "Nonsense=1", "127.0.0.1:a", "b"},
		{"-P"}, {"127.0.0.1:" + remote + "/big", local + "/no/such/"}, {"-P", "1", "127.0.0.1:x", local}, {local + "/missing", "127.0.0.1:"},
		{"-S", "ssh", "a", "b"}, {"scp://host:x/", "b"}, {"-ohost:a", "b"},
	} {
		r := run(t, limited(t, whelkcp, append(words[:len(words):len(words)], s.copyArguments(t)[:0]...)...))
		require.Equal(t, 1, r.status, words)
		require.Equal(t, 1, strings.Count(r.stderr, "\n"), "%q: %s", words, r.stderr)
		require.True(t, strings.HasPrefix(r.stderr, "whelkcp: "), r.stderr)
	}
}

// Paramiko's client at whelkd.
func TestParamikoSFTP(t *testing.T) {
	python := scripted("Paramiko", "paramiko").client
	between(t, "Paramiko to whelkd", []*program{python, whelkd}, func(t *testing.T) {
		s := serveSFTP(t, whelkd)
		remote, err := filepath.EvalSymlinks(t.TempDir())
		require.NoError(t, err)
		r := run(t, limited(t, python, peerScript(t, "paramiko_sftp.py"), strconv.Itoa(s.port), userName(t), userKeyFile(t, hostkey.Ed25519), t.TempDir(), remote))
		require.Equal(t, 0, r.status, "%s\n%s", r.stdout, r.stderr)
		require.Contains(t, r.stdout, "all is well")
	})
}

// Our client at both servers, with a tree of a thousand files.
func TestSFTPLibrary(t *testing.T) {
	for _, p := range []*program{sshd, whelkd} {
		between(t, "library to "+p.name, []*program{library, p}, func(t *testing.T) {
			t.Parallel()
			s := serveSFTP(t, p)
			c := s.dial(t, func(*client.Config) {})
			files, err := c.SFTP(t.Context())
			require.NoError(t, err)
			local, remote := t.TempDir(), t.TempDir()
			plant(t, filepath.Join(local, "tree"), 1000)
			require.NoError(t, files.Put(t.Context(), filepath.Join(local, "tree"), remote+"/put", &sftp.Transfer{Preserve: true}))
			requireSame(t, filepath.Join(local, "tree"), filepath.Join(remote, "put"))
			require.NoError(t, files.Get(t.Context(), remote+"/put", filepath.Join(local, "got"), nil))
			requireSame(t, filepath.Join(local, "tree"), filepath.Join(local, "got"))
			require.NoError(t, files.RemoveAll(remote+"/put"))
			require.NoDirExists(t, filepath.Join(remote, "put"))
			require.NoError(t, files.Close())
		})
	}
}

// whelkd's flags for internal-sftp.
func TestInternalSFTPFlags(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, 10)
	connect := func(t *testing.T, flags string) *sftp.Client {
		s := serve(t, whelkd, "Subsystem=sftp internal-sftp "+flags)
		files, err := s.dial(t, nil).SFTP(t.Context())
		require.NoError(t, err)
		return files
	}
	t.Run("-R", func(t *testing.T) {
		files := connect(t, "-R -d "+dir)
		_, err := files.Stat("big")
		require.NoError(t, err)
		require.ErrorIs(t, files.Mkdir("x", 0o755), os.ErrPermission)
	})
	t.Run("-r", func(t *testing.T) {
		files := connect(t, "-u 077 -r "+dir)
		_, err := files.Stat("/big")
		require.NoError(t, err)
		_, err = files.Stat("/etc/passwd")
		require.ErrorIs(t, err, os.ErrNotExist)
		require.NoError(t, files.Mkdir("/made", 0o777))
		info, err := os.Stat(filepath.Join(dir, "made"))
		require.NoError(t, err)
		require.Equal(t, os.ModeDir|0o700, info.Mode())
	})
}

// A command that is forced comes ahead of a subsystem, and may be files.
func TestForcedSFTP(t *testing.T) {
	for _, p := range []*program{sshd, whelkd} {
		between(t, "a command, at "+p.name, []*program{library, p}, func(t *testing.T) {
			s := serve(t, p, subsystems[p], "ForceCommand=echo no files")
			_, err := s.dial(t, nil).SFTP(t.Context())
			require.ErrorContains(t, err, `begins with "no fi"`)
		})
		between(t, "files, at "+p.name, []*program{library, p}, func(t *testing.T) {
			s := serve(t, p, subsystems[p], "ForceCommand=internal-sftp")
			c := s.dial(t, nil)
			files, err := c.SFTP(t.Context())
			require.NoError(t, err)
			_, err = files.Stat("/")
			require.NoError(t, err)
			require.NoError(t, files.Close())
			var text strings.Builder
			cmd := c.Command("echo a shell")
			cmd.Stdout, cmd.Stdin = &text, strings.NewReader("")
			_ = cmd.Run(t.Context())
			require.NotContains(t, text.String(), "a shell")
		})
	}
	between(t, "a client asks", []*program{library, whelkd}, func(t *testing.T) {
		err := serve(t, whelkd).dial(t, nil).Command("internal-sftp").Run(t.Context())
		require.Equal(t, 127, statusOf(err), "it is no command of the shell's")
	})
}

// What people run over ssh to copy: rsync, git, and a file system.
func TestCopyingOverWhelkd(t *testing.T) {
	rsync, git, sshfs := installed("rsync"), installed("git"), installed("sshfs")
	shell := func(t *testing.T, s *server) string {
		words := []string{ssh.path}
		for _, word := range s.arguments(t) {
			words = append(words, client.Quote(word))
		}
		return strings.Join(words, " ")
	}
	between(t, "rsync", []*program{rsync, ssh, whelkd}, func(t *testing.T) {
		s := serve(t, whelkd)
		local, remote := t.TempDir(), t.TempDir()
		plant(t, local, 100)
		r := run(t, limited(t, rsync, "-a", "-e", shell(t, s), local+"/", "127.0.0.1:"+remote))
		require.Equal(t, 0, r.status, r.stderr)
		requireSame(t, local, remote)
	})
	between(t, "git", []*program{git, ssh, whelkd}, func(t *testing.T) {
		s := serve(t, whelkd)
		local, remote := t.TempDir(), t.TempDir()
		do := func(args ...string) {
			cmd := limited(t, git, append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
			cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND="+shell(t, s), "HOME="+t.TempDir())
			r := run(t, cmd)
			require.Equal(t, 0, r.status, r.stderr)
		}
		plant(t, local, 100)
		do("init", "-q", local)
		do("-C", local, "add", ".")
		do("-C", local, "commit", "-q", "-m", "all")
		do("init", "-q", "--bare", remote)
		do("-C", local, "push", "-q", "ssh://127.0.0.1"+remote, "HEAD:refs/heads/main")
		do("clone", "-q", "-b", "main", "ssh://127.0.0.1"+remote, filepath.Join(local, "clone"))
		require.FileExists(t, filepath.Join(local, "clone", "big"))
	})
	between(t, "sshfs", []*program{sshfs, ssh, whelkd}, func(t *testing.T) {
		if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
			t.Skipf("there is no FUSE here: %v", err)
		} else {
			f.Close()
		}
		s := serveSFTP(t, whelkd)
		local, remote := t.TempDir(), t.TempDir()
		plant(t, remote, 100)
		r := run(t, limited(t, sshfs, "-F", "none", "-p", strconv.Itoa(s.port),
			"-o", "IdentityFile="+userKeyFile(t, hostkey.Ed25519), "-o", "UserKnownHostsFile="+s.knownHosts, "-o", "IdentitiesOnly=yes",
			"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", userName(t)+"@127.0.0.1:"+remote, local))
		if r.status != 0 && strings.Contains(r.stderr, "fuse") {
			t.Skipf("nothing can be mounted here: %s", r.stderr)
		}
		require.Equal(t, 0, r.status, r.stderr)
		t.Cleanup(func() { exec.Command("fusermount3", "-u", local).Run() })
		requireSame(t, remote, local)
		require.NoError(t, os.WriteFile(filepath.Join(local, "made"), []byte("x"), 0o600))
		require.NoError(t, os.Rename(filepath.Join(local, "made"), filepath.Join(local, "big")))
		require.FileExists(t, filepath.Join(remote, "big"))
	})
}
