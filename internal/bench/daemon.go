package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A daemon is an SSH server in a process of its own, with the host's key, for
// the user who runs it and has the user's key.
type daemon struct {
	cmd     *exec.Cmd
	address string
}

// listening is what sshd and whelkd say once they accept connections.
var listening = regexp.MustCompile(`(?i)listening on 127\.0\.0\.1(?::| port )(\d+)`)

// startSSHD starts OpenSSH's server with its defaults.
func (b *bench) startSSHD() (*daemon, error) { return b.startSSHDWith() }

// startSSHDWith starts OpenSSH's server with the options, at a port that was
// free a moment ago: it does not choose one itself. SHLVL keeps bash from
// reading the user's start-up files, as it does for commands of SSH servers.
func (b *bench) startSSHDWith(options ...string) (*daemon, error) {
	l, err := loopback()
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // for privilege separation
			return nil, err
		}
	}
	args := []string{"-D", "-e", "-f", "/dev/null", "-p", strconv.Itoa(port)}
	for _, option := range append([]string{
		"ListenAddress=127.0.0.1", "HostKey=" + b.file("host"), "AuthorizedKeysFile=" + b.file("authorized_keys"),
		"PermitRootLogin=yes", "PidFile=none", "PrintMotd=no", "PrintLastLog=no", "StrictModes=no", "UsePAM=no",
		"SetEnv=SHLVL=2",
	}, options...) {
		args = append(args, "-o", option)
	}
	return b.startDaemon(b.sshd, args...)
}

// startWhelkd starts ours.
func (b *bench) startWhelkd() (*daemon, error) {
	return b.startDaemon(b.whelkd, "-p", "0", "-h", b.file("host"), "-a", b.file("authorized_keys"))
}

func (b *bench) startDaemon(path string, args ...string) (*daemon, error) {
	d := &daemon{cmd: exec.Command(path, args...)}
	log, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	var said string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said = lines.Text()
		if found := listening.FindStringSubmatch(said); found != nil {
			d.address = net.JoinHostPort("127.0.0.1", found[1])
			go func() {
				for lines.Scan() { // a daemon that nobody listens to must not block
				}
			}()
			return d, nil
		}
	}
	d.stop()
	return nil, fmt.Errorf("bench: %s does not start: %s", path, said)
}

// stop ends the daemon. What it has started ends with its connections.
func (d *daemon) stop() {
	d.cmd.Process.Kill()
	d.cmd.Wait()
}

func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

// writeFiles writes what the commands need to know of each other.
func (b *bench) writeFiles() error {
	if err := hostkey.WritePrivateKeyFile(b.file("host"), b.keys.host, "bench"); err != nil {
		return err
	}
	if err := hostkey.WritePrivateKeyFile(b.file("user"), b.keys.user, "bench"); err != nil {
		return err
	}
	userKey, err := hostkey.NewPublicKey(b.keys.user.Public())
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.file("authorized_keys"), hostkey.MarshalAuthorizedKey(userKey, ""), 0o600); err != nil {
		return err
	}
	hostKey, err := hostkey.NewPublicKey(b.keys.host.Public())
	if err != nil {
		return err
	}
	line := append([]byte(hostAlias+" "), hostkey.MarshalAuthorizedKey(hostKey, "")...)
	return os.WriteFile(b.file("known_hosts"), line, 0o600)
}
