package client

import (
	"context"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// A notebook is an Updater that asks for proof of all keys but the one in use.
type notebook struct {
	got    []*hostkey.Announcement
	proved error
	block  bool
}

func (n *notebook) UpdateHostKeys(ctx context.Context, a *hostkey.Announcement) error {
	n.got = append(n.got, a)
	if n.block {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	others := slices.DeleteFunc(slices.Clone(a.Keys), func(k hostkey.PublicKey) bool { return hostkey.Equal(k, a.Key) })
	if len(others) > 0 {
		n.proved = a.Prove(ctx, others)
	}
	return n.proved
}

// announcing returns a peer that announces blobs, and signs for what it is
// asked to prove as sign has it.
func announcing(sign func(key []byte, s transport.State) []byte, blobs ...[]byte) *peer {
	p := newPeer()
	var payload []byte
	for _, blob := range blobs {
		payload = wire.AppendString(payload, blob)
	}
	p.opened = func(m *connection.Mux) { m.Notify("hostkeys-00@openssh.com", payload) }
	p.asked = func(r *connection.Request, s transport.State) {
		if r.Type != "hostkeys-prove-00@openssh.com" || sign == nil {
			r.Reply(false, nil)
			return
		}
		var reply []byte
		for in := wire.NewReader(r.Payload); in.Len() > 0; {
			reply = append(reply, sign(in.Blob(), s)...)
		}
		r.Reply(true, reply)
	}
	return p
}

func proofData(name string, session, key []byte) []byte {
	return wire.AppendString(wire.AppendString(wire.AppendString(nil, name), session), key)
}

// honest signs as a server does.
func honest(key []byte, s transport.State) []byte {
	for _, signer := range testkeys.All() {
		if string(signer.PublicKey().Marshal()) == string(key) {
			return signedBy(signer, signer.Algorithms()[0], proofData(proveRequest, s.SessionID, key))
		}
	}
	return nil
}

func signedBy(signer hostkey.Signer, algorithm string, data []byte) []byte {
	signature, err := signer.Sign(context.Background(), algorithm, data)
	if err != nil {
		panic(err)
	}
	return wire.AppendString(nil, signature.Append(nil))
}

func blob(s hostkey.Signer) []byte { return s.PublicKey().Marshal() }

// listening returns what became of an announcement.
func listening(t *testing.T, p *peer, change func(*Config)) (*notebook, error) {
	t.Helper()
	n := &notebook{}
	var outcome error
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.Updater = n
		if change != nil {
			change(config)
		}
		c, err := p.dial(config)
		require.NoError(t, err)
		time.Sleep(time.Second)
		outcome = c.HostKeysUpdated(t.Context())
		out, err := c.Command("echo alive").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "alive\n", string(out))
		require.NoError(t, c.Close())
		time.Sleep(time.Second)
	})
	return n, outcome
}

func TestUpdaterLearnsKeys(t *testing.T) {
	rsa, ecdsa := testkeys.RSA2048(), testkeys.ECDSA256()
	n, err := listening(t, announcing(honest, blob(testkeys.Ed25519()), blob(rsa), blob(ecdsa)), nil)
	require.NoError(t, err)
	require.Len(t, n.got, 1)
	require.Len(t, n.got[0].Keys, 3)
	require.True(t, hostkey.Equal(testkeys.Ed25519().PublicKey(), n.got[0].Key))
	require.Equal(t, testAddress, n.got[0].Host.Name)
	require.NoError(t, n.proved)
}

// L8: a proof is for this session, this purpose, this key and by the key
// itself.
func TestL8Proofs(t *testing.T) {
	ecdsa, other := testkeys.ECDSA256(), testkeys.ECDSA384()
	session := func(s transport.State) []byte { return s.SessionID }
	for _, test := range []struct {
		name string
		sign func(key []byte, s transport.State) []byte
	}{
		{"a refusal", nil},
		{"no signature", func([]byte, transport.State) []byte { return nil }},
		{"an empty signature", func([]byte, transport.State) []byte { return wire.AppendString(nil, "") }},
		{"a truncated signature", func(key []byte, s transport.State) []byte { p := honest(key, s); return p[:len(p)-1] }},
		{"too many signatures", func(key []byte, s transport.State) []byte { return append(honest(key, s), honest(key, s)...) }},
		{"another session", func(key []byte, s transport.State) []byte {
			id := slices.Clone(session(s))
			id[0] ^= 1
			return signedBy(ecdsa, ecdsa.Algorithms()[0], proofData(proveRequest, id, key))
		}},
		{"no session", func(key []byte, s transport.State) []byte {
			return signedBy(ecdsa, ecdsa.Algorithms()[0], proofData(proveRequest, nil, key))
		}},
		{"another purpose", func(key []byte, s transport.State) []byte {
			return signedBy(ecdsa, ecdsa.Algorithms()[0], proofData(announceRequest, session(s), key))
		}},
		{"the key exchange's", func(key []byte, s transport.State) []byte {
			return signedBy(ecdsa, ecdsa.Algorithms()[0], session(s))
		}},
		{"about another key", func(key []byte, s transport.State) []byte {
			return signedBy(ecdsa, ecdsa.Algorithms()[0], proofData(proveRequest, session(s), blob(other)))
		}},
		{"by another key", func(key []byte, s transport.State) []byte {
			return signedBy(other, other.Algorithms()[0], proofData(proveRequest, session(s), key))
		}},
		{"by the key in use", func(key []byte, s transport.State) []byte {
			return signedBy(testkeys.Ed25519(), hostkey.Ed25519, proofData(proveRequest, session(s), key))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := listening(t, announcing(test.sign, blob(testkeys.Ed25519()), blob(ecdsa)), nil)
			require.ErrorIs(t, err, errProof)
			require.Equal(t, n.proved, err)
		})
	}
}

// L8: announcements are bounded, and so is what is believed of them.
func TestL8Announcements(t *testing.T) {
	many := [][]byte{blob(testkeys.Ed25519())}
	for i := range 16 {
		s, err := ed448.NewSigner(append(make([]byte, ed448.SeedSize-1), byte(i)))
		require.NoError(t, err)
		many = append(many, blob(s))
	}
	certificate := &hostkey.Certificate{Key: testkeys.RSA2048().PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"h"}}
	require.NoError(t, certificate.Certify(t.Context(), testkeys.Ed25519()))
	mine := blob(testkeys.Ed25519())
	for _, test := range []struct {
		name   string
		blobs  [][]byte
		change func(*Config)
		want   int // keys the Updater is told of, or -1 if it is not called
	}{
		{"none", nil, nil, 0},
		{"17 keys", many, nil, -1},
		{"16 keys, 15 of an unknown format", many[:16], nil, 1},
		{"16 keys of a known format", many[:16], func(c *Config) { c.Transport.KeyFormats = []hostkey.Format{ed448.Format()} }, 16},
		{"a key twice", [][]byte{mine, mine}, nil, -1},
		{"a certificate", [][]byte{mine, certificate.Marshal()}, nil, 1},
		{"no key", [][]byte{mine, {}, []byte("garbage")}, nil, 1},
		{"a format that is not allowed", [][]byte{mine, blob(testkeys.RSA2048())},
			func(c *Config) { c.Transport.HostKeyAlgorithms = []string{hostkey.Ed25519, hostkey.ECDSA256} }, 1},
		{"SHA-1 is not a proof", [][]byte{mine, blob(testkeys.RSA2048())},
			func(c *Config) { c.Transport.HostKeyAlgorithms = []string{hostkey.Ed25519, hostkey.RSA} }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := listening(t, announcing(nil, test.blobs...), test.change)
			if test.want < 0 {
				require.ErrorIs(t, err, errAnnouncement)
				require.Empty(t, n.got)
				return
			}
			require.Len(t, n.got, 1)
			require.Len(t, n.got[0].Keys, test.want)
		})
	}
	p := announcing(nil)
	p.opened = func(m *connection.Mux) { m.Notify(announceRequest, []byte{0, 0, 1}) }
	n, err := listening(t, p, nil)
	require.ErrorIs(t, err, errAnnouncement)
	require.Empty(t, n.got)
}

// RSA keys prove themselves the way that was agreed on, if that was of RSA,
// and never with SHA-1.
func TestProofsOfRSA(t *testing.T) {
	rsa, rsa2 := testkeys.RSA2048(), testkeys.RSA3072()
	for agreed, want := range map[string]map[string]bool{
		hostkey.Ed25519:   {hostkey.RSASHA256: true, hostkey.RSASHA512: true},
		hostkey.RSASHA256: {hostkey.RSASHA256: true, hostkey.RSASHA512: false},
	} {
		for algorithm, ok := range want {
			t.Run(agreed+" "+algorithm, func(t *testing.T) {
				p := announcing(func(key []byte, s transport.State) []byte {
					return signedBy(rsa2, algorithm, proofData(proveRequest, s.SessionID, key))
				}, blob(testkeys.Ed25519()), blob(rsa), blob(rsa2))
				p.transport.HostKeys = []hostkey.Signer{testkeys.Ed25519(), rsa}
				_, err := listening(t, p, func(c *Config) {
					c.HostKeys = hostkey.InsecureAcceptAny()
					c.Transport.HostKeyAlgorithms = []string{agreed, hostkey.RSASHA512, hostkey.RSASHA256}
					c.Updater = &only{key: rsa2.PublicKey()}
				})
				require.Equal(t, ok, err == nil, "%v", err)
			})
		}
	}
}

// only is an Updater that wants proof of one key.
type only struct{ key hostkey.PublicKey }

func (o *only) UpdateHostKeys(ctx context.Context, a *hostkey.Announcement) error {
	return a.Prove(ctx, []hostkey.PublicKey{o.key})
}

// A second announcement is not listened to, other requests go where they did,
// and what is under way ends with the connection.
func TestUpdaterAndOtherRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{block: true}
		p := newPeer()
		answers := make(chan error, 3)
		p.opened = func(m *connection.Mux) {
			for range 2 {
				m.Notify(announceRequest, wire.AppendString(nil, blob(testkeys.Ed25519())))
			}
			for _, name := range []string{announceRequest, "mine@example.com", "unknown@example.com"} {
				_, err := m.Request(context.Background(), name, nil)
				answers <- err
			}
		}
		config := testConfig()
		config.Updater = n
		config.Mux.Requests = 3
		config.Mux.OnRequest = func(r *connection.Request) { r.Reply(r.Type == "mine@example.com", nil) }
		c, err := p.dial(config)
		require.NoError(t, err)
		require.NoError(t, <-answers)
		require.NoError(t, <-answers)
		require.ErrorIs(t, <-answers, connection.ErrRefused)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.HostKeysUpdated(ctx), context.DeadlineExceeded)
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.HostKeysUpdated(t.Context()), context.Canceled)
		require.Len(t, n.got, 1)
		time.Sleep(time.Second)
	})
}

func TestWithoutUpdater(t *testing.T) {
	in(t, announcing(honest, blob(testkeys.Ed25519())), func(t *testing.T, c *Client) {
		require.NoError(t, c.HostKeysUpdated(t.Context()))
	})
	config := testConfig()
	config.Updater, config.Mux.Requests = &notebook{}, 1
	_, err := newPeer().dial(config)
	require.Equal(t, ErrUpdater, err)
	_, err = listening(t, newPeer(), nil)
	require.NoError(t, err, "nothing is announced")
}

// Against sshd: a file comes to hold all its keys, and loses those it has no
// more.
func TestOpenSSHRotatesKeys(t *testing.T) {
	second := t.TempDir() + "/second"
	require.NoError(t, os.WriteFile(second, testkeys.PEM("rsa2048"), 0o600))
	address, config := sshd(t, "HostKey="+second)
	path := t.TempDir() + "/known_hosts"
	known := knownhosts.New(knownhosts.Config{Files: []string{path}})
	host := hostkey.Host{Name: address}
	require.NoError(t, known.Add(host, testkeys.ECDSA256().PublicKey()))
	config.HostKeys, config.Updater = known, known
	connect := func() error {
		c, err := Dial(t.Context(), "tcp", address, config)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Command("true").Output(t.Context()); err != nil {
			return err
		}
		return c.HostKeysUpdated(t.Context())
	}
	require.Error(t, known.VerifyHostKey(t.Context(), host, testkeys.RSA2048().PublicKey()))
	require.NoError(t, connect())
	require.NoError(t, known.VerifyHostKey(t.Context(), host, testkeys.RSA2048().PublicKey()))
	require.NoError(t, connect())
}
