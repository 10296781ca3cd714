package interop

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A server listens on the loopback interface and lets in whoever has one of
// the user keys.
type server struct {
	*daemon
	program    *program
	port       int
	hostKeys   []hostkey.PublicKey
	knownHosts string // a file that has them
	deaf       string // what it does about a guess against RFC 4253, section 7, or ""
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// serve starts a server with options of sshd_config(5), each "Keyword=value".
// Without a HostKey among them it has an Ed25519 key.
func serve(t *testing.T, p *program, options ...string) *server {
	t.Helper()
	s := &server{program: p}
	var others, files []string
	for _, option := range options {
		if file, ok := strings.CutPrefix(option, "HostKey="); ok {
			files = append(files, file)
		} else {
			others = append(others, option)
		}
	}
	if files == nil {
		files = []string{hostKeyFile(t, hostkey.Ed25519)}
	}
	var hostKeyArgs []string
	for _, file := range files {
		hostKeyArgs = append(hostKeyArgs, "-h", file)
		s.hostKeys = append(s.hostKeys, publicKey(t, file))
	}
	if p.name == sshd.name {
		s.startOpenSSH(t, hostKeyArgs, others)
	} else {
		s.startWhelk(t, hostKeyArgs, others)
	}
	s.knownHosts = filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(s.knownHosts, knownHosts(s.port, s.hostKeys...), 0o600))
	t.Cleanup(func() { s.requireNoChildren(t) })
	return s
}

func knownHosts(port int, keys ...hostkey.PublicKey) []byte {
	var lines bytes.Buffer
	for _, key := range keys {
		fmt.Fprintf(&lines, "[127.0.0.1]:%d %s", port, hostkey.MarshalAuthorizedKey(key, ""))
	}
	return lines.Bytes()
}

// startOpenSSH starts sshd in the foreground. Of two options for a keyword it
// takes the first. It must be given a port, which somebody else may take in
// the meantime. Commands get another home directory, lest the user's shell
// reads its files there.
func (s *server) startOpenSSH(t *testing.T, hostKeyArgs, options []string) {
	t.Helper()
	if os.Geteuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // for privilege separation
	}
	options = append(options,
		"AuthorizedKeysFile="+authorizedKeysFile(t), "ListenAddress=127.0.0.1", "MaxSessions=1000", "MaxStartups=1000",
		"PermitRootLogin=yes", "PidFile=none", "PrintMotd=no", "PrintLastLog=no", "SetEnv=HOME="+workDir, "StrictModes=no", "UsePAM=no")
	for range 5 {
		port := freePort(t)
		args := append([]string{"-D", "-e", "-f", "/dev/null", "-p", strconv.Itoa(port)}, hostKeyArgs...)
		for _, option := range options {
			args = append(args, "-o", option)
		}
		s.daemon = launch(t, s.program.path, args...)
		if s.awaitPort(t) {
			return
		}
	}
	t.Fatalf("sshd does not start: %s", s.log.String())
}

// startWhelk starts whelkd. Of two options for a keyword it takes the last.
func (s *server) startWhelk(t *testing.T, hostKeyArgs, options []string) {
	t.Helper()
	args := append([]string{"-p", "0", "-a", authorizedKeysFile(t)}, hostKeyArgs...)
	// All tests come from one address, fast, and fail on purpose.
	limits := []string{"MaxSessions=1000", "MaxStartups=1000", "PerSourceMaxStartups=1000", "PerSourcePenalties=no", "PerSourceRate=none"}
	for _, option := range append(limits, options...) {
		args = append(args, "-o", option)
	}
	s.daemon = launch(t, s.program.path, args...)
	require.True(t, s.awaitPort(t), "whelkd does not start: %s", s.log.String())
}

// listening is what either server says when it accepts connections.
var listening = regexp.MustCompile(`(?i)listening on 127\.0\.0\.1(?::| port )(\d+)`)

// awaitPort waits until the server listens, and reports whether it does.
func (s *server) awaitPort(t *testing.T) bool {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := listening.FindStringSubmatch(s.log.String()); found != nil {
			s.port, _ = strconv.Atoi(found[1])
			return true
		}
		select {
		case <-s.done:
			return false
		default:
		}
	}
	return false
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// requireNoChildren fails if a session's process has stayed with the server.
// It may take the moment that a client needs to go away, and what does not
// heed SIGHUP gets another five seconds from whelkd.
func (s *server) requireNoChildren(t *testing.T) {
	t.Helper()
	select {
	case <-s.done:
		return
	default:
	}
	require.Eventually(t, func() bool { return len(descendants(s.pid())) == 0 }, patience, 10*time.Millisecond,
		"%s has child processes", s.program.name)
}

// requireDescriptors waits until the server has no more files open than before.
func (s *server) requireDescriptors(t *testing.T, before []string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(descriptors(s.pid())) <= len(before) }, patience, 10*time.Millisecond,
		"%s has files open: before %q, after %q", s.program.name, before, descriptors(s.pid()))
}
