package agent

import (
	"context"
	"crypto"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// keyNames are those of package testkeys, one of each kind.
var keyNames = []string{"ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048"}

// private returns a key of package testkeys as Go has it.
func private(t testing.TB, name string) crypto.Signer {
	t.Helper()
	k, err := hostkey.ParsePrivateKeyFile(testkeys.PEM(name), nil)
	require.NoError(t, err)
	return k.Key
}

// public returns the public half.
func public(t testing.TB, key crypto.Signer) hostkey.PublicKey {
	t.Helper()
	k, err := hostkey.NewPublicKey(key.Public())
	require.NoError(t, err)
	return k
}

// certify returns a certificate of key by the authority testkeys.Ed25519Other.
func certify(t testing.TB, key hostkey.PublicKey, c hostkey.Certificate) *hostkey.Certificate {
	t.Helper()
	c.Key = key
	if c.Kind == 0 {
		c.Kind = hostkey.UserCertificate
	}
	if c.ValidBefore == 0 {
		c.ValidBefore = 1<<64 - 1
	}
	require.NoError(t, c.Certify(context.Background(), testkeys.Ed25519Other()))
	parsed, err := hostkey.ParsePublicKey(c.Marshal())
	require.NoError(t, err)
	return parsed.(*hostkey.Certificate)
}

// serve returns a client of a, at the other end of a connection that lasts as
// long as the test.
func serve(t testing.TB, a Agent) *Client { return serveWith(t, &Server{Agent: a}) }

func serveWith(t testing.TB, s *Server) *Client {
	t.Helper()
	near, far := memnet.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background(), far) }()
	t.Cleanup(func() {
		near.Close()
		require.NoError(t, ended(<-done))
	})
	return NewClient(near)
}

// ended is nil for the error of a connection that somebody closed.
func ended(err error) error {
	if err == nil || isClosed(err) {
		return nil
	}
	return err
}

func isClosed(err error) bool {
	_, isNet := err.(net.Error)
	return isNet
}

// answerWith returns a client of an agent that reads requests and answers each
// with the bytes given, whatever they are.
func answerWith(t testing.TB, answers ...[]byte) *Client {
	t.Helper()
	near, far := memnet.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	go func() {
		defer far.Close()
		for _, a := range answers {
			if _, err := receive(far, func() {}); err != nil {
				return
			}
			if _, err := far.Write(a); err != nil {
				return
			}
		}
		io.Copy(io.Discard, far)
	}()
	return NewClient(near)
}

// message returns a whole message.
func message(n number, fields ...[]byte) []byte {
	m := frame(n)
	for _, f := range fields {
		m = append(m, f...)
	}
	m[0], m[1], m[2], m[3] = byte((len(m)-4)>>24), byte((len(m)-4)>>16), byte((len(m)-4)>>8), byte(len(m)-4)
	return m
}

// peer returns the path of a program of OpenSSH's.
func peer(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs %s (Debian: openssh-client)", name)
		}
		t.Skipf("there is no %s here (Debian: openssh-client)", name)
	}
	return path
}

// soon is how long to wait for what should happen at once.
const soon = 10 * time.Second
