package knownhosts_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// sshKeygen finds ssh-keygen of OpenSSH, which is required in CI only.
func sshKeygen(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ssh-keygen")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("ssh-keygen is not installed")
	} else if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	return path
}

// found returns how many lines ssh-keygen -F finds for a host.
func found(t *testing.T, keygen, path, host string) int {
	t.Helper()
	out, err := exec.Command(keygen, "-F", host, "-f", path).Output()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
	}
	return strings.Count(string(out), " found: line ")
}

// J8: both matchers find the same hosts in files made of patterns at random,
// plain and hashed, with ports and without.
func TestJ8AgreesWithSSHKeygen(t *testing.T) {
	keygen := sshKeygen(t)
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	name := func() string { return pick("a", "b", "ab", "A", "bA") + pick("", ".test", ".b.test", ".TEST") }
	pattern := func() string {
		p := name()
		switch r.IntN(4) {
		case 0:
			p = "*" + p[1:]
		case 1:
			p = "?" + p[1:]
		case 2:
			p = p + "*"
		}
		if r.IntN(3) == 0 {
			p = "[" + p + "]:" + pick("2222", "22", "*")
		}
		return pick("", "", "", "!") + p
	}
	matched := 0
	for i := range 200 {
		var hosts []string
		for range 1 + r.IntN(3) {
			hosts = append(hosts, pattern())
		}
		path := write(t, entry(strings.Join(hosts, ","), key))
		if i%4 == 0 { // -H hashes names, and leaves lines with patterns alone
			require.NoError(t, exec.Command(keygen, "-H", "-f", path).Run())
		}
		dialed := name()
		look := strings.ToLower(dialed)
		if r.IntN(3) == 0 {
			dialed, look = dialed+":2222", "["+look+"]:2222"
		}
		v := knownhosts.New(knownhosts.Config{Files: []string{path}})
		err := v.VerifyHostKey(t.Context(), hostkey.Host{Name: dialed}, other)
		known := errors.Is(err, knownhosts.ErrChanged)
		require.Equal(t, found(t, keygen, path, look) > 0, known, "%q in %q", look, read(t, path))
		if known {
			matched++
		}
	}
	require.Greater(t, matched, 20)
	require.Less(t, matched, 180)
}

// What is added is found by ssh-keygen, and the command of the error removes it.
func TestSSHKeygenFindsWhatIsAdded(t *testing.T) {
	keygen := sshKeygen(t)
	for _, hash := range []bool{false, true} {
		for dialed, look := range map[string]string{
			"Example.com:22": "example.com", "example.com:2222": "[example.com]:2222",
			"[2001:db8::1]:22": "2001:db8::1", "[2001:db8::1]:2222": "[2001:db8::1]:2222", "192.0.2.1:22": "192.0.2.1",
		} {
			t.Run(fmt.Sprint(look, " hashed ", hash), func(t *testing.T) {
				path := write(t)
				v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew, Hash: hash})
				require.NoError(t, v.VerifyHostKey(t.Context(), hostkey.Host{Name: dialed}, rsa))
				require.Equal(t, 1, found(t, keygen, path, look))
				require.Equal(t, hash, strings.HasPrefix(read(t, path), "|1|"))

				err := v.VerifyHostKey(t.Context(), hostkey.Host{Name: dialed}, key)
				_, command, _ := strings.Cut(err.Error(), "`")
				command = strings.Replace(strings.TrimSuffix(command, "`"), "ssh-keygen", keygen, 1)
				out, err := exec.Command("sh", "-c", command).CombinedOutput()
				require.NoError(t, err, "%s: %s", command, out)
				require.Zero(t, found(t, keygen, path, look))
				require.NoError(t, v.VerifyHostKey(t.Context(), hostkey.Host{Name: dialed}, key))
			})
		}
	}
}
