package sftp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// OpenSSH's sftp starts a server that is this binary, and does all it can.
func TestOpenSSHClient(t *testing.T) {
	need(t, "sftp", "openssh-client")
	self, err := os.Executable()
	require.NoError(t, err)
	dir, local := t.TempDir(), t.TempDir()
	tree(t, filepath.Join(local, "tree"))
	cmd := exec.Command("sftp", "-q", "-D", self, "-b", "-")
	cmd.Env = append(os.Environ(), roleVariable+"=server", "WHELK_SFTP_DIR="+dir)
	cmd.Dir = local
	cmd.Stdin = strings.NewReader(`put -pr tree
get -pr tree back
ls -l tree
mkdir made
chmod 700 made
rename tree/small made/other
ln -s other made/link
ln made/other made/hard
copy made/other made/copied
df .
rm made/link
mkdir empty
rmdir empty
cd made
pwd
-get missing
bye
`)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	requireSameTree(t, filepath.Join(local, "tree"), filepath.Join(local, "back"))
	requirePreserved(t, filepath.Join(local, "back"))
	for _, name := range []string{"other", "hard", "copied"} {
		require.Equal(t, pattern(10), read(t, filepath.Join(dir, "made", name)))
	}
	require.NoDirExists(t, filepath.Join(dir, "empty"))
	require.Contains(t, string(output), "%Capacity")
	require.Contains(t, string(output), dir+"/made")
}
