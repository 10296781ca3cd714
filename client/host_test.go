//go:build linux

package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// A net of sshd's hosts, and the home of a user who has a configuration of them.
type hostNet struct {
	home  string
	ports []string
	user  string
}

// startHosts starts as many servers, which are called a, b, c and so on.
func startHosts(t *testing.T, n int) *hostNet {
	h := &hostNet{home: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(h.home, ".ssh"), 0o700))
	for range n {
		address, config := sshd(t)
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		h.ports, h.user = append(h.ports, port), config.User
	}
	h.write(t, "id_rsa", string(testkeys.PEM("rsa2048")))
	known := ""
	for i, port := range h.ports {
		key := string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), ""))
		known += fmt.Sprintf("[127.0.0.1]:%s %s%c-alias %s", port, key, 'a'+i, key)
	}
	h.write(t, "known_hosts", known)
	t.Setenv("HOME", h.home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return h
}

func (h *hostNet) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(h.home, ".ssh", name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// configure writes the user's file: the hosts, and then the lines given. The files
// of the machine that runs the tests have no say.
func (h *hostNet) configure(t *testing.T, lines ...string) {
	text := strings.Join(lines, "\n") + "\n"
	for i, port := range h.ports {
		text += fmt.Sprintf("Host %c\nHostName 127.0.0.1\nPort %s\nUser %s\n", 'a'+i, port, h.user)
	}
	h.write(t, "config", text+"Host *\nHashKnownHosts no\nGlobalKnownHostsFile none\n")
}

// requireIn requires that the client is where it should be.
func requireIn(t *testing.T, c *Client, err error) {
	t.Helper()
	require.NoError(t, err)
	out, err := c.Command("echo in").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, "in\n", string(out))
	require.NoError(t, c.Close())
}

// Everything that is needed to log in is in files, as for ssh.
func TestDialHost(t *testing.T) {
	h := startHosts(t, 3)
	h.configure(t, "Host three\nHostName 127.0.0.1\nPort "+h.ports[2]+"\nUser "+h.user+"\nProxyJump a,b", "Host c\nProxyJump b", "Host b\nProxyJump a\nHostKeyAlias b-alias")
	for _, destination := range []string{"a", h.user + "@a", "ssh://" + h.user + "@a:" + h.ports[0], "b", "c", "three"} {
		t.Run(destination, func(t *testing.T) {
			c, err := DialHost(t.Context(), destination, Questions{})
			requireIn(t, c, err)
		})
	}
	t.Run("the way is closed with the host", func(t *testing.T) {
		c, err := DialHost(t.Context(), "c", Questions{})
		require.NoError(t, err)
		require.NoError(t, c.Close())
		requireNoConnections(t, h.ports)
	})
	t.Run("an unknown host is asked about, and one on the way too", func(t *testing.T) {
		h.write(t, "known_hosts", "")
		_, err := DialHost(t.Context(), "b", Questions{})
		var jump *JumpError
		require.ErrorAs(t, err, &jump)
		require.Equal(t, "a", jump.Host)
		require.ErrorIs(t, err, knownhosts.ErrUnknown)
		var asked []string
		c, err := DialHost(t.Context(), "b", Questions{Host: func(_ context.Context, q *knownhosts.Question) (bool, error) {
			asked = append(asked, q.Host)
			return true, nil
		}})
		requireIn(t, c, err)
		require.Equal(t, []string{"[127.0.0.1]:" + h.ports[0], "b-alias"}, asked)
	})
	t.Run("others may write the file", func(t *testing.T) {
		require.NoError(t, os.Chmod(filepath.Join(h.home, ".ssh", "config"), 0o622))
		_, err := DialHost(t.Context(), "a", Questions{})
		require.ErrorIs(t, err, sshconfig.ErrPermissions)
		require.NoError(t, os.Chmod(filepath.Join(h.home, ".ssh", "config"), 0o600))
	})
	_, err := DialHost(t.Context(), "-x", Questions{})
	require.ErrorContains(t, err, "begins with a dash")
	h.configure(t, "Host a\nPort x")
	_, err = DialHost(t.Context(), "a", Questions{})
	require.ErrorContains(t, err, ".ssh/config:2: Port: ")
}

// requireNoConnections requires that none is left to the servers, in a moment.
func requireNoConnections(t *testing.T, ports []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		table, err := os.ReadFile("/proc/self/net/tcp")
		require.NoError(t, err)
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line)
			for _, port := range ports {
				n, _ := strconv.Atoi(port)
				if strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", n)) && fields[3] == "01" {
					return false
				}
			}
		}
		return true
	}, 5*time.Second, 5*time.Millisecond)
}

// What cannot lead to a host says so, and of which host.
func TestDialHostFails(t *testing.T) {
	h := startHosts(t, 1)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, nobody, _ := net.SplitHostPort(closed.Addr().String())
	require.NoError(t, closed.Close())
	h.configure(t,
		"Host down\nHostName 127.0.0.1\nPort "+nobody,
		"Host behind-down\nProxyJump down",
		"Host nowhere\nHostName 127.0.0.1\nPort "+nobody+"\nProxyJump a",
		"Host again\nConnectionAttempts 2\nConnectTimeout 5\nTCPKeepAlive no\nHostName 127.0.0.1\nPort "+nobody, "Host loop1\nProxyJump loop2", "Host loop2\nProxyJump loop1", "Host self\nProxyJump self",
		"Host fd\nProxyCommand nc\nProxyUseFdpass yes", "Host shell\nProxyCommand nc %h %p | cat", "Host gone\nProxyCommand no-such-program-anywhere %h",
		"Host ends\nProxyCommand false", "Host token\nProxyCommand x %z", "Host odd\nUser a;b\nProxyCommand nc %h", "Host alias\nHostKeyAlias $(x)\nProxyCommand nc %h",
		"Host revoked\nRevokedHostKeys /x\nHostName 127.0.0.1\nPort "+h.ports[0], "Host bind\nBindAddress 192.0.2.1\nHostName 127.0.0.1",
		"Host noif\nBindInterface no-such-if0\nHostName 127.0.0.1", "Host noname\nBindAddress no-such-host.invalid\nHostName 127.0.0.1", "Host six\nAddressFamily inet6\nBindInterface lo\nBindAddress 127.0.0.1\nHostName ::1",
		"Host key\nIdentityFile /%z\nHostName 127.0.0.1\nPort "+h.ports[0], "Host certificate\nCertificateFile /%z\nHostName 127.0.0.1\nPort "+h.ports[0],
	)
	for _, tt := range []struct{ host, want string }{
		{"down", "client: connect to host 127.0.0.1 port " + nobody},
		{"behind-down", "client: jump host down: connect to host 127.0.0.1 port " + nobody},
		{"nowhere", "by way of a: client: the server cannot connect"},
		{"again", "connection refused"},
		{"loop1", "by more than 16 others"},
		{"self", "by way of itself"},
		{"fd", "ProxyUseFdpass is not supported"},
		{"shell", "needs a shell"},
		{"gone", "check its name, and that it is installed"},
		{"ends", "EOF"},
		{"token", `"%z" is no token`},
		{"odd", "character ';'"},
		{"alias", "character '$'"},
		{"revoked", "no host is accepted while it is not known"},
		{"bind", "192.0.2.1"},
		{"noif", `BindInterface "no-such-if0"`},
		{"noname", `BindAddress "no-such-host.invalid"`},
		{"six", "BindAddress"},
		{"key", "IdentityFile"},
		{"certificate", "CertificateFile"},
	} {
		t.Run(tt.host, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := DialHost(ctx, tt.host, Questions{})
			require.ErrorContains(t, err, tt.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, host := range []string{"down", "gone"} {
		_, err := DialHost(ctx, host, Questions{})
		require.ErrorIs(t, err, context.Canceled)
	}
}

// A ProxyCommand is words, or a shell's if there is one, and nothing of it is
// left when the connection is closed.
func TestProxyCommand(t *testing.T) {
	h := startHosts(t, 1)
	child := filepath.Join(h.home, "child")
	inetd := "/usr/sbin/sshd -i -f /dev/null -h " + h.write(t, "host", string(testkeys.PEM("ecdsa256"))) +
		" -oStrictModes=no -oUsePAM=no -oPermitRootLogin=yes -oAuthorizedKeysFile=" + h.write(t, "authorized", string(hostkey.MarshalAuthorizedKey(testkeys.RSA2048().PublicKey(), "")))
	h.configure(t, "Host none\nProxyCommand none\nHostName 127.0.0.1\nPort "+h.ports[0],
		"Host *\nHostKeyAlias a-alias", "Host words\nProxyCommand exec "+inetd+" -oVersionAddendum='of %h %p'",
		"Host shell\nProxyCommand sleep 1000 & echo $! >"+child+"; "+inetd, "Host silent\nProxyCommand sleep 1000")
	d := HostDialer{Shell: "/bin/sh", Config: sshconfig.Config{Files: sshconfig.DefaultFiles(filepath.Join(h.home, ".ssh"))[:1]}}
	var steps []string
	d.Debug = func(message string) { steps = append(steps, message) }
	for _, host := range []string{"none", "words", "shell"} {
		c, err := d.Dial(t.Context(), host)
		require.NoError(t, err, host)
		if host != "none" {
			require.Equal(t, "ProxyCommand", c.RemoteAddr().String())
			require.Equal(t, "proxy", c.LocalAddr().Network())
		}
		requireIn(t, c, err)
	}
	require.Contains(t, strings.Join(steps, "\n"), "Executing proxy command")
	text, err := os.ReadFile(child)
	require.NoError(t, err)
	pid := 0
	fmt.Sscan(string(text), &pid)
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) }, 5*time.Second, 5*time.Millisecond, "what the command started is gone")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = d.Dial(ctx, "silent")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// zombie reports whether a process has ended, and nobody has asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// Passphrases are asked for by the name of the file, and passwords by the host's.
func TestDialHostAsks(t *testing.T) {
	h := startHosts(t, 1)
	key, err := hostkey.ParsePrivateKeyFile(testkeys.PEM("rsa2048"), nil)
	require.NoError(t, err)
	locked, err := hostkey.MarshalEncryptedPrivateKey(key.Key, "", hostkey.Encryption{Passphrase: []byte("open"), Rounds: 1})
	require.NoError(t, err)
	path := h.write(t, "locked", string(locked))
	h.configure(t, "Host a locked\nIdentityFile %d/.ssh/locked\nPKCS11Provider /x.so", "Host batch\nBatchMode yes\nIdentityFile ~/.ssh/locked\nHostName 127.0.0.1\nPort "+h.ports[0])
	var asked []string
	var warned []error
	q := Questions{
		Passphrase: func(_ context.Context, file string, locked *hostkey.PassphraseError) ([]byte, error) {
			asked = append(asked, file)
			if !locked.Wrong {
				return []byte("wrong"), nil
			}
			return []byte("open"), nil
		},
		Warn: func(err error) { warned = append(warned, err) },
	}
	c, err := DialHost(t.Context(), "a", q)
	requireIn(t, c, err)
	require.Equal(t, []string{path, path}, asked)
	var unsupported *UnsupportedError
	require.ErrorAs(t, errors.Join(warned...), &unsupported)
	require.ErrorContains(t, unsupported, "config:3: PKCS11Provider is not supported")

	asked = nil
	_, err = DialHost(t.Context(), "batch", q)
	require.Error(t, err)
	require.Empty(t, asked)
}

// settingsOf returns what lines of configuration say about a host.
func settingsOf(t *testing.T, lines string) *sshconfig.Settings {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
	c := sshconfig.Config{Files: []sshconfig.File{{Path: path}}, Account: sshconfig.Account{Name: "me", Home: filepath.Dir(path)}}
	s, err := c.Evaluate(t.Context(), "host")
	require.NoError(t, err)
	return s
}

// Each keyword finds its place in a Config.
func TestConfigFor(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	q := Questions{
		Password: func(context.Context, *sshconfig.Settings) (string, error) { return "p", nil },
		Answer: func(context.Context, *sshconfig.Settings, userauth.Challenge) ([]string, error) {
			return nil, nil
		},
	}
	names := func(c *Config) (all string) {
		for _, m := range c.Auth {
			all += m.Name() + " "
		}
		return all
	}
	c, err := ConfigFor(settingsOf(t, ""), q)
	require.NoError(t, err)
	require.Equal(t, "me", c.User)
	require.Nil(t, c.Transport.Ciphers)
	require.Nil(t, c.Agent)
	require.NotNil(t, c.Updater)
	require.Equal(t, "publickey "+strings.Repeat("keyboard-interactive ", 3)+strings.Repeat("password ", 3), names(c))

	c, err = ConfigFor(settingsOf(t, "Ciphers aes256-ctr\nMACs +hmac-sha1\nKexAlgorithms ^ecdh-sha2-nistp256\nHostKeyAlgorithms +ssh-rsa\nPubkeyAcceptedAlgorithms rsa-sha2-256\n"+
		"RekeyLimit 1M 2h\nCompression yes\nUpdateHostKeys no\nPreferredAuthentications none,password,publickey,gssapi-with-mic\nNumberOfPasswordPrompts 1\n"+
		"CASignatureAlgorithms ssh-ed25519\nForwardAgent /agent\nUser you"), q)
	require.NoError(t, err)
	require.Equal(t, "you", c.User)
	require.Equal(t, "aes256-ctr", c.Transport.Ciphers[0].Name)
	require.Equal(t, "hmac-sha1", c.Transport.MACs[len(c.Transport.MACs)-1].Name)
	require.Equal(t, "ecdh-sha2-nistp256", c.Transport.KeyExchanges[0].Name())
	require.Contains(t, c.Transport.HostKeyAlgorithms, "ssh-rsa")
	require.Equal(t, []string{"rsa-sha2-256"}, c.Transport.UserKeyAlgorithms)
	require.Equal(t, int64(1<<20), c.Transport.Rekey.Bytes)
	require.Equal(t, 2*time.Hour, c.Transport.Rekey.Interval)
	require.Equal(t, []string{"zlib@openssh.com", "zlib", "none"}, c.Transport.Compression)
	require.Nil(t, c.Updater)
	require.NotNil(t, c.Agent)
	require.Equal(t, "none password publickey ", names(c))

	c, err = ConfigFor(settingsOf(t, "BatchMode yes\nPubkeyAuthentication no"), q)
	require.NoError(t, err)
	require.Empty(t, names(c))
	c, err = ConfigFor(settingsOf(t, ""), Questions{})
	require.NoError(t, err)
	require.Equal(t, "publickey ", names(c), "nobody is there to be asked")
	c, err = ConfigFor(settingsOf(t, "NoHostAuthenticationForLocalhost yes\nHostName 127.0.0.2"), q)
	require.NoError(t, err)
	require.NoError(t, c.HostKeys.VerifyHostKey(t.Context(), hostkey.Host{Name: "127.0.0.2:22"}, testkeys.Ed25519().PublicKey()))
	c, err = ConfigFor(settingsOf(t, "NoHostAuthenticationForLocalhost yes\nUserKnownHostsFile none\nGlobalKnownHostsFile none"), q)
	require.NoError(t, err)
	require.Error(t, c.HostKeys.VerifyHostKey(t.Context(), hostkey.Host{Name: "host:22"}, testkeys.Ed25519().PublicKey()))
}

// CVE-2020-14145 and before: a host whose key has changed gets no password.
func TestChangedHostGetsNoPassword(t *testing.T) {
	q := &Questions{changed: true, Password: func(context.Context, *sshconfig.Settings) (string, error) { return "secret", nil },
		Answer: func(context.Context, *sshconfig.Settings, userauth.Challenge) ([]string, error) {
			return []string{"secret"}, nil
		}}
	g := &gate{}
	s := settingsOf(t, "PubkeyAuthentication no\nNumberOfPasswordPrompts 1")
	require.ErrorIs(t, knock(t, g, methodsFor(s, q)), errChanged)
	require.Empty(t, g.knocks)
	q.changed = false
	require.Error(t, knock(t, g, methodsFor(s, q)))
	require.Equal(t, []string{"answer secret", "password secret"}, g.knocks)
}

func TestAgentAddress(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "/sock")
	t.Setenv("OTHER", "/other")
	for value, want := range map[string]string{"": "/sock", "SSH_AUTH_SOCK": "/sock", "$OTHER": "/other", "none": "", "/path": "/path"} {
		require.Equal(t, want, agentAddress(value), value)
	}
	i, err := IdentitiesFor(settingsOf(t, "IdentityAgent none\nIdentityFile none\nIdentityFile /a\nCertificateFile none\nCertificateFile /b\nIdentitiesOnly yes"), nil)
	require.NoError(t, err)
	require.Equal(t, []IdentityFile{{"/a", true}}, i.Files)
	require.Equal(t, []string{"/b"}, i.Certificates)
	require.True(t, i.Only)
	require.Nil(t, i.Agent)
	i, err = IdentitiesFor(settingsOf(t, "IdentityAgent /no/such/socket"), nil)
	require.NoError(t, err)
	require.False(t, i.Files[0].Given)
	_, err = i.Agent(t.Context())
	require.Error(t, err)
}

// knock tries to log in with the methods to a server that lets nobody in.
func knock(t *testing.T, g *gate, methods []userauth.Method) error {
	t.Helper()
	p := newPeer()
	p.checks = g.checks()
	p.transport.UserKeyAlgorithms = append(hostkey.Default(), hostkey.Optional()...)
	near, far := memnet.Pipe()
	served := make(chan error, 1)
	go func() { served <- serveCertificates(p, far) }()
	_, err := New(t.Context(), near, testAddress, &Config{User: testUser, Auth: methods, HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	<-served
	return err
}
