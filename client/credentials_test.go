package client

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// A gate lets nobody in and writes down who knocks.
type gate struct{ knocks []string }

func (g *gate) checks() []userauth.Check {
	names := map[string]string{}
	for name, key := range map[string]hostkey.Signer{
		"ed25519": testkeys.Ed25519(), "other": testkeys.Ed25519Other(), "ecdsa256": testkeys.ECDSA256(), "ecdsa384": testkeys.ECDSA384(),
		"ecdsa521": testkeys.ECDSA521(), "rsa2048": testkeys.RSA2048(),
	} {
		names[string(key.PublicKey().Marshal())] = name
	}
	return []userauth.Check{
		userauth.CheckPublicKey(func(_ context.Context, _ *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
			if c, ok := key.(*hostkey.Certificate); ok {
				g.knocks = append(g.knocks, names[string(c.Key.Marshal())]+" certificate")
				return userauth.Decision{}, nil
			}
			g.knocks = append(g.knocks, names[string(key.Marshal())])
			return userauth.Decision{}, nil
		}),
		userauth.CheckPassword(func(_ context.Context, _ *userauth.Attempt, password string) (userauth.Decision, error) {
			g.knocks = append(g.knocks, "password "+password)
			return userauth.Decision{}, nil
		}),
		userauth.CheckInteractive(func(_ context.Context, _ *userauth.Attempt, ask func(userauth.Challenge) ([]string, error)) (userauth.Decision, error) {
			answers, err := ask(userauth.Challenge{Prompts: []userauth.Prompt{{Text: "Password: "}}})
			if err != nil {
				return userauth.Decision{}, err
			}
			g.knocks = append(g.knocks, "answer "+answers[0])
			return userauth.Decision{}, nil
		}),
	}
}

// certified has an authority certify a key.
func certified(t *testing.T, key hostkey.Signer) hostkey.Signer {
	t.Helper()
	c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{testUser}}
	require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519Other()))
	s, err := hostkey.NewCertificateSigner(c, key)
	require.NoError(t, err)
	return s
}

// directory is one like ~/.ssh.
func directory(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return dir
}

func certificateFile(t *testing.T, key hostkey.Signer) []byte {
	return hostkey.MarshalAuthorizedKey(certified(t, key).PublicKey(), "")
}

// What is tried, in which order, and where it stops (mission: keys as given,
// those of an agent, those in ~/.ssh with their certificates, the password).
func TestCredentials(t *testing.T) {
	dir := directory(t, map[string][]byte{
		"id_ed25519": testkeys.PEM("ed25519"), "id_ed25519-cert.pub": certificateFile(t, testkeys.Ed25519()), "id_rsa": testkeys.PEM("rsa2048"),
	})
	agent := func(context.Context) ([]hostkey.Signer, error) {
		return []hostkey.Signer{testkeys.ECDSA384(), testkeys.ECDSA521()}, nil
	}
	secret := func(context.Context) (string, error) { return "p", nil }
	answer := func(context.Context, userauth.Challenge) ([]string, error) { return []string{"a"}, nil }
	for _, tt := range []struct {
		name string
		c    Credentials
		want []string
	}{
		{"nothing", Credentials{}, nil},
		{"one key", Credentials{Keys: []hostkey.Signer{testkeys.ECDSA256()}}, []string{"ecdsa256"}},
		{"a directory", Credentials{Dir: dir}, []string{"ed25519 certificate", "ed25519", "rsa2048"}},
		{"a password", Credentials{Password: secret}, []string{"password p", "answer p"}},
		{"answers", Credentials{Answer: answer}, []string{"answer a"}},
		{"all but the last of an agent's keys and a directory's", Credentials{Keys: []hostkey.Signer{testkeys.ECDSA256()}, Agent: agent, Dir: dir},
			[]string{"ecdsa256", "ecdsa384", "ecdsa521", "ed25519 certificate", "ed25519", "rsa2048"}},
		{"all: the sixth try is for the password", Credentials{Keys: []hostkey.Signer{testkeys.ECDSA256()}, Agent: agent, Dir: dir, Password: secret, Answer: answer},
			[]string{"ecdsa256", "ecdsa384", "ecdsa521", "ed25519 certificate", "ed25519", "password p"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &gate{}
			p := newPeer()
			p.checks = g.checks()
			p.transport.UserKeyAlgorithms = append(hostkey.Default(), hostkey.Optional()...)
			near, far := memnet.Pipe()
			served := make(chan error, 1)
			go func() { served <- serveCertificates(p, far) }()
			_, err := New(t.Context(), near, testAddress, &Config{
				User: testUser, Auth: tt.c.Methods(), HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
			})
			require.Error(t, err)
			<-served
			// A key that signs is looked at once, as is one asked about.
			require.Equal(t, tt.want, slices.Compact(g.knocks))
		})
	}
}

// serveCertificates is a peer that takes certificates, up to authentication.
func serveCertificates(p *peer, nc net.Conn) error {
	conn := transport.Server(nc, &p.transport)
	defer conn.Close()
	if err := conn.Handshake(context.Background()); err != nil {
		return err
	}
	if _, err := conn.AcceptService(authService); err != nil {
		return err
	}
	auth := userauth.Server{Checks: p.checks, Delay: -1}
	_, err := auth.Authenticate(context.Background(), conn, userauth.Binding{SessionID: conn.State().SessionID, Algorithms: p.transport.UserKeyAlgorithms})
	return err
}

// A file that cannot be used is named, and the others are.
func TestIdentities(t *testing.T) {
	ed := testkeys.PEM("ed25519")
	locked := []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n")
	for _, tt := range []struct {
		name  string
		files map[string][]byte
		mode  os.FileMode
		keys  int
		want  string // of the error; "" for none
	}{
		{"none", nil, 0, 0, ""},
		{"one", map[string][]byte{"id_ed25519": ed}, 0o600, 1, ""},
		{"others may read it", map[string][]byte{"id_ed25519": ed}, 0o640, 0, "others may read it, by its permissions 0640"},
		{"not a key", map[string][]byte{"id_ed25519": []byte("x"), "id_rsa": testkeys.PEM("rsa2048")}, 0o600, 1, "id_ed25519: bad private key"},
		{"an encrypted one", map[string][]byte{"id_rsa": locked}, 0o600, 0, "encrypted"},
		{"a certificate of another key", map[string][]byte{"id_ed25519": ed, "id_ed25519-cert.pub": certificateFile(t, testkeys.ECDSA256())}, 0o600, 1, "about another key"},
		{"a certificate that is none", map[string][]byte{"id_ed25519": ed, "id_ed25519-cert.pub": hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")},
			0o600, 1, "a certificate is wanted"},
		{"a certificate that is no key", map[string][]byte{"id_ed25519": ed, "id_ed25519-cert.pub": []byte("x")}, 0o600, 1, "id_ed25519-cert.pub: hostkey: "},
		{"a certificate not in base64", map[string][]byte{"id_ed25519": ed, "id_ed25519-cert.pub": []byte("x !")}, 0o600, 1, "in base64"},
		{"a certificate of no kind", map[string][]byte{"id_ed25519": ed, "id_ed25519-cert.pub": []byte("x AAAA")}, 0o600, 1, "id_ed25519-cert.pub: hostkey: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Credentials{Dir: directory(t, tt.files)}
			for name := range tt.files {
				require.NoError(t, os.Chmod(filepath.Join(c.Dir, name), tt.mode))
			}
			keys, err := c.identities(t.Context())
			require.Len(t, keys, tt.keys)
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
			}
		})
	}
	t.Run("a directory in place of a key", func(t *testing.T) {
		c := Credentials{Dir: t.TempDir()}
		require.NoError(t, os.Mkdir(filepath.Join(c.Dir, "id_rsa"), 0o700))
		_, err := c.identities(t.Context())
		require.ErrorContains(t, err, "is a directory")
	})
	t.Run("the passphrase is asked for by the file's name, or is the password", func(t *testing.T) {
		c := Credentials{Dir: directory(t, map[string][]byte{"id_rsa": locked})}
		wrong := errors.New("forgotten")
		c.Passphrase = func(_ context.Context, file string) ([]byte, error) {
			require.Equal(t, filepath.Join(c.Dir, "id_rsa"), file)
			return nil, wrong
		}
		_, err := c.identities(t.Context())
		require.ErrorIs(t, err, wrong)
		c.Passphrase = nil
		c.Password = func(context.Context) (string, error) { return "", wrong }
		_, err = c.identities(t.Context())
		require.ErrorIs(t, err, wrong)
	})
}

// A key is decrypted once, and only to sign.
func TestLockedSigner(t *testing.T) {
	unlocked, wrong := 0, errors.New("wrong passphrase")
	s := &lockedSigner{public: testkeys.RSA2048().PublicKey(), unlock: func(context.Context) (hostkey.Signer, error) {
		if unlocked++; unlocked == 1 {
			return nil, wrong
		}
		return testkeys.RSA2048(), nil
	}}
	require.Equal(t, testkeys.RSA2048().Algorithms(), s.Algorithms())
	require.True(t, hostkey.Equal(s.PublicKey(), testkeys.RSA2048().PublicKey()))
	require.Zero(t, unlocked)
	_, err := s.Sign(t.Context(), "rsa-sha2-256", []byte("data"))
	require.ErrorIs(t, err, wrong)
	for range 2 {
		sig, err := s.Sign(t.Context(), "rsa-sha2-256", []byte("data"))
		require.NoError(t, err)
		require.NoError(t, hostkey.Verify(s.PublicKey(), "rsa-sha2-256", []byte("data"), sig))
	}
	require.Equal(t, 2, unlocked)
	liar := &lockedSigner{public: testkeys.Ed25519().PublicKey(), unlock: func(context.Context) (hostkey.Signer, error) { return testkeys.Ed25519Other(), nil }}
	_, err = liar.Sign(t.Context(), "ssh-ed25519", nil)
	require.ErrorContains(t, err, "another key")
}

func TestPasswordAnswer(t *testing.T) {
	c := Credentials{Password: func(context.Context) (string, error) { return "p", nil }}
	for _, tt := range []struct {
		prompts []userauth.Prompt
		want    []string
		err     string
	}{
		{nil, nil, ""},
		{[]userauth.Prompt{{Text: "Password: "}}, []string{"p"}, ""},
		{[]userauth.Prompt{{Text: "Name: ", Echo: true}}, nil, "set Credentials.Answer"},
		{[]userauth.Prompt{{Text: "Password: "}, {Text: "Code: "}}, nil, "set Credentials.Answer"},
	} {
		got, err := c.passwordAnswer(t.Context(), userauth.Challenge{Prompts: tt.prompts})
		require.Equal(t, tt.want, got)
		if tt.err != "" {
			require.ErrorContains(t, err, tt.err)
		} else {
			require.NoError(t, err)
		}
	}
	_, err := c.newPassword()(t.Context(), "now")
	var expired *userauth.PasswordExpiredError
	require.ErrorAs(t, err, &expired)
	c.NewPassword = func(context.Context, string) (string, error) { return "n", nil }
	n, err := c.newPassword()(t.Context(), "now")
	require.NoError(t, err)
	require.Equal(t, "n", n)
}
