package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

var (
	dbclient        = installed("dbclient")
	dropbear        = installed("dropbear")
	dropbearkey     = installed("dropbearkey")
	dropbearconvert = installed("dropbearconvert")
	nssWrapper      = installedLibrary("libnss_wrapper.so")
)

// dropbearKey makes a key in Dropbear's own format, and returns its file and
// its public half.
func dropbearKey(t *testing.T, kind string) (file string, public hostkey.PublicKey) {
	t.Helper()
	file = filepath.Join(t.TempDir(), kind)
	output, err := commandOf(dropbearkey.path, "-t", kind, "-f", file).CombinedOutput()
	require.NoError(t, err, "%s", output)
	output, err = commandOf(dropbearkey.path, "-y", "-f", file).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(output)) {
		if key, err := hostkey.ParseAuthorizedKey([]byte(strings.TrimSpace(line))); err == nil {
			return file, key.Key
		}
	}
	t.Fatalf("no public key in %q", output)
	return "", nil
}

// dropbearFormat returns the file of a key in Dropbear's own format.
func dropbearFormat(t *testing.T, file string) string {
	t.Helper()
	converted := filepath.Join(t.TempDir(), filepath.Base(file))
	output, err := commandOf(dropbearconvert.path, "openssh", "dropbear", file, converted).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return converted
}

// startDropbear starts Dropbear's server, which does not say where it listens.
// Which keys may log in it reads from the home directory alone, where tests
// have no business: it is made to see another one.
func startDropbear(t *testing.T, hostKeys ...string) *server {
	t.Helper()
	nssWrapper.mustExist(t)
	home := t.TempDir()
	keys, err := os.ReadFile(authorizedKeysFile(t))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".ssh", "authorized_keys"), keys, 0o600))
	passwd, group := filepath.Join(home, "passwd"), filepath.Join(home, "group")
	line := fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", userName(t), os.Getuid(), os.Getgid(), home)
	require.NoError(t, os.WriteFile(passwd, []byte(line), 0o600))
	require.NoError(t, os.WriteFile(group, fmt.Appendf(nil, "%s:x:%d:\n", userName(t), os.Getgid()), 0o600))

	s := &server{program: dropbear, port: freePort(t), hostKeys: trusted(t)}
	args := []string{"LD_PRELOAD=" + nssWrapper.path, "NSS_WRAPPER_PASSWD=" + passwd, "NSS_WRAPPER_GROUP=" + group,
		dropbear.path, "-F", "-E", "-s", "-p", s.address(), "-P", filepath.Join(home, "pid")}
	for _, file := range hostKeys {
		args = append(args, "-r", dropbearFormat(t, file))
	}
	s.daemon = launch(t, installed("env").path, args...)
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", s.address())
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond)
	t.Cleanup(func() { s.requireNoChildren(t) })
	return s
}

// Dropbear's client runs commands on whelkd, with each type of key.
func TestDropbearToWhelkd(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		between(t, kind, []*program{dbclient, dropbearkey, whelkd}, func(t *testing.T) {
			t.Parallel()
			file, public := dropbearKey(t, kind)
			authorized := filepath.Join(t.TempDir(), "authorized_keys")
			require.NoError(t, os.WriteFile(authorized, hostkey.MarshalAuthorizedKey(public, ""), 0o600))
			s := serve(t, whelkd, append(everyHostKey(t), "AuthorizedKeysFile="+authorized)...)
			dial := func(command string) result {
				cmd := commandOf(dbclient.path, "-y", "-y", "-p", strconv.Itoa(s.port), "-i", file, "-l", userName(t), "127.0.0.1", command)
				cmd.Env = append(cmd.Env, "HOME="+t.TempDir())
				cmd.Stdin = newStream(mebibyte)
				return run(t, cmd)
			}
			r := dial("sha256sum; echo err >&2; exit 7")
			require.Equal(t, 7, r.status, r.stderr)
			require.Contains(t, streamSum(mebibyte), strings.Fields(r.stdout)[0])
			require.Contains(t, r.stderr, "err\n")
			received := newSum()
			r = dial(remotely(t, fmt.Sprint("generate ", mebibyte)))
			require.Equal(t, 0, r.status, r.stderr)
			fmt.Fprint(received, r.stdout)
			require.Equal(t, streamSum(mebibyte), received.String())
		})
	}
}
