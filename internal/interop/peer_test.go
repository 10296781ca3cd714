package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
)

// A peer is an implementation that is not ours, with everything on that it has.
type peer struct {
	name           string
	client, server *program

	// serve starts its server: more than one where one cannot have every host
	// key.
	serve func(t *testing.T) []*server

	// connect returns its client about to run a command on s.
	connect func(t *testing.T, s *server, remote string) *exec.Cmd

	// broken are algorithms that its client offers and cannot do, and why.
	broken map[string]string
}

var peers = []*peer{
	{"OpenSSH", ssh, sshd, serveOpenSSH, connectOpenSSH, nil},
	{"Dropbear", dbclient, dropbear, serveDropbear, connectDropbear, map[string]string{
		// Its buf_put_pub_key writes K_S as it enters the exchange hash (RFC
		// 5656, section 4). Of a security key it leaves out the application.
		hostkey.SKEd25519: "it hashes the host key without its last field",
		// And here it finds nothing to write.
		hostkey.SKECDSA256: "it cannot hash the host key",
	}},
	scripted("Paramiko", "paramiko"),
	scripted("Conch", "twisted/conch"),
	{"x/crypto", xcrypto, xcrypto, serveXCrypto, connectXCrypto, nil},
}

var queries sync.Map // what ssh -Q has answered

// query returns what ssh -Q lists.
func query(t *testing.T, what string) string {
	t.Helper()
	ssh.mustExist(t)
	if answer, ok := queries.Load(what); ok {
		return answer.(string)
	}
	output, err := commandOf(ssh.path, "-Q", what).Output()
	require.NoError(t, err)
	answer := strings.Join(strings.Fields(string(output)), ",")
	queries.Store(what, answer)
	return answer
}

// allOfOpenSSH are the options that switch on what is off by default.
func allOfOpenSSH(t *testing.T) []string {
	t.Helper()
	return []string{
		"KexAlgorithms=+" + query(t, "kex"), "Ciphers=+" + query(t, "cipher"), "MACs=+" + query(t, "mac"),
		"HostKeyAlgorithms=+" + query(t, "HostKeyAlgorithms"), "Compression=yes",
	}
}

func serveOpenSSH(t *testing.T) []*server {
	options := allOfOpenSSH(t)
	for _, file := range hostKeyFiles(t) {
		options = append(options, "HostKey="+file, "HostCertificate="+certificateFile(t, file))
	}
	s := serve(t, sshd, options...)
	s.hostKeys = trusted(t)
	return []*server{s}
}

func connectOpenSSH(t *testing.T, s *server, remote string) *exec.Cmd {
	return s.command(t, ssh, remote, flags(allOfOpenSSH(t))...)
}

// serveDropbear starts servers with four host keys each, which is
// MAX_HOSTKEYS of Dropbear's sysoptions.h. One of RSA is among them, because it
// offers its algorithms whether it has the key or not, and ends in an assertion
// if it has not: the disablekey of its svr-runopts.c looks for "ssh-rsa" under
// the number of the key, and the table of algorithms has those of signatures.
func serveDropbear(t *testing.T) (servers []*server) {
	dropbearconvert.mustExist(t)
	rsa := hostKeyFile(t, hostkey.RSA)
	others := slices.DeleteFunc(hostKeyFiles(t), func(file string) bool { return file == rsa })
	for files := range slices.Chunk(others, 3) {
		s := startDropbear(t, append([]string{rsa}, files...)...)
		// Its buf_match_algo calls a guess of the host key algorithm right if the
		// one agreed on is the first of its table, ssh-ed25519, and not of what it
		// has offered, where those without a key are left out. So it drops a packet
		// that was no guess, and both sides wait. Version 2026.94 still does.
		if !slices.Contains(files, hostKeyFile(t, hostkey.Ed25519)) {
			s.deaf = "drops what was sent on a right guess if it has no key for `ssh-ed25519`"
		}
		servers = append(servers, s)
	}
	return servers
}

func connectDropbear(t *testing.T, s *server, remote string) *exec.Cmd {
	dropbearconvert.mustExist(t)
	file := dropbearFormat(t, userKeyFile(t, hostkey.Ed25519))
	cmd := limited(t, dbclient, "-y", "-y", "-p", strconv.Itoa(s.port), "-i", file, "-l", userName(t), "127.0.0.1", remote)
	cmd.Env = append(cmd.Env, "HOME="+t.TempDir()) // it writes the keys of hosts there
	return cmd
}

// moduli is the file of groups that Debian's OpenSSH has.
const moduli = "/etc/ssh/moduli"

// scripted is a library for Python, which a script of ours makes a client and a
// server.
func scripted(name, module string) *peer {
	script := filepath.Base(module) + "_peer.py"
	p := &program{name: name}
	// Debian's own Python has the modules that Debian's packages are.
	if _, err := os.Stat(filepath.Join("/usr/lib/python3/dist-packages", module)); err == nil {
		p.path = "/usr/bin/python3"
	}
	path, err := filepath.Abs(filepath.Join("peers", script))
	if err != nil {
		panic(err)
	}
	return &peer{name, p, p,
		func(t *testing.T) []*server {
			s := startPeer(t, p, append([]string{path, "serve", moduli, authorizedKeysFile(t)}, hostKeyFiles(t)...)...)
			// Paramiko's _parse_kex_init reads first_kex_packet_follows, logs it,
			// and takes whatever packet follows for one of the method agreed on.
			// Version 4.0 still does.
			if module == "paramiko" {
				s.deaf = "takes what was sent on a wrong guess for what is due"
			}
			return []*server{s}
		},
		func(t *testing.T, s *server, remote string) *exec.Cmd {
			return limited(t, p, path, "run", strconv.Itoa(s.port), userName(t), userKeyFile(t, hostkey.Ed25519), remote)
		},
		nil,
	}
}

func serveXCrypto(t *testing.T) []*server {
	files := hostKeyFiles(t)
	for _, file := range files {
		certificateFile(t, file) // lies next to it
	}
	return []*server{startPeer(t, xcrypto, append([]string{"serve", authorizedKeysFile(t)}, files...)...)}
}

func connectXCrypto(t *testing.T, s *server, remote string) *exec.Cmd {
	return limited(t, xcrypto, "run", strconv.Itoa(s.port), userName(t), userKeyFile(t, hostkey.Ed25519), remote)
}

// startPeer starts a server that says where it listens.
func startPeer(t *testing.T, p *program, args ...string) *server {
	t.Helper()
	s := &server{program: p, hostKeys: trusted(t)}
	s.daemon = launch(t, p.path, args...)
	require.True(t, s.awaitPort(t), "%s does not start: %s", p.name, s.log.String())
	t.Cleanup(func() { s.requireNoChildren(t) })
	return s
}

// versionIn is what a version line says of the program that sent it.
func versionIn(line string) string {
	software, _, _ := strings.Cut(strings.TrimPrefix(line, "SSH-2.0-"), " ")
	_, version, _ := strings.Cut(software, "_")
	return version
}

// hostKeyFiles are one host key of each type there is: DSA too, as long as
// there is an ssh-keygen that knows it.
func hostKeyFiles(t *testing.T) (files []string) {
	t.Helper()
	types := keyTypes
	if strings.Contains(query(t, "key"), hostkey.DSA) {
		types = append(slices.Clone(types), hostkey.DSA)
	}
	for _, keyType := range types {
		files = append(files, hostKeyFile(t, keyType))
	}
	return files
}

// trusted are the keys in hostKeyFiles and their certificates.
func trusted(t *testing.T) (keys []hostkey.PublicKey) {
	t.Helper()
	for _, file := range hostKeyFiles(t) {
		keys = append(keys, publicKey(t, file), publicLine(t, certificateFile(t, file)))
	}
	return keys
}

// certificateFile returns the certificate of a host key, which lies where
// ssh-keygen puts it.
func certificateFile(t *testing.T, file string) string {
	t.Helper()
	path := file + "-cert.pub"
	hostKeys.mu.Lock()
	defer hostKeys.mu.Unlock()
	if _, err := os.Stat(path); err != nil {
		line := hostkey.MarshalAuthorizedKey(certify(t, publicKey(t, file)), "")
		require.NoError(t, os.WriteFile(path, line, 0o600))
	}
	return path
}

// Paramiko's server breaks off over our guess, and is dialed again.
func TestWrongGuessAtParamiko(t *testing.T) {
	p := peers[slices.IndexFunc(peers, func(p *peer) bool { return p.name == "Paramiko" })]
	between(t, "library to Paramiko", []*program{p.server}, func(t *testing.T) {
		s := p.serve(t)[0]
		c := s.dial(t, func(c *client.Config) { c.HostKeys = s.vouched() })
		require.Equal(t, "curve25519-sha256@libssh.org", c.State().KeyExchange)
	})
}
