package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A system is an /etc of a test's own, which some programs see in place of the
// machine's: there is a user with a password, and a host key.
type system struct {
	etc   string
	other string // the user
}

const (
	// otherUser is nobody on this machine.
	otherUser = "whelk-interop"

	// hashed is the bcrypt hash of secret.
	hashed = "$2b$04$JZS5Aw3CHF7xsGDT9URAqeIL0vvqH3jW3a5.qX.5Q6OdW7jcOH.6K"

	// pam lets in who has the right password, and has it changed if it expired.
	pam = "auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so sha512\nsession required pam_permit.so\n"
)

// newSystem makes a copy of /etc. It takes root, and a kernel that lets root
// have a view of its own of the file system.
func newSystem(t *testing.T) *system {
	t.Helper()
	if os.Geteuid() != 0 || exec.Command("unshare", "--mount", "true").Run() != nil {
		t.Skip("it takes root, and a mount namespace, to have an /etc of one's own")
	}
	// Users other than root have to get there.
	dir, err := os.MkdirTemp("/tmp", "whelk-interop-etc-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	s := &system{etc: filepath.Join(dir, "etc"), other: otherUser}
	output, err := exec.Command("cp", "-a", "/etc", s.etc).CombinedOutput()
	require.NoError(t, err, "%s", output)
	s.add(t, "passwd", s.other+":x:61234:61234::/:/bin/sh\n")
	s.add(t, "shadow", s.other+":"+hashed+":20000:0:99999:7:::\n")
	s.write(t, "pam.d/sshd", pam)
	key := signer(t, hostKeyFile(t, hostkey.ECDSA256))
	private, err := os.ReadFile(hostKeyFile(t, hostkey.ECDSA256))
	require.NoError(t, err)
	for _, kind := range []string{"ed25519", "rsa"} {
		os.Remove(s.path("ssh/ssh_host_" + kind + "_key"))
		os.Remove(s.path("ssh/ssh_host_" + kind + "_key.pub"))
	}
	s.write(t, "ssh/ssh_host_ecdsa_key", string(private))
	s.write(t, "ssh/ssh_host_ecdsa_key.pub", string(hostkey.MarshalAuthorizedKey(key.PublicKey(), "")))
	s.write(t, "ssh/ssh_config", "EnableSSHKeysign yes\n")
	s.write(t, "ssh/ssh_known_hosts", "localhost "+string(hostkey.MarshalAuthorizedKey(key.PublicKey(), "")))
	s.write(t, "ssh/shosts.equiv", "localhost "+userName(t)+"\n")
	s.write(t, "ssh/authorized_keys", text(t, authorizedKeysFile(t)))
	require.NoError(t, os.Chmod(s.path("ssh/authorized_keys"), 0o644))
	require.NoError(t, os.Chmod(s.path("ssh/ssh_host_ecdsa_key.pub"), 0o644))
	require.NoError(t, os.Chmod(s.path("ssh/ssh_config"), 0o644))
	return s
}

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func (s *system) path(name string) string { return filepath.Join(s.etc, name) }

func (s *system) write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.path(name), []byte(content), 0o600))
}

// add adds lines to a file that is there.
func (s *system) add(t *testing.T, name, lines string) {
	t.Helper()
	f, err := os.OpenFile(s.path(name), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(lines)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// expire has the user's password expire.
func (s *system) expire(t *testing.T) {
	t.Helper()
	shadow := strings.Replace(text(t, s.path("shadow")), hashed+":20000:", hashed+":0:", 1)
	require.NoError(t, os.WriteFile(s.path("shadow"), []byte(shadow), 0o600))
}

// within returns a program that sees the system.
func (s *system) within(t *testing.T, p *program) *program {
	t.Helper()
	p.mustExist(t)
	script := filepath.Join(t.TempDir(), p.name)
	content := fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -c 'mount --bind %s /etc && exec %s \"$@\"' %s \"$@\"\n", s.etc, p.path, p.name)
	require.NoError(t, os.WriteFile(script, []byte(content), 0o700))
	return &program{name: p.name, path: script, ours: p.ours}
}

// askpass returns a program that answers questions in place of a user, for
// SSH_ASKPASS of ssh(1): each rule is a pattern of sh(1) and the answer to what
// it matches.
func askpass(t *testing.T, rules ...[2]string) []string {
	t.Helper()
	var script strings.Builder
	script.WriteString("#!/bin/sh\ncase \"$1\" in\n")
	for _, r := range rules {
		fmt.Fprintf(&script, "%s) echo '%s';;\n", r[0], r[1])
	}
	script.WriteString("*) exit 1;;\nesac\n")
	path := filepath.Join(t.TempDir(), "askpass")
	require.NoError(t, os.WriteFile(path, []byte(script.String()), 0o700))
	return []string{"SSH_ASKPASS=" + path, "SSH_ASKPASS_REQUIRE=force"}
}
