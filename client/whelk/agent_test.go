package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// sshAgent runs OpenSSH's agent and returns the path of its socket.
func sshAgent(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ssh-agent")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs ssh-agent (Debian: openssh-client)")
		}
		t.Skip("there is no ssh-agent here (Debian: openssh-client)")
	}
	dir, err := os.MkdirTemp("", "agent")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(path, "-D", "-a", socket)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := agent.Dial(t.Context(), socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	return socket
}

// add adds a key of package testkeys.
func add(t *testing.T, socket, name string, destinations ...agent.Destination) {
	t.Helper()
	key, err := hostkey.ParsePrivateKeyFile(testkeys.PEM(name), nil)
	require.NoError(t, err)
	c, err := agent.Dial(t.Context(), socket)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Add(t.Context(), agent.AddedKey{Key: key.Key, Comment: name, Destinations: destinations}))
}

// with runs whelk with an agent, and with no more of the files than it is told.
func (s *sshd) with(socket string, args ...string) (stdout, stderr string, status int) {
	cmd := s.command(args...)
	for i, a := range cmd.Args {
		if a == s.path("user") && cmd.Args[i-1] == "-i" {
			cmd.Args[i] = s.path("nonesuch")
		}
	}
	cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+socket, "HOME="+s.dir)
	return capture(cmd, "")
}

// whelk logs in with the keys of OpenSSH's agent.
func TestAgentLogin(t *testing.T) {
	s := startSSHD(t)
	socket := sshAgent(t)
	add(t, socket, "rsa2048") // which lets nobody in
	add(t, socket, "ed25519")
	s.write(t, "user.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	s.write(t, "locked", "not a private key\n")
	s.write(t, "locked.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	s.write(t, "other.pub", string(hostkey.MarshalAuthorizedKey(testkeys.RSA2048().PublicKey(), "")))
	t.Setenv("WHELK_TEST_AGENT", socket)
	for _, test := range []struct {
		name   string
		socket string
		args   []string
		in     bool
	}{
		{"SSH_AUTH_SOCK", socket, nil, true},
		{"no agent", "", nil, false},
		{"an agent that is gone", s.path("nonesuch"), nil, false},
		{"IdentityAgent", "", []string{"-oIdentityAgent=" + socket}, true},
		{"IdentityAgent none", socket, []string{"-oIdentityAgent=none"}, false},
		{"IdentityAgent of the environment", "", []string{"-oIdentityAgent=$WHELK_TEST_AGENT"}, true},
		{"IdentityAgent SSH_AUTH_SOCK", socket, []string{"-oIdentityAgent=SSH_AUTH_SOCK"}, true},
		{"IdentitiesOnly", socket, []string{"-oIdentitiesOnly=yes"}, false},
		{"IdentitiesOnly, with the public half", socket, []string{"-oIdentitiesOnly=yes", "-i", s.path("user.pub")}, true},
		{"IdentitiesOnly, with the public half beside it", socket, []string{"-oIdentitiesOnly=yes", "-i", s.path("locked")}, true},
		{"IdentitiesOnly, with another", socket, []string{"-oIdentitiesOnly=yes", "-i", s.path("other.pub")}, false},
		{"PubkeyAcceptedAlgorithms", socket, []string{"-oPubkeyAcceptedAlgorithms=rsa-sha2-512"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, status := s.with(test.socket, append(test.args, "-oBatchMode=yes", "@", "echo in")...)
			require.Equal(t, test.in, status == 0, stderr)
			require.Equal(t, test.in, stdout == "in\n")
		})
	}
	_, stderr, _ := s.with(sshAgent(t), "-oBatchMode=yes", "@", "true")
	require.Contains(t, stderr, "ssh-add -X", "it may be locked")
	_, stderr, _ = s.with("", "-oIdentityAgent="+s.path("nonesuch"), "-oBatchMode=yes", "@", "true")
	require.Contains(t, stderr, "nonesuch", "it was counted on")
}

// A key that is restricted to the host lets whelk in, for it says where it goes.
func TestAgentDestinations(t *testing.T) {
	s := startSSHD(t)
	socket := sshAgent(t)
	to := func(host hostkey.Signer) agent.Destination {
		return agent.Destination{To: agent.Hop{Host: "host", Keys: []agent.HopKey{{Key: host.PublicKey()}}}}
	}
	add(t, socket, "ed25519", to(testkeys.ECDSA256()))
	_, _, status := s.with(socket, "-oBatchMode=yes", "@", "true")
	require.Equal(t, failure, status)
	add(t, socket, "ed25519", to(testkeys.Ed25519Other()))
	_, stderr, status := s.with(socket, "-oBatchMode=yes", "@", "true")
	require.Zero(t, status, stderr)
}

// -A lends the agent to OpenSSH's server: ssh-add lists its keys there.
func TestAgentForwarding(t *testing.T) {
	s := startSSHD(t)
	socket, other := sshAgent(t), sshAgent(t)
	add(t, socket, "ed25519")
	add(t, other, "rsa2048")
	s.write(t, "copy", string(testkeys.PEM("ed25519")))
	t.Setenv("WHELK_TEST_AGENT", other)
	mine, theirs := hostkey.Fingerprint(testkeys.Ed25519().PublicKey()), hostkey.Fingerprint(testkeys.RSA2048().PublicKey())
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"M7 off by default", nil, ""},
		{"-A", []string{"-A"}, mine},
		{"-A -a", []string{"-A", "-a"}, ""},
		{"-a -A", []string{"-a", "-A"}, mine},
		{"ForwardAgent=yes", []string{"-oForwardAgent=yes"}, mine},
		{"ForwardAgent=no -A", []string{"-oForwardAgent=no", "-A"}, mine},
		{"-A ForwardAgent=no", []string{"-A", "-oForwardAgent=no"}, mine},
		{"the path of another", []string{"-oForwardAgent=" + other}, theirs},
		{"another of the environment", []string{"-oForwardAgent=$WHELK_TEST_AGENT"}, theirs},
		{"-A without an agent", []string{"-A", "-oIdentityAgent=none", "-i", s.path("copy")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, _ := s.with(socket, append(test.args, "-oBatchMode=yes", "@", "ssh-add -l")...)
			if test.want == "" {
				require.NotContains(t, stdout, "SHA256:")
				require.Contains(t, stderr, "Could not open a connection", "the command ran")
				return
			}
			require.Contains(t, stdout, test.want, stderr)
		})
	}
}

// Over whelk and sshd to another sshd, with a key that may go that way: whelk
// tells the agent whom it is lent to.
func TestAgentForwardingTwoHops(t *testing.T) {
	first, second := startSSHD(t), startSSHDWith(t, "ecdsa256")
	k := agent.NewKeyring()
	l, err := agent.Listen()
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- (&agent.Server{Agent: k}).ServeListener(context.Background(), l) }()
	t.Cleanup(func() {
		l.Close()
		<-served
	})
	a := agent.Hop{Host: "a", Keys: []agent.HopKey{{Key: testkeys.Ed25519Other().PublicKey()}}}
	b := agent.Hop{Host: "b", Keys: []agent.HopKey{{Key: testkeys.ECDSA256().PublicKey()}}}
	u := second.user()
	beyond := "ssh -F none -oBatchMode=yes -oUserKnownHostsFile=" + second.path("known") + " -p " + second.port + " " + u + "@127.0.0.1 echo beyond"
	for _, test := range []struct {
		name         string
		destinations []agent.Destination
		want         bool
	}{
		{"anywhere", nil, true},
		{"to both", []agent.Destination{{To: a}, {From: a, To: b}}, true},
		{"to the first", []agent.Destination{{To: a}}, false},
		{"to the second from here", []agent.Destination{{To: a}, {To: b}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			add(t, l.Addr().String(), "ed25519", test.destinations...)
			stdout, stderr, _ := first.with(l.Addr().String(), "-A", "-oBatchMode=yes", "@", beyond)
			require.Equal(t, test.want, stdout == "beyond\n", stderr)
		})
	}
}

// A server that has seen enough keys, and what to do about it.
func TestTooManyKeys(t *testing.T) {
	s := startSSHD(t, "MaxAuthTries=3")
	socket := sshAgent(t)
	for _, name := range []string{"rsa2048", "rsa3072", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
		add(t, socket, name)
	}
	_, stderr, status := s.with(socket, "-oBatchMode=yes", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "IdentitiesOnly", stderr)
	s.write(t, "user.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	_, stderr, status = s.with(socket, "-oBatchMode=yes", "-i", s.path("user.pub"), "@", "true")
	require.Zero(t, status, "the key that was named comes first: %s", stderr)
}
