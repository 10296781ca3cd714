package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

func bcryptOf(t *testing.T, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	require.NoError(t, err)
	return string(hash)
}

func passwordFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	return path
}

// attempt has a client log in to a server with a check, and returns what the
// server reported last.
func attempt(t *testing.T, check userauth.Check, user string, methods ...userauth.Method) error {
	t.Helper()
	var reported error
	srv := &Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth: userauth.Server{Checks: []userauth.Check{check}, Delay: -1,
			Report: func(_ context.Context, _ *userauth.Attempt, err error) { reported = err }},
	}
	near, far := memnet.Pipe()
	served := make(chan error, 1)
	go func() { served <- srv.ServeConn(context.Background(), far) }()
	conn := transport.Client(near, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	require.NoError(t, conn.Handshake(context.Background()))
	require.NoError(t, conn.RequestService("ssh-userauth"))
	client := userauth.Client{User: user, Methods: methods}
	err := client.Authenticate(context.Background(), conn, userauth.Binding{SessionID: conn.State().SessionID})
	conn.Close()
	<-served
	require.Equal(t, err == nil, reported == nil, "%v", reported)
	return reported
}

func typing(password string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return password, nil })
}

func answering(password string) userauth.Method {
	return userauth.KeyboardInteractive(func(_ context.Context, c userauth.Challenge) ([]string, error) {
		if len(c.Prompts) != 1 || c.Prompts[0] != (userauth.Prompt{Text: "Password: "}) {
			return nil, errors.New("an unexpected question")
		}
		return []string{password}, nil
	})
}

func TestPasswordFile(t *testing.T) {
	long := strings.Repeat("x", 72)
	path := passwordFile(t,
		"# users", "", "alice:"+bcryptOf(t, "right", 5), "  bob: "+bcryptOf(t, "bob's", 4)+" \r",
		"carol:"+bcryptOf(t, long, 4), "dave:"+strings.Replace(bcryptOf(t, "dave's", 4), "$2a$", "$2y$", 1),
		"erin:"+strings.Replace(bcryptOf(t, "erin's", 4), "$2a$", "$2b$", 1), "alice:"+bcryptOf(t, "second", 4))
	for _, tt := range []struct{ user, password, want string }{
		{"alice", "right", ""},
		{"alice", "wrong", "the password is wrong"},
		{"alice", "second", "the password is wrong"},
		{"bob", "bob's", ""},
		{"bob", "right", "the password is wrong"},
		{"carol", long, ""},
		{"carol", long + "x", "longer than the 72 bytes"},
		{"dave", "dave's", ""},
		{"erin", "erin's", ""},
		{"nobody", "right", `line 8: user "alice" is there twice`},
		{"alice:", "right", "line 8"},
		{"# users", "", ""},
	} {
		for _, each := range []struct {
			check  userauth.Check
			method userauth.Method
		}{{PasswordFile(path), typing(tt.password)}, {InteractivePasswordFile(path), answering(tt.password)}} {
			err := attempt(t, each.check, tt.user, each.method)
			switch {
			case tt.user == "# users":
				require.Error(t, err)
			case tt.want == "":
				require.NoError(t, err, tt.user)
			default:
				require.ErrorContains(t, err, tt.want, tt.user)
				require.NotContains(t, err.Error(), "\n")
			}
		}
	}
	require.NoError(t, os.WriteFile(path, []byte("alice:"+bcryptOf(t, "new", 4)), 0o600))
	require.NoError(t, attempt(t, PasswordFile(path), "alice", typing("new")), "the file is read again")
}

func TestPasswordFileRefuses(t *testing.T) {
	good := "alice:" + bcryptOf(t, "right", 4)
	for _, tt := range []struct{ name, text, want string }{
		{"no colon", "alice", "not of the form user:hash"},
		{"no user", ":x", "not of the form user:hash"},
		{"no hash", "alice:", "not one of bcrypt"},
		{"another hash", "alice:$apr1$x$y", "not one of bcrypt"},
		{"plain text", "alice:right", "not one of bcrypt"},
		{"a hash that is short", good[:len(good)-1], "not one of bcrypt"},
		{"a hash that is long", good + "x", "not one of bcrypt"},
		{"another version", strings.Replace(good, "$2a$", "$2x$", 1), "not one of bcrypt"},
		{"signs that are none", good[:20] + "!" + good[21:], "not one of bcrypt"},
		{"too expensive", strings.Replace(good, "$04$", "$17$", 1), "16 is the most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := attempt(t, PasswordFile(passwordFile(t, tt.text)), "alice", typing("right"))
			require.ErrorContains(t, err, "line 1: ")
			require.ErrorContains(t, err, tt.want)
		})
	}
	t.Run("others may read it", func(t *testing.T) {
		path := passwordFile(t, good)
		require.NoError(t, os.Chmod(path, 0o644))
		require.ErrorContains(t, attempt(t, PasswordFile(path), "alice", typing("right")), "others may read it")
	})
	t.Run("others may write to its directory", func(t *testing.T) {
		path := passwordFile(t, good)
		require.NoError(t, os.Chmod(filepath.Dir(path), 0o777))
		require.ErrorContains(t, attempt(t, PasswordFile(path), "alice", typing("right")), "writable by others")
	})
	t.Run("it is not there", func(t *testing.T) {
		require.ErrorIs(t, attempt(t, PasswordFile("/nonexistent/file"), "alice", typing("right")), os.ErrNotExist)
	})
	t.Run("nobody answers", func(t *testing.T) {
		silent := userauth.KeyboardInteractive(func(context.Context, userauth.Challenge) ([]string, error) { return nil, errors.New("away") })
		require.Error(t, attempt(t, InteractivePasswordFile(passwordFile(t, good)), "alice", silent, typing("x")))
	})
}

// Each attempt costs the same, whoever exists and however dear the hash is
// (attack H10, CVE-2016-6210, CVE-2003-0190).
func TestH10PasswordFileWork(t *testing.T) {
	path := passwordFile(t, "cheap:"+bcryptOf(t, "right", 4), "dear:"+bcryptOf(t, "right", 8), "middle:"+bcryptOf(t, "right", 6))
	p, err := readPasswords(path)
	require.NoError(t, err)
	for _, user := range []string{"cheap", "middle", "dear", "nobody", ""} {
		work := 0
		for _, hash := range p.work(user) {
			cost, err := bcrypt.Cost([]byte(hash))
			require.NoError(t, err)
			require.Regexp(t, bcryptHash, hash)
			work += 1 << cost
		}
		require.Equal(t, 1<<8, work, user)
	}
	empty, err := readPasswords(passwordFile(t, "# nobody"))
	require.NoError(t, err)
	require.Len(t, empty.work("nobody"), 1)
	require.ErrorIs(t, bcrypt.CompareHashAndPassword([]byte(dummy(4)), []byte("x")), bcrypt.ErrMismatchedHashAndPassword)
}

func TestAuthThatDoesNotWork(t *testing.T) {
	srv := &Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{PasswordFile("x")}, Chains: [][]string{{"publickey"}}},
	}
	var wrong *ConfigError
	require.ErrorAs(t, srv.ListenAndServe(), &wrong)
	require.Equal(t, "Auth", wrong.Field)
	require.ErrorContains(t, wrong, `"publickey"`)
}
