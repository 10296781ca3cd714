package client

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// A tap is a connection that somebody listens to.
type tap struct {
	net.Conn
	mu  sync.Mutex
	all bytes.Buffer // both directions
}

func (t *tap) note(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all.Write(p)
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.note(p[:n])
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	t.note(p)
	return t.Conn.Write(p)
}

func (t *tap) heard(secret string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.all.Bytes(), []byte(secret))
}

// I5: nobody is asked for a password before the host is verified and all that is
// sent is encrypted, and no password is ever heard.
func TestI5PasswordIsNotHeard(t *testing.T) {
	refused := errors.New("not this host")
	for name, test := range map[string]struct {
		verifier hostkey.Verifier
		in       bool
	}{
		"the host is who it should be": {hostkey.Pin(testkeys.Ed25519().PublicKey()), true},
		"another key":                  {hostkey.Pin(testkeys.Ed25519Other().PublicKey()), false},
		"nothing is pinned":            {hostkey.Pin(), false},
		"an authority, and no certificate": {&hostkey.Authority{
			Hosts: []hostkey.PublicKey{testkeys.Ed25519().PublicKey()}}, false},
		"a verifier that fails": {hostkey.VerifierFunc(func(context.Context, hostkey.Host, hostkey.PublicKey) error { return refused }), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := memnet.Pipe()
				wire := &tap{Conn: near}
				go newPeer().serve(far)
				asked, user := 0, ""
				config := testConfig()
				config.HostKeys = test.verifier
				config.Auth = []userauth.Method{
					userauth.Password(func(context.Context) (string, error) { asked++; return testPassword, nil }),
					userauth.KeyboardInteractive(func(_ context.Context, q userauth.Challenge) ([]string, error) {
						asked++
						return make([]string, len(q.Prompts)), nil
					}),
				}
				user = config.User
				c, err := New(t.Context(), wire, testAddress, config)
				require.Equal(t, test.in, err == nil, "%v", err)
				require.Equal(t, test.in, asked == 1)
				require.False(t, wire.heard(testPassword))
				require.False(t, wire.heard(user), "nor who it is that logs in")
				require.True(t, wire.heard("SSH-2.0-"), "the tap works")
				if c != nil {
					c.Close()
				}
			})
		})
	}
}
