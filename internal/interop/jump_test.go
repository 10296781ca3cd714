package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
)

// route is three servers of OpenSSH, and a file of configuration that knows them
// as one, two and three.
func route(t *testing.T) (config string, servers []*server) {
	t.Helper()
	var text, known strings.Builder
	for _, name := range []string{"one", "two", "three"} {
		s := serve(t, sshd)
		servers = append(servers, s)
		fmt.Fprintf(&text, "Host %s\n HostName 127.0.0.1\n Port %d\n HostKeyAlias %s\n", name, s.port, name)
		fmt.Fprintf(&known, "%s %s", name, hostkey.MarshalAuthorizedKey(s.hostKeys[0], ""))
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	fmt.Fprintf(&text, "Host far\n HostName 127.0.0.1\n Port %d\n HostKeyAlias three\n ProxyJump one,two\n", servers[2].port)
	fmt.Fprintf(&text, "Host nested\n HostName 127.0.0.1\n Port %d\n HostKeyAlias three\n ProxyJump inner\nHost inner\n HostName 127.0.0.1\n Port %d\n HostKeyAlias two\n ProxyJump one\n",
		servers[2].port, servers[1].port)
	fmt.Fprintf(&text, "Host *\n User %s\n IdentityFile %s\n IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking yes\n UserKnownHostsFile %s\n GlobalKnownHostsFile none\n",
		userName(t), userKeyFile(t, hostkey.Ed25519), write("known", known.String()))
	config = write("config", text.String())
	return config, servers
}

// What leads to a host leads whelk there as it leads ssh: by one, two and three
// hosts, of which each has its own configuration and its own key to be checked,
// and by a command.
func TestJump(t *testing.T) {
	for _, p := range []*program{ssh, whelk} {
		between(t, p.name+" to sshd", []*program{p, ssh, sshd}, func(t *testing.T) {
			config, servers := route(t)
			for _, tt := range []struct {
				name string
				args []string
				last int // of the servers
			}{
				{"directly", []string{"two"}, 1},
				{"-J, one host", []string{"-J", "one", "two"}, 1},
				{"-J, two hosts", []string{"-J", "one,two", "three"}, 2},
				{"ProxyJump, two hosts", []string{"far"}, 2},
				{"ProxyJump of a host that has one", []string{"nested"}, 2},
				{"-J none", []string{"-J", "none", "far"}, 2},
				{"ProxyCommand", []string{"-o", "ProxyCommand " + ssh.path + " -F " + config + " -W %h:%p one", "three"}, 2},
				{"ProxyCommand for a shell", []string{"-o", "ProxyCommand " + ssh.path + " -F " + config + " -W '%h':%p one 2>/dev/null || exit 1", "three"}, 2},
			} {
				t.Run(tt.name, func(t *testing.T) {
					r := run(t, limited(t, p, append(append([]string{"-F", config}, tt.args...), "echo $SSH_CONNECTION")...))
					require.Zero(t, r.status, r.stderr)
					require.Empty(t, r.stderr)
					require.Contains(t, r.stdout, fmt.Sprintf(" 127.0.0.1 %d\n", servers[tt.last].port))
				})
			}
			t.Run("a host on the way is not who it should be", func(t *testing.T) {
				text, err := os.ReadFile(config)
				require.NoError(t, err)
				other := filepath.Join(t.TempDir(), "config")
				require.NoError(t, os.WriteFile(other, []byte(strings.Replace(string(text), "HostKeyAlias one", "HostKeyAlias stranger", 1)), 0o600))
				r := run(t, limited(t, p, "-F", other, "far", "echo in"))
				require.Equal(t, 255, r.status)
				require.Empty(t, r.stdout)
				require.Contains(t, strings.ToLower(r.stderr), "host key verification failed")
			})
		})
	}
}

// client.HostDialer reads the same file.
func TestHostDialer(t *testing.T) {
	between(t, "library to sshd", []*program{sshd}, func(t *testing.T) {
		config, servers := route(t)
		d := client.HostDialer{Config: sshconfig.Config{Files: []sshconfig.File{{Path: config, Required: true}}}}
		for host, last := range map[string]int{"one": 0, "far": 2, "nested": 2} {
			c, err := d.Dial(t.Context(), host)
			require.NoError(t, err, host)
			out, err := c.Command("echo $SSH_CONNECTION").Output(t.Context())
			require.NoError(t, err)
			require.Contains(t, string(out), fmt.Sprintf(" 127.0.0.1 %d\n", servers[last].port))
			require.NoError(t, c.Close())
		}
	})
}

// With -G both print the same host, user and way.
func TestPrintedSettings(t *testing.T) {
	between(t, "ssh and whelk", []*program{ssh, whelk, sshd}, func(t *testing.T) {
		config, _ := route(t)
		for _, host := range []string{"one", "far", "nested", "elsewhere.example.com"} {
			kept := func(p *program) (lines []string) {
				r := run(t, limited(t, p, "-F", config, "-p", "2222", "-l", "alice", "-J", "gate,[::1]:22", "-o", "SetEnv=A=1", "-C", "-A", "-4", "-G", host))
				require.Zero(t, r.status, r.stderr)
				for line := range strings.Lines(r.stdout) {
					switch name, _, _ := strings.Cut(line, " "); name {
					case "host", "user", "hostname", "port", "proxyjump", "identityfile", "identitiesonly", "setenv", "compression", "forwardagent", "addressfamily",
						"hostkeyalias", "userknownhostsfile", "globalknownhostsfile", "updatehostkeys", "batchmode", "stricthostkeychecking", "connecttimeout", "rekeylimit":
						lines = append(lines, line)
					}
				}
				return lines
			}
			require.Equal(t, kept(ssh), kept(whelk))
		}
	})
}
