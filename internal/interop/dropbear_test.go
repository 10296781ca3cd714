package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

var (
	dbclient    = installed("dbclient")
	dropbear    = installed("dropbear")
	dropbearkey = installed("dropbearkey")
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

// Package client exchanges keys with Dropbear's server, with each type of host
// key. There it ends: which keys may log in, Dropbear reads only from the home
// directory, and tests have no business there.
func TestLibraryToDropbear(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		between(t, kind, []*program{library, dropbear, dropbearkey}, func(t *testing.T) {
			t.Parallel()
			file, public := dropbearKey(t, kind)
			port := freePort(t)
			address := fmt.Sprint("127.0.0.1:", port)
			launch(t, dropbear.path, "-F", "-E", "-s", "-p", address, "-r", file, "-P", filepath.Join(t.TempDir(), "pid"))
			require.Eventually(t, func() bool {
				nc, err := net.Dial("tcp", address)
				if err == nil {
					nc.Close()
				}
				return err == nil
			}, patience, 10*time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := client.Dial(ctx, "tcp", address, &client.Config{
				User: userName(t), HostKeys: hostkey.Pin(public),
				Auth: []userauth.Method{userauth.PublicKey(signer(t, otherKeys.file(t, hostkey.Ed25519)))},
			})
			var refused *userauth.Error
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Allowed, "publickey")
		})
	}
}
