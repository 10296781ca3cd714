package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	whelkserver "github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// passwordFile has the password of who runs the tests, for whelkd.
func passwordFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords")
	require.NoError(t, os.WriteFile(path, []byte(userName(t)+":"+hashed+"\n"), 0o600))
	return path
}

// asking makes ssh ask, and a program answer.
var asking = []string{"-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1", "-v"}

// ssh logs in to whelkd by each method but hostbased, and by chains of them.
func TestMethodsOfWhelkd(t *testing.T) {
	right, wrong := [2]string{"*assword*", secret}, [2]string{"*assword*", "guess"}
	both := []string{"PasswordAuthentication=yes", "KbdInteractiveAuthentication=yes"}
	for _, tt := range []struct {
		name      string
		server    []string
		preferred string
		answer    [2]string
		status    int
		said      []string // by ssh -v
	}{
		{"password", both, "password", right, 0, []string{`using "password"`}},
		{"wrong password", both, "password", wrong, 255, []string{"Permission denied (publickey,password,keyboard-interactive)"}},
		{"keyboard-interactive", both, "keyboard-interactive", right, 0, []string{`using "keyboard-interactive"`}},
		{"wrong answer", both, "keyboard-interactive", wrong, 255, []string{"Permission denied (publickey,password,keyboard-interactive)"}},
		{"password by default", nil, "password", right, 0, []string{`using "password"`}},
		{"password that is off", []string{"PasswordAuthentication=no"}, "password", right, 255, []string{"Permission denied (publickey)"}},
		{"publickey,password", append(both, "AuthenticationMethods=publickey,password"), "publickey,password", right, 0,
			[]string{"Authentications that can continue: publickey\n", `using "publickey" with partial success`, "Authentications that can continue: password\n", `using "password"`}},
		{"and the password is wrong", append(both, "AuthenticationMethods=publickey,password"), "publickey,password", wrong, 255,
			[]string{`using "publickey" with partial success`, "Permission denied (password)"}},
		{"and no password is given", append(both, "AuthenticationMethods=publickey,password"), "publickey", right, 255,
			[]string{`using "publickey" with partial success`, "Permission denied (password)"}},
		{"publickey,password or publickey,keyboard-interactive", append(both, "AuthenticationMethods=publickey,password publickey,keyboard-interactive"),
			"publickey,keyboard-interactive", right, 0, []string{"Authentications that can continue: password,keyboard-interactive\n", `using "keyboard-interactive"`}},
		{"a chain that begins with a password", append(both, "AuthenticationMethods=password,publickey"), "password,publickey", right, 0,
			[]string{`using "password" with partial success`, `using "publickey"`}},
		{"only a password", append(both, "AuthenticationMethods=password", "PubkeyAuthentication=no"), "password", right, 0, []string{`using "password"`}},
	} {
		between(t, tt.name, []*program{ssh, whelkd}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, whelkd, append([]string{"PasswordFile=" + passwordFile(t)}, tt.server...)...)
			cmd := s.command(t, ssh, "echo in", append([]string{"-o", "PreferredAuthentications=" + tt.preferred}, asking...)...)
			cmd.Env = append(cmd.Env, askpass(t, tt.answer)...)
			r := run(t, cmd)
			require.Equal(t, tt.status, r.status, r.stderr)
			require.Equal(t, tt.status == 0, r.stdout == "in\n")
			for _, said := range tt.said {
				require.Contains(t, strings.ReplaceAll(r.stderr, "\r", ""), said)
			}
		})
	}
}

// Who exists does not show: H10.
func TestUnknownUserAtWhelkd(t *testing.T) {
	between(t, "ssh to whelkd", []*program{ssh, whelkd}, func(t *testing.T) {
		s := serve(t, whelkd, "PasswordFile="+passwordFile(t), "AuthenticationMethods=publickey,password password")
		var said []string
		for _, user := range []string{userName(t), "nobody-of-that-name"} {
			cmd := s.command(t, ssh, "true", append([]string{"-l", user, "-o", "PreferredAuthentications=password"}, asking...)...)
			cmd.Env = append(cmd.Env, askpass(t, [2]string{"*", "guess"})...)
			r := run(t, cmd)
			require.Equal(t, 255, r.status)
			said = append(said, strings.ReplaceAll(lastLine(r.stderr), user, "user"))
		}
		require.Equal(t, said[0], said[1])
		require.Contains(t, said[0], "Permission denied (publickey,password)")
	})
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// A conversation has answers by the text of prompts, and notes what was asked.
type conversation struct {
	answers map[string]string
	asked   []string
}

func (c *conversation) answer(_ context.Context, challenge userauth.Challenge) (typed []string, err error) {
	for _, said := range []string{challenge.Name, challenge.Instruction} {
		if said != "" {
			c.asked = append(c.asked, said)
		}
	}
	for _, p := range challenge.Prompts {
		c.asked = append(c.asked, fmt.Sprintf("%s%t", p.Text, p.Echo))
		text := p.Text[strings.LastIndexByte(p.Text, '\n')+1:] // PAM puts what it has to say ahead of it
		typed = append(typed, c.answers[text])
	}
	return typed, nil
}

// Package client logs in to sshd, whose users have passwords that PAM knows, by
// each method and by chains of them; ssh is the control.
func TestMethodsOfSSHD(t *testing.T) {
	key := userauth.PublicKey(signer(t, userKeyFile(t, hostkey.Ed25519)))
	password := func(secret string) userauth.Method {
		return userauth.Password(func(context.Context) (string, error) { return secret, nil })
	}
	interactive := func(secret string) userauth.Method {
		c := &conversation{answers: map[string]string{"Password: ": secret}}
		return userauth.KeyboardInteractive(c.answer)
	}
	between(t, "library to sshd", []*program{ssh, sshd}, func(t *testing.T) {
		sys := newSystem(t)
		p := sys.within(t, sshd)
		for _, tt := range []struct {
			name    string
			chain   string // AuthenticationMethods
			control string // PreferredAuthentications of ssh; "" for none
			methods []userauth.Method
			passed  []string // of an error
			ok      bool
		}{
			{"password", "any", "password", []userauth.Method{password(secret)}, nil, true},
			{"wrong password, then right", "any", "", []userauth.Method{password("guess"), password(secret)}, nil, true},
			{"keyboard-interactive", "any", "keyboard-interactive", []userauth.Method{interactive(secret)}, nil, true},
			{"wrong answer, then right", "any", "", []userauth.Method{interactive("guess"), interactive(secret)}, nil, true},
			{"wrong answer", "any", "", []userauth.Method{interactive("guess")}, nil, false},
			{"publickey,password", "publickey,password", "publickey,password", []userauth.Method{password(secret), key}, nil, true},
			{"and the password is wrong", "publickey,password", "", []userauth.Method{password("guess"), key}, []string{"publickey"}, false},
			{"password,publickey", "password,publickey", "password,publickey", []userauth.Method{key, password(secret)}, nil, true},
			{"one of two", "publickey,password publickey,keyboard-interactive:pam", "publickey,keyboard-interactive", []userauth.Method{key, interactive(secret)}, nil, true},
			{"three", "publickey,keyboard-interactive,password", "publickey,keyboard-interactive,password", []userauth.Method{password(secret), interactive(secret), key}, nil, true},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := serve(t, p, "UsePAM=yes", "KbdInteractiveAuthentication=yes", "PasswordAuthentication=yes",
					"AuthenticationMethods="+tt.chain, "AuthorizedKeysFile=/etc/ssh/authorized_keys")
				if tt.control != "" {
					cmd := s.command(t, ssh, "echo in", append([]string{"-l", sys.other, "-o", "PreferredAuthentications=" + tt.control}, asking...)...)
					cmd.Env = append(cmd.Env, askpass(t, [2]string{"*assword*", secret})...)
					r := run(t, cmd)
					require.Equal(t, "in\n", r.stdout, r.stderr)
				}
				config := s.config(t)
				config.User, config.Auth = sys.other, tt.methods
				c, err := client.Dial(t.Context(), "tcp", s.address(), config)
				if !tt.ok {
					var refused *userauth.Error
					require.ErrorAs(t, err, &refused)
					require.Equal(t, tt.passed, refused.Passed)
					return
				}
				require.NoError(t, err)
				output, err := c.Command("echo in").Output(t.Context())
				require.NoError(t, err)
				require.Equal(t, "in\n", string(output))
				require.NoError(t, ignoreClosed(c.Close()))
			})
		}
	})
}

// PAM has a password changed by questions: four rounds of them.
func TestPasswordChangeByPAM(t *testing.T) {
	between(t, "library to sshd", []*program{sshd}, func(t *testing.T) {
		sys := newSystem(t)
		sys.expire(t)
		const changed = "4 horses, battery staple"
		s := serve(t, sys.within(t, sshd), "UsePAM=yes", "KbdInteractiveAuthentication=yes")
		config := s.config(t)
		config.User = sys.other
		talk := &conversation{answers: map[string]string{
			"Password: ": secret, "Current password: ": secret, "New password: ": changed, "Retype new password: ": changed,
		}}
		config.Auth = []userauth.Method{userauth.KeyboardInteractive(talk.answer)}
		c, err := client.Dial(t.Context(), "tcp", s.address(), config)
		require.NoError(t, err, "%q", talk.asked)
		output, err := c.Command("echo in").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "in\n", string(output))
		require.NoError(t, ignoreClosed(c.Close()))
		var prompts []string
		for _, asked := range talk.asked {
			if last := asked[strings.LastIndexByte(asked, '\n')+1:]; strings.HasSuffix(last, "assword: false") {
				prompts = append(prompts, last)
			}
		}
		require.Equal(t, []string{"Password: false", "Current password: false", "New password: false", "Retype new password: false"}, prompts)
		require.NotContains(t, text(t, sys.path("shadow")), hashed, "it has been changed")

		config.Auth = []userauth.Method{userauth.Password(func(context.Context) (string, error) { return changed, nil })}
		s.dial(t, func(c *client.Config) { c.User, c.Auth = config.User, config.Auth })
	})
}

// checking is package server with one check.
func checking(t *testing.T, checks ...userauth.Check) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	key := signer(t, hostKeyFile(t, hostkey.Ed25519))
	served := &whelkserver.Server{
		HostKeys: []hostkey.Signer{key},
		Auth:     userauth.Server{Checks: checks},
		Session:  whelkserver.HandlerFunc(func(s *whelkserver.Session) { s.Write([]byte("in\n")) }),
	}
	var done sync.WaitGroup
	done.Go(func() { served.Serve(l) })
	t.Cleanup(func() {
		served.Close()
		done.Wait()
	})
	s := &server{program: library, port: l.Addr().(*net.TCPAddr).Port, hostKeys: []hostkey.PublicKey{key.PublicKey()}}
	s.knownHosts = filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(s.knownHosts, knownHosts(s.port, s.hostKeys...), 0o600))
	return s
}

// expiring is a check of passwords that have all expired.
func expiring(t *testing.T) userauth.Check {
	return userauth.CheckPasswordOrChange(
		func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
			if a.User == userName(t) && password == secret {
				return userauth.MustChange("It has expired."), nil
			}
			return userauth.Decision{}, nil
		},
		func(_ context.Context, _ *userauth.Attempt, _, password string) (userauth.Decision, error) {
			if password != "battery staple" {
				return userauth.MustChange("Another one."), nil
			}
			return userauth.Accept(nil), nil
		})
}

// ssh and Conch change a password that package server says has expired.
// RFC 4252, section 8.
func TestPasswordChange(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		status         int
	}{{"right", secret, "battery staple", 0}, {"wrong", "guess", "battery staple", 255}} {
		between(t, "ssh, "+tt.name, []*program{ssh, library}, func(t *testing.T) {
			t.Parallel()
			s := checking(t, expiring(t))
			cmd := s.command(t, ssh, "hello", append([]string{"-o", "PreferredAuthentications=password"}, asking...)...)
			cmd.Env = append(cmd.Env, askpass(t, [2]string{"*new\\ password*", tt.new}, [2]string{"*assword*", tt.old})...)
			r := run(t, cmd)
			require.Equal(t, tt.status, r.status, r.stderr)
			if tt.status == 0 {
				require.Equal(t, "in\n", r.stdout)
				require.Contains(t, r.stderr, "It has expired.")
			}
		})
	}
	python := scripted("Conch", "twisted/conch").client
	between(t, "Conch", []*program{python, library}, func(t *testing.T) {
		t.Parallel()
		s := checking(t, expiring(t))
		r := run(t, limited(t, python, peerScript(t, "conch_auth.py"), strconv.Itoa(s.port), userName(t), secret, "battery staple"))
		require.Contains(t, r.stdout, "authenticated", "%s%s", r.stdout, r.stderr)
	})
}

func peerScript(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("peers", name))
	require.NoError(t, err)
	return path
}

// Paramiko logs in to whelkd, by prompts too, and through a chain.
func TestMethodsOfParamiko(t *testing.T) {
	python := scripted("Paramiko", "paramiko").client
	key := "publickey=" + userKeyFile(t, hostkey.Ed25519)
	prompt := "asked 'Password: ' False\n"
	for _, tt := range []struct {
		name    string
		chains  string
		methods []string
		want    string
	}{
		{"password", "any", []string{"password=guess", "password=" + secret}, "password refused\npassword in\nauthenticated\n"},
		{"keyboard-interactive", "any", []string{"keyboard-interactive=guess", "keyboard-interactive=" + secret},
			prompt + "keyboard-interactive refused\n" + prompt + "keyboard-interactive in\nauthenticated\n"},
		{"a chain", "publickey,keyboard-interactive publickey,password", []string{"password=" + secret, key, "keyboard-interactive=guess", "password=" + secret},
			"password not allowed publickey\npublickey partial keyboard-interactive,password\n" + prompt + "keyboard-interactive refused\npassword in\nauthenticated\n"},
		{"a chain not gone to its end", "publickey,password", []string{key, "password=guess", key},
			"publickey partial password\npassword refused\npublickey not allowed password\nout\n"},
	} {
		between(t, tt.name, []*program{python, whelkd}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, whelkd, "PasswordFile="+passwordFile(t), "KbdInteractiveAuthentication=yes", "AuthenticationMethods="+tt.chains)
			r := run(t, limited(t, python, append([]string{peerScript(t, "paramiko_auth.py"), "login", strconv.Itoa(s.port), userName(t)}, tt.methods...)...))
			require.Equal(t, 0, r.status, r.stderr)
			require.Equal(t, tt.want, r.stdout)
		})
	}
}

// Package client answers Paramiko's questions, and changes a password there.
func TestMethodsAtParamiko(t *testing.T) {
	python := scripted("Paramiko", "paramiko").client
	between(t, "library to Paramiko", []*program{python}, func(t *testing.T) {
		file := hostKeyFile(t, hostkey.Ed25519)
		s := startPeer(t, python, peerScript(t, "paramiko_auth.py"), "serve", file)
		s.hostKeys = []hostkey.PublicKey{publicKey(t, file)}
		talk := &conversation{answers: map[string]string{"Password: ": secret, "Code: ": "271828"}}
		var words []string
		offers := []string{"short", "battery staple"}
		change := func(_ context.Context, prompt string) (string, error) {
			words = append(words, prompt)
			return offers[len(words)-1], nil
		}
		old := func(context.Context) (string, error) { return secret, nil }
		for _, m := range []userauth.Method{userauth.KeyboardInteractive(talk.answer), userauth.PasswordOrChange(old, change)} {
			c := s.dial(t, func(c *client.Config) {
				c.Auth = []userauth.Method{m}
				c.Transport.DisableGuess = true // see the notes of TestMatrix
			})
			output, err := c.Command("hello").Output(t.Context())
			require.NoError(t, err)
			require.Equal(t, "in\n", string(output))
		}
		require.Equal(t, []string{"Login", "Hello.", "Password: false", "Look at your token.", "Code: true", "PIN: false"}, talk.asked)
		require.Equal(t, []string{"It has expired.", "It is too short."}, words)

		config := s.config(t)
		config.Auth = []userauth.Method{userauth.Password(old)}
		config.Transport.DisableGuess = true
		_, err := client.Dial(t.Context(), "tcp", s.address(), config)
		var expired *userauth.PasswordExpiredError
		require.ErrorAs(t, err, &expired)
	})
}
