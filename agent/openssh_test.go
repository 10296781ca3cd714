package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// startAgent runs ssh-agent and returns the path of its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	path := peer(t, "ssh-agent")
	dir, err := os.MkdirTemp("", "agent") // that of the test would be too long
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(path, "-D", "-a", socket)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS=/bin/true", "SSH_ASKPASS_REQUIRE=force")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("unix", socket)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, soon, 5*time.Millisecond)
	return socket
}

func dialAgent(t *testing.T, socket string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), socket)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// Our client asks OpenSSH's agent all there is to ask.
func TestClientOfOpenSSH(t *testing.T) {
	socket := startAgent(t)
	testAgent(t, dialAgent(t, socket))

	c := dialAgent(t, socket)
	ed := private(t, "ed25519")
	require.NoError(t, c.Add(t.Context(), AddedKey{Key: ed, Lifetime: time.Second, Confirm: true}))
	require.NoError(t, sign(t, c, public(t, ed)), "SSH_ASKPASS says yes")
	require.Eventually(t, func() bool { return len(list(t, c)) == 0 }, soon, 20*time.Millisecond)

	require.NoError(t, c.Add(t.Context(), AddedKey{Key: ed, Destinations: []Destination{step("u@a"), step("a>b")}}))
	require.ErrorIs(t, sign(t, c, public(t, ed)), ErrRefused)
	a := newVisit(hosts["a"])
	require.NoError(t, c.Bind(t.Context(), a.binding(t, false)))
	_, err := c.Sign(t.Context(), public(t, ed), hostkey.Ed25519, a.login("u", public(t, ed), true))
	require.NoError(t, err)
	_, err = c.Sign(t.Context(), public(t, ed), hostkey.Ed25519, a.login("other", public(t, ed), true))
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorIs(t, c.Bind(t.Context(), newVisit(hosts["b"]).binding(t, false)), ErrRefused)

	_, err = c.Extension(t.Context(), "nonesuch@example.com", nil)
	require.ErrorIs(t, err, ErrUnsupported)
	require.NoError(t, c.RemoveAll(t.Context()))
}

// A security key gets there too, though there is no device behind it.
func TestSecurityKeyToOpenSSH(t *testing.T) {
	c := dialAgent(t, startAgent(t))
	require.NoError(t, c.Add(t.Context(), AddedKey{Signer: deviceKey(), Comment: "sk"}))
	keys, err := c.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, deviceKey().Key.Marshal(), keys[0].Marshal())
	require.ErrorIs(t, sign(t, c, keys[0]), ErrRefused)
}

// As many keys as anybody has, in OpenSSH's agent and in ours.
func TestManyKeys(t *testing.T) {
	const many = 300
	for name, a := range map[string]Agent{"ssh-agent": dialAgent(t, startAgent(t)), "keyring": serve(t, NewKeyring())} {
		t.Run(name, func(t *testing.T) {
			for i := range many {
				require.NoError(t, a.Add(t.Context(), AddedKey{Key: newEd25519(i), Comment: fmt.Sprint(i)}))
			}
			signers, err := Signers(t.Context(), a)
			require.NoError(t, err)
			require.Len(t, signers, many)
			for _, i := range []int{0, many / 2, many - 1} {
				require.Equal(t, public(t, newEd25519(i)).Marshal(), signers[i].PublicKey().Marshal())
				_, err := signers[i].Sign(t.Context(), hostkey.Ed25519, []byte("data"))
				require.NoError(t, err)
			}
			for i := range many {
				require.NoError(t, a.Remove(t.Context(), public(t, newEd25519(i))))
			}
			require.Empty(t, list(t, a))
		})
	}
}

func newEd25519(i int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0], seed[1] = byte(i), byte(i>>8)
	return ed25519.NewKeyFromSeed(seed)
}

// Programs come and go, many at a time.
func TestManyPrograms(t *testing.T) {
	d := newDesk(t)
	for _, name := range keyNames {
		require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: private(t, name)}))
	}
	var programs sync.WaitGroup
	for range 30 {
		programs.Go(func() {
			out, err := d.run("ssh-add", "-l")
			if err != nil || strings.Count(out, "SHA256:") != len(keyNames) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	programs.Wait()
}

// An agent that is killed in the middle.
func TestOpenSSHDies(t *testing.T) {
	near, err := net.Dial("unix", startAgent(t))
	require.NoError(t, err)
	c := NewClient(near)
	require.NoError(t, c.Add(t.Context(), AddedKey{Key: private(t, "ed25519")}))
	signers, err := Signers(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, near.Close())
	_, err = signers[0].Sign(t.Context(), hostkey.Ed25519, []byte("data"))
	require.ErrorAs(t, err, new(*ConnError))
}

// A desk is a Keyring on a socket, and files for programs that use it.
type desk struct {
	t       *testing.T
	keyring *Keyring
	socket  string
	dir     string
	asked   atomic.Int32 // how often Confirm was
	bound   atomic.Int32 // bindings that were good
}

func newDesk(t *testing.T, change ...func(*Keyring)) *desk {
	t.Helper()
	l, err := Listen()
	require.NoError(t, err)
	d := &desk{t: t, keyring: NewKeyring(), socket: l.Addr().String(), dir: t.TempDir()}
	d.keyring.Confirm = func(context.Context, Use) error { d.asked.Add(1); return nil }
	for _, f := range change {
		f(d.keyring)
	}
	s := &Server{Agent: d.keyring, Report: func(_ context.Context, request string, err error) {
		if request == agentExtension.String() && err == nil {
			d.bound.Add(1)
		}
		t.Logf("%s: %v", request, err)
	}}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.ServeListener(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		<-served
	})
	d.write("askpass", "#!/bin/sh\necho secret\n", 0o700)
	return d
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) write(name, text string, mode os.FileMode) string {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(d.path(name), []byte(text), mode))
	return d.path(name)
}

// run runs a program that finds the Keyring.
func (d *desk) run(program string, args ...string) (output string, err error) {
	d.t.Helper()
	cmd := exec.Command(peer(d.t, program), args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+d.socket, "SSH_ASKPASS="+d.path("askpass"), "SSH_ASKPASS_REQUIRE=force")
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d *desk) must(program string, args ...string) string {
	d.t.Helper()
	out, err := d.run(program, args...)
	require.NoError(d.t, err, "%s %q:\n%s", program, args, out)
	return out
}

// OpenSSH's ssh-add manages our Keyring.
func TestSSHAdd(t *testing.T) {
	d := newDesk(t)
	out, err := d.run("ssh-add", "-l")
	require.Error(t, err)
	require.Contains(t, out, "no identities")
	for _, name := range keyNames {
		file := d.write(name, string(testkeys.PEM(name)), 0o600)
		d.must("ssh-keygen", "-q", "-s", d.write("ca", string(testkeys.PEM("ed25519-other")), 0o600), "-I", "id", "-n", "u", d.write(name+".pub",
			string(hostkey.MarshalAuthorizedKey(public(t, private(t, name)), "")), 0o600))
		d.must("ssh-add", file)
	}
	out = d.must("ssh-add", "-l")
	require.Equal(t, 2*len(keyNames), strings.Count(out, "SHA256:"), out)
	out = d.must("ssh-add", "-L")
	for _, name := range keyNames {
		require.Contains(t, out, strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(public(t, private(t, name)), ""))))
		if name != "rsa2048" { // with which -T wants a signature over SHA-1
			d.must("ssh-add", "-T", d.path(name+".pub"))
			d.must("ssh-add", "-T", d.path(name+"-cert.pub"))
		}
		d.must("ssh-add", "-d", d.path(name))
	}
	require.Empty(t, list(t, d.keyring), "-d takes the certificate too")

	d.must("ssh-add", "-q", d.path("ed25519"))
	d.must("ssh-add", "-x")
	_, err = d.run("ssh-add", "-T", d.path("ed25519.pub"))
	require.Error(t, err)
	d.must("ssh-add", "-X")
	d.must("ssh-add", "-T", d.path("ed25519.pub"))
	d.must("ssh-add", "-D")
	require.Empty(t, list(t, d.keyring))

	d.must("ssh-add", "-q", "-c", d.path("ecdsa256"))
	asked := d.asked.Load()
	d.must("ssh-add", "-T", d.path("ecdsa256.pub"))
	require.Greater(t, d.asked.Load(), asked)
	d.must("ssh-add", "-q", "-t", "1", d.path("ecdsa384"))
	require.Eventually(t, func() bool { return len(list(t, d.keyring)) == 2 }, soon, 20*time.Millisecond)

	_, err = d.run("ssh-add", "-s", "/usr/lib/x86_64-linux-gnu/libc.so.6")
	require.Error(t, err, "M6 CVE-2023-38408")

	d.write("known", "host "+string(hostkey.MarshalAuthorizedKey(hosts["a"].PublicKey(), "")), 0o600)
	d.must("ssh-add", "-D")
	d.must("ssh-add", "-q", "-H", d.path("known"), "-h", "host", d.path("ed25519"))
	require.Len(t, list(t, d.keyring), 2)
	for _, e := range d.keyring.entries {
		require.Len(t, e.destinations, 1, "M5 CVE-2023-51384: the key is restricted, and so is its certificate")
	}
	_, err = d.run("ssh-add", "-T", d.path("ed25519.pub"))
	require.Error(t, err, "M4: this connection is bound to no host")

	alone := newDesk(t, func(k *Keyring) { k.Confirm = nil })
	_, err = alone.run("ssh-add", "-c", d.path("ecdsa256"))
	require.Error(t, err, "M4 CVE-2026-39833: there is nobody to ask")
	require.Empty(t, list(t, alone.keyring))
}

// ssh-keygen signs texts and certificates with keys in our Keyring.
func TestSSHKeygen(t *testing.T) {
	d := newDesk(t)
	for _, name := range keyNames {
		key := private(t, name)
		require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: key}))
		line := string(hostkey.MarshalAuthorizedKey(public(t, key), ""))
		pub := d.write(name+".pub", line, 0o600)
		text := d.write("text", "text", 0o600)
		d.must("ssh-keygen", "-q", "-Y", "sign", "-f", pub, "-n", "file", text)
		cmd := exec.Command(peer(t, "ssh-keygen"), "-q", "-Y", "verify", "-f", d.write("allowed", "me "+line, 0o600), "-I", "me", "-n", "file", "-s", text+".sig")
		cmd.Stdin = strings.NewReader("text")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NoError(t, os.Remove(text+".sig"))

		subject := d.write("subject.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")), 0o600)
		d.must("ssh-keygen", "-q", "-U", "-s", pub, "-I", "id", "-n", "u", subject)
		certificate, err := os.ReadFile(d.path("subject-cert.pub"))
		require.NoError(t, err)
		require.Contains(t, d.must("ssh-keygen", "-L", "-f", d.path("subject-cert.pub")), hostkey.Fingerprint(public(t, key)), "%s", certificate)
	}
}

// startSSHD runs a server with a host key, whose users' keys are those of the
// file "authorized", and returns its port.
func (d *desk) startSSHD(hostKey string) (port string) {
	t := d.t
	t.Helper()
	path, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs /usr/sbin/sshd (Debian: openssh-server)")
		}
		t.Skip("there is no /usr/sbin/sshd here (Debian: openssh-server)")
	}
	os.MkdirAll("/run/sshd", 0o755)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	log := d.path("log" + hostKey)
	cmd := exec.Command(path, "-D", "-E", log, "-f", "/dev/null", "-p", port, "-h", d.write("host"+hostKey, string(testkeys.PEM(hostKey)), 0o600),
		"-oListenAddress=127.0.0.1", "-oStrictModes=no", "-oUsePAM=no", "-oPidFile=none", "-oPermitRootLogin=yes",
		"-oAuthorizedKeysFile="+d.path("authorized"))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log)
			t.Logf("sshd:\n%s", text)
		}
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, soon, 10*time.Millisecond)
	return port
}

// sshArgs are those to a host of the alias given.
func (d *desk) sshArgs(alias, port string, more ...string) []string {
	u, err := user.Current()
	require.NoError(d.t, err)
	args := []string{"-F", "none", "-p", port, "-l", u.Username, "-oBatchMode=yes", "-oHostKeyAlias=" + alias, "-oIdentityFile=none",
		"-oUserKnownHostsFile=" + d.path("known"), "-oGlobalKnownHostsFile=none", "127.0.0.1"}
	return append(args, more...)
}

// OpenSSH's client logs in to its server with each kind of key in our Keyring.
func TestSSH(t *testing.T) {
	d := newDesk(t)
	var authorized []byte
	for _, name := range keyNames {
		authorized = append(authorized, hostkey.MarshalAuthorizedKey(public(t, private(t, name)), "")...)
	}
	d.write("authorized", string(authorized), 0o600)
	port := d.startSSHD("ed25519-other")
	d.write("known", "host "+string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")), 0o600)
	for _, name := range keyNames {
		require.NoError(t, d.keyring.RemoveAll(t.Context()))
		require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: private(t, name)}))
		bound := d.bound.Load()
		require.Equal(t, "in\n", d.must("ssh", d.sshArgs("host", port, "echo in")...))
		require.Greater(t, d.bound.Load(), bound, "ssh says where it goes")
	}
}

// And with the certificate of each kind of key, where the server knows nothing
// but its authority.
func TestSSHWithCertificates(t *testing.T) {
	d := newDesk(t)
	u, err := user.Current()
	require.NoError(t, err)
	d.write("authorized", "cert-authority "+string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")), 0o600)
	port := d.startSSHD("ed25519-other")
	d.write("known", "host "+string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")), 0o600)
	for _, name := range keyNames {
		require.NoError(t, d.keyring.RemoveAll(t.Context()))
		key := private(t, name)
		require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: key}))
		_, err := d.run("ssh", d.sshArgs("host", port, "echo in")...)
		require.Error(t, err, "the key alone")
		c := certify(t, public(t, key), hostkey.Certificate{KeyID: name, Principals: []string{u.Username}})
		require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: key, Certificate: c}))
		require.Equal(t, "in\n", d.must("ssh", d.sshArgs("host", port, "echo in")...), name)
	}
}

// The agent is lent over two hosts, with keys that may go that way and with keys
// that may not: OpenSSH's client and servers, our Keyring, and ssh-add -h.
func TestTwoHops(t *testing.T) {
	d := newDesk(t)
	key := d.write("key", string(testkeys.PEM("ecdsa521")), 0o600)
	d.write("authorized", string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA521().PublicKey(), "")), 0o600)
	portA, portB := d.startSSHD("ed25519"), d.startSSHD("ed25519-other")
	known := fmt.Sprintf("hosta %shostb %s", hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), ""),
		hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	d.write("known", known, 0o600)
	beyond := "ssh " + strings.Join(d.sshArgs("hostb", portB, "echo beyond"), " ")
	for _, test := range []struct {
		name         string
		destinations []string
		at, beyond   bool
	}{
		{"anywhere", nil, true, true},
		{"to both", []string{"hosta", "hosta>hostb"}, true, true},
		{"to the first", []string{"hosta"}, true, false},
		{"to the second, from here", []string{"hosta", "hostb"}, true, false},
		{"to the second, as another user", []string{"hosta", "hosta>nobody@hostb"}, true, false},
		{"to the second only", []string{"hosta>hostb"}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.must("ssh-add", "-q", "-D")
			args := []string{"-q", "-H", d.path("known")}
			for _, destination := range test.destinations {
				args = append(args, "-h", destination)
			}
			d.must("ssh-add", append(args, key)...)
			out, err := d.run("ssh", d.sshArgs("hosta", portA, "echo at")...)
			require.Equal(t, test.at, err == nil, out)
			if !test.at {
				return
			}
			args = append([]string{"-A"}, d.sshArgs("hosta", portA, "ssh-add -l; "+beyond)...)
			out, err = d.run("ssh", args...)
			require.Equal(t, test.beyond, err == nil, out)
			require.Equal(t, test.beyond, strings.Contains(out, "beyond"), out)
		})
	}
}

// While one program waits to be let use a key, others go on.
func TestConfirmWhileOthersUse(t *testing.T) {
	answer := make(chan error)
	d := newDesk(t, func(k *Keyring) { k.Confirm = func(context.Context, Use) error { return <-answer } })
	require.NoError(t, d.keyring.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Confirm: true}))
	pub := d.write("k.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")), 0o600)
	waiting := make(chan error, 1)
	go func() {
		cmd := exec.Command(peer(t, "ssh-add"), "-T", pub)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+d.socket)
		waiting <- cmd.Run()
	}()
	require.Contains(t, d.must("ssh-add", "-l"), "SHA256:")
	answer <- errors.New("no")
	require.Error(t, <-waiting)
}
