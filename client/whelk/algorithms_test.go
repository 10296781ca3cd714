package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

func TestAlgorithmLists(t *testing.T) {
	o := parse(t, "-oHostKeyAlgorithms=+ssh-ed448,ssh-rsa -oPubkeyAcceptedAlgorithms=rsa-sha2-256 h")
	require.Equal(t, append(hostkey.Default(), "ssh-ed448", "ssh-rsa"), o.transport.HostKeyAlgorithms)
	require.Len(t, o.transport.KeyFormats, 1)
	require.Equal(t, []string{"rsa-sha2-256"}, o.transport.UserKeyAlgorithms)
	require.True(t, o.knownFirst)

	o = parse(t, "-oPubkeyAcceptedAlgorithms=+ssh-ed448 -oHostKeyAlgorithms=ssh-ed25519 -oCASignatureAlgorithms=-rsa* h")
	require.Empty(t, o.transport.KeyFormats, "what our keys may sign with is no offer to the host")
	require.False(t, o.knownFirst, "a list with an order keeps it")
	require.False(t, parse(t, "-oHostKeyAlgorithms=^rsa-* h").knownFirst)
	require.True(t, parse(t, "-oHostKeyAlgorithms=-rsa-* h").knownFirst)
	require.Equal(t, []string{"ssh-rsa"}, parse(t, "-oPubkeyAcceptedKeyTypes=ssh-rsa h").transport.UserKeyAlgorithms)
}

func TestInOrderOf(t *testing.T) {
	known := func(keys ...hostkey.Signer) (order []string) {
		var public []hostkey.PublicKey
		for _, k := range keys {
			public = append(public, k.PublicKey())
		}
		return hostkey.PreferKeys(public)
	}
	ed, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	for _, test := range []struct {
		name       string
		order      []string
		list, want string
	}{
		{"nothing is known", known(), "ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512 ssh-rsa ssh-ed448", "ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512 ssh-rsa ssh-ed448"},
		{"RSA is known: what it signs with stays together", known(testkeys.RSA2048()), "ssh-ed25519 rsa-sha2-512 rsa-sha2-256 ssh-ed448 ssh-rsa", "rsa-sha2-512 rsa-sha2-256 ssh-rsa ssh-ed25519 ssh-ed448"},
		{"a format of others is known", known(ed), "ssh-ed25519 rsa-sha2-512 ssh-ed448", "ssh-ed448 ssh-ed25519 rsa-sha2-512"},
		{"what is known is not in the list", known(testkeys.ECDSA256()), "rsa-sha2-512 ssh-ed25519", "ssh-ed25519 rsa-sha2-512"},
	} {
		require.Equal(t, strings.Fields(test.want), inOrderOf(test.order, strings.Fields(test.list)), test.name)
	}
}

// lacking is what ssh -Q lists and whelk -Q does not, and why.
var lacking = map[string]string{
	"hmac-md5-96":                  "MD5, and half of the tag: hmac-md5 is there for what has nothing better",
	"hmac-md5-96-etm@openssh.com":  "peers with encrypt-then-MAC have SHA-2",
	"hmac-md5-etm@openssh.com":     "peers with encrypt-then-MAC have SHA-2",
	"hmac-sha1-96-etm@openssh.com": "peers with encrypt-then-MAC have SHA-2",
}

// lackingTopics are the topics of ssh -Q help that whelk does not have.
var lackingTopics = map[string]string{"kex-gss": "there is no GSSAPI yet"}

func queryOf(t *testing.T, program, topic string) []string {
	t.Helper()
	out, err := exec.Command(program, "-Q", topic).Output()
	require.NoError(t, err, "%s -Q %s", program, topic)
	return strings.Fields(string(out))
}

func openSSH(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs ssh (Debian: openssh-client)")
		}
		t.Skip("there is no ssh here (Debian: openssh-client)")
	}
	return path
}

// What OpenSSH has is here, under the topics that it is listed by there.
func TestQueriesHaveWhatOpenSSHHas(t *testing.T) {
	ssh := openSSH(t)
	topics := queryOf(t, ssh, "help")
	require.Contains(t, topics, "kex")
	ours := queryOf(t, whelk, "help")
	for _, topic := range append(topics, "Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms") {
		if _, ok := lackingTopics[topic]; ok {
			require.NotContains(t, ours, topic, "its row in lackingTopics can go")
			continue
		}
		names := queryOf(t, whelk, topic)
		for _, name := range queryOf(t, ssh, topic) {
			if _, ok := lacking[name]; ok {
				require.NotContains(t, names, name, "its row in lacking can go")
				continue
			}
			require.Contains(t, names, name, "-Q %s", topic)
		}
	}
}

// notByDefault says why we offer less of our own accord than OpenSSH does.
var notByDefault = map[string]string{
	"hmac-sha1":                 "SHA-1 is not offered unless asked for",
	"hmac-sha1-etm@openssh.com": "SHA-1 is not offered unless asked for",
}

// Nothing that OpenSSH offers by default is missing here, and the lists of its
// configuration can be given to whelk.
func TestOpenSSHsDefaults(t *testing.T) {
	out, err := exec.Command(openSSH(t), "-F", "none", "-G", "host").Output()
	require.NoError(t, err)
	lists := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		lists[keyword] = value
	}
	for keyword, topic := range map[string]string{
		"ciphers": "cipher", "macs": "mac", "kexalgorithms": "kex",
		"hostkeyalgorithms": "key-sig", "pubkeyacceptedalgorithms": "key-sig", "casignaturealgorithms": "sig",
	} {
		t.Run(keyword, func(t *testing.T) {
			list := lists[keyword]
			require.NotEmpty(t, list)
			_, err := settled("-o", keyword+"="+list, "host")
			require.NoError(t, err)
			all := queryOf(t, whelk, topic)
			for name := range strings.SplitSeq(list, ",") {
				require.Contains(t, all, name)
				_, excused := notByDefault[name]
				isDefault := slices.Contains(defaultNames(t, keyword), name)
				certificate := strings.HasSuffix(name, "-cert-v01@openssh.com") // nobody vouches for an authority yet
				require.True(t, isDefault || excused || certificate, "%s is not offered by default", name)
			}
		})
	}
}

// defaultNames returns what whelk has for a keyword by default, by way of a list
// that takes nothing away.
func defaultNames(t *testing.T, keyword string) (names []string) {
	t.Helper()
	o := parse(t, "-o "+keyword+"=-nothing-* host")
	for _, m := range o.transport.Ciphers {
		names = append(names, m.Name)
	}
	for _, a := range o.transport.MACs {
		names = append(names, a.Name)
	}
	for _, m := range o.transport.KeyExchanges {
		names = append(names, m.Name())
	}
	names = append(names, o.transport.HostKeyAlgorithms...)
	if keyword == "casignaturealgorithms" {
		return hostkey.Default()
	}
	return append(names, o.transport.UserKeyAlgorithms...)
}

// A host that is known by one of its keys is asked for that one, whatever a list
// adds or takes away.
func TestKnownKeyComesFirst(t *testing.T) {
	rsa := testkeys.RSA2048()
	s := startSSHD(t, "HostKey="+hostFile(t, "rsa2048"))
	s.write(t, "known", s.knownLine(rsa))
	for _, list := range []string{"+ssh-rsa", "-ssh-dss", "+ssh-ed448", "rsa-sha2-256,ssh-ed25519"} {
		_, stderr, status := s.run("", "-v", "-oHostKeyAlgorithms="+list, "@", "true")
		require.Zero(t, status, "%s: %s", list, stderr)
		require.Contains(t, stderr, "Server host key: ssh-rsa")
	}
	_, stderr, status := s.run("", "-oHostKeyAlgorithms=^ssh-ed25519", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, hostkey.Fingerprint(testkeys.Ed25519Other().PublicKey()), "an order is an order")
}

func (s *sshd) knownLine(key hostkey.Signer) string {
	return "[127.0.0.1]:" + s.port + " " + string(hostkey.MarshalAuthorizedKey(key.PublicKey(), ""))
}

func hostFile(t *testing.T, name string) string {
	path := t.TempDir() + "/" + name
	require.NoError(t, os.WriteFile(path, testkeys.PEM(name), 0o600))
	return path
}

// SHA-1 when both ends are told to, and not before.
func TestSHA1(t *testing.T) {
	s := startSSHD(t, "HostKey="+hostFile(t, "rsa2048"), "HostKeyAlgorithms=ssh-rsa", "PubkeyAcceptedAlgorithms=ssh-rsa")
	s.write(t, "known", s.knownLine(testkeys.RSA2048()))
	s.write(t, "user", string(testkeys.PEM("rsa3072")))
	s.write(t, "authorized", string(hostkey.MarshalAuthorizedKey(testkeys.RSA3072().PublicKey(), "")))
	_, stderr, status := s.run("", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "no common host key algorithm")
	_, stderr, status = s.run("", "-oBatchMode=yes", "-oHostKeyAlgorithms=+ssh-rsa", "@", "true")
	require.Equal(t, failure, status, "our key does not sign over SHA-1")
	require.Contains(t, stderr, "publickey")
	_, stderr, status = s.run("", "-oHostKeyAlgorithms=+ssh-rsa", "-oPubkeyAcceptedAlgorithms=ssh-rsa", "@", "true")
	require.Zero(t, status, stderr)
}

// RFC 8332, section 3.3: OpenSSH 9.2 announces rsa-sha2-512 in server-sig-algs
// even if it does not take it, so that ssh has to be told as well.
func TestOneRSAAlgorithm(t *testing.T) {
	for _, algorithm := range []string{"rsa-sha2-256", "rsa-sha2-512"} {
		s := startSSHD(t, "PubkeyAcceptedAlgorithms="+algorithm)
		s.write(t, "user", string(testkeys.PEM("rsa2048")))
		s.write(t, "authorized", string(hostkey.MarshalAuthorizedKey(testkeys.RSA2048().PublicKey(), "")))
		for _, list := range []string{algorithm, "ssh-ed25519," + algorithm, "^" + algorithm} {
			_, stderr, status := s.run("", "-vv", "-oPubkeyAcceptedAlgorithms="+list, "@", "true")
			require.Zero(t, status, stderr)
			require.Contains(t, stderr, algorithm)
		}
		if algorithm == "rsa-sha2-512" {
			_, stderr, status := s.run("", "@", "true")
			require.Zero(t, status, stderr)
		}
	}
}

// A key that may sign with nothing is passed over, and said to be if it was
// asked for.
func TestPubkeyAcceptedAlgorithms(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "ecdsa", string(testkeys.PEM("ecdsa256")))
	_, stderr, status := s.run("", "-i", s.path("ecdsa"), "-oPubkeyAcceptedAlgorithms=-ecdsa*", "@", "true")
	require.Zero(t, status, stderr)
	require.Equal(t, "Warning: identity file "+s.path("ecdsa")+" is passed over: it signs with ecdsa-sha2-nistp256, and PubkeyAcceptedAlgorithms has none of these\n", stderr)
	_, stderr, status = s.run("", "-oBatchMode=yes", "-oPubkeyAcceptedAlgorithms=rsa-*", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "publickey")
}

// A host whose only key is of a format that has to be asked for.
func TestEd448Host(t *testing.T) {
	key, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &server.Server{
		HostKeys: []hostkey.Signer{key},
		Auth: userauth.Server{Checks: []userauth.Check{userauth.CheckPublicKey(
			func(context.Context, *userauth.Attempt, hostkey.PublicKey) (userauth.Decision, error) {
				return userauth.Accept(nil), nil
			})}},
		Session: server.HandlerFunc(func(s *server.Session) { fmt.Fprintln(s, "in") }),
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	s := &sshd{dir: t.TempDir()}
	_, s.port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	s.write(t, "user", string(testkeys.PEM("ed25519")))
	s.write(t, "known", s.knownLine(key))
	_, stderr, status := s.run("", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "no common host key algorithm")
	stdout, stderr, status := s.run("", "-v", "-oHostKeyAlgorithms=+ssh-ed448", "@", "true")
	require.Zero(t, status, stderr)
	require.Equal(t, "in\n", stdout)
	require.Contains(t, stderr, "kex: host key algorithm: ssh-ed448")
}

// One line, once, of a key exchange that a quantum computer would undo.
func TestPostQuantumWarning(t *testing.T) {
	s := startSSHD(t)
	for method, want := range map[string]int{"curve25519-sha256": 1, "ecdh-sha2-nistp256": 1, "sntrup761x25519-sha512@openssh.com": 0} {
		for _, flag := range []string{"-v", "-oLogLevel=VERBOSE"} {
			_, stderr, status := s.run("", flag, "-oRekeyLimit=16", "-oKexAlgorithms="+method, "@", "true")
			require.Zero(t, status, stderr)
			require.Equal(t, want, strings.Count(stderr, "Warning: the key exchange "+method+" is not post-quantum"), stderr)
		}
		_, stderr, status := s.run("", "-oKexAlgorithms="+method, "@", "true")
		require.Zero(t, status, stderr)
		require.Empty(t, stderr)
	}
}
