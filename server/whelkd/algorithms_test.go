//go:build unix

package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
)

func TestUsable(t *testing.T) {
	keys := []hostkey.Signer{testkeys.Ed25519(), testkeys.RSA2048()}
	all, err := usable(keys, nil)
	require.NoError(t, err)
	require.Equal(t, keys, all)
	for list, want := range map[string]string{
		"rsa-sha2-256":     "rsa-sha2-256",
		"+ssh-rsa":         "ssh-ed25519 rsa-sha2-512 rsa-sha2-256 ssh-rsa",
		"ssh-rsa":          "ssh-rsa",
		"-ssh-ed25519":     "rsa-sha2-512 rsa-sha2-256",
		"ecdsa*,ssh-ed448": "",
	} {
		names, err := algolist.Signatures(list)
		require.NoError(t, err)
		some, err := usable(keys, names)
		var got []string
		for _, key := range some {
			got = append(got, key.Algorithms()...)
		}
		require.Equal(t, want, strings.Join(got, " "), list)
		require.Equal(t, want == "", err != nil, list)
	}
}

func quietly() *daemon { return &daemon{log: slog.New(slog.NewTextHandler(io.Discard, nil))} }

// moduliFile makes a file of one group, of a size that none of RFC 3526 has.
func moduliFile(t *testing.T) string {
	t.Helper()
	system, err := os.ReadFile(systemModuli)
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(system)) {
		if fields := strings.Fields(line); len(fields) == 7 && fields[4] == "7679" {
			path := t.TempDir() + "/moduli"
			require.NoError(t, os.WriteFile(path, []byte("# one\n"+line), 0o600))
			return path
		}
	}
	t.Skip("no group of 7680 bits in " + systemModuli)
	return ""
}

// The groups of a file are for group exchange, and for nothing else.
func TestWithModuli(t *testing.T) {
	gex, err := algolist.ServerKeyExchanges("+diffie-hellman-group-exchange-sha256")
	require.NoError(t, err)
	d, file := quietly(), moduliFile(t)
	with, err := d.withModuli(gex, file)
	require.NoError(t, err)
	require.Len(t, with, len(gex))
	last := len(gex) - 1
	require.NotSame(t, gex[last], with[last])
	require.Equal(t, gex[:last], with[:last])

	with, err = d.withModuli(nil, file)
	require.NoError(t, err)
	require.Nil(t, with, "the default remains the default")
	with, err = d.withModuli(kex.DefaultServer(), "")
	require.NoError(t, err)
	require.Len(t, with, len(kex.DefaultServer()))
}

func TestModuliFileRefuses(t *testing.T) {
	small := t.TempDir() + "/small"
	require.NoError(t, os.WriteFile(small, []byte("# none\n20260101000000 2 6 100 1023 2 FF\n"), 0o600))
	for _, test := range []struct{ name, path, why string }{
		{"a file that is not there", t.TempDir() + "/none", "no such file"},
		{"a file without groups", small, "no group of 2048 to 8192 bits"},
		{"a directory", t.TempDir(), "directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, 255, run([]string{"-h", hostKeyIn(t), "-o", "ModuliFile=" + test.path}, &stdout, &stderr))
			require.Contains(t, stderr.String(), "whelkd: ModuliFile: ")
			require.Contains(t, stderr.String(), test.why)
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
}

// A client gets the group of the file.
func TestModuliFile(t *testing.T) {
	const gex = "KexAlgorithms=diffie-hellman-group-exchange-sha256"
	r := start(t, "-v", "-o", gex, "-o", "ModuliFile="+moduliFile(t))
	stdout, stderr, status := r.output("-vv", "-o", "LogLevel=DEBUG2", "-o", gex, "echo in")
	require.Zero(t, status, stderr)
	require.Equal(t, "in\n", stdout)
	require.Regexp(t, `bits set: \d+/7680`, stderr)
}

// Without a ModuliFile the groups are OpenSSH's, where it is installed.
func TestSystemModuli(t *testing.T) {
	if _, err := os.Stat(systemModuli); err != nil {
		t.Skip(err)
	}
	const gex = "KexAlgorithms=diffie-hellman-group-exchange-sha256"
	r := start(t, "-v", "-o", gex)
	_, stderr, status := r.output("-o", gex, "true")
	require.Zero(t, status, stderr)
	require.Contains(t, r.logged(), "file="+systemModuli)
	r = start(t, "-v")
	require.NotContains(t, r.logged(), systemModuli, "it is not read where nothing needs it")
}

func TestHostKeyAlgorithmsNeedAKey(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 255, run([]string{"-h", hostKeyIn(t), "-o", "HostKeyAlgorithms=+ssh-rsa,-ssh-ed25519"}, &stdout, &stderr))
	require.Equal(t, "whelkd: none of the host keys signs with an algorithm of HostKeyAlgorithms: name another algorithm, or a HostKey for it\n", stderr.String())
}

// SHA-1 when both ends are told to, and not before.
func TestSHA1(t *testing.T) {
	rsa := t.TempDir() + "/rsa"
	require.NoError(t, os.WriteFile(rsa, testkeys.PEM("rsa2048"), 0o600))
	trusting := []string{"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"}
	for _, test := range []struct {
		name           string
		server, client []string
		status         int
	}{
		{"host key", []string{"-o", "HostKeyAlgorithms=+ssh-rsa"}, []string{"-o", "HostKeyAlgorithms=ssh-rsa"}, 0},
		{"host key, unasked", nil, []string{"-o", "HostKeyAlgorithms=ssh-rsa"}, 255},
		{"user key", []string{"-o", "PubkeyAcceptedAlgorithms=ssh-rsa"}, []string{"-o", "PubkeyAcceptedAlgorithms=ssh-rsa"}, 0},
		{"user key, unasked", nil, []string{"-o", "PubkeyAcceptedAlgorithms=ssh-rsa"}, 255},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, append([]string{"-h", rsa, "-v"}, test.server...)...)
			r.write("id", testkeys.PEM("rsa3072"))
			r.write("authorized_keys", hostkey.MarshalAuthorizedKey(testkeys.RSA3072().PublicKey(), ""))
			_, stderr, status := r.output(append(append(test.client, trusting...), "true")...)
			require.Equal(t, test.status, status, stderr+r.logged())
		})
	}
}

// RFC 8332: ssh signs with what server-sig-algs says.
func TestServerSigAlgs(t *testing.T) {
	for _, algorithm := range []string{"rsa-sha2-256", "rsa-sha2-512"} {
		r := start(t, "-vv", "-o", "PubkeyAcceptedAlgorithms="+algorithm)
		r.write("id", testkeys.PEM("rsa3072"))
		r.write("authorized_keys", hostkey.MarshalAuthorizedKey(testkeys.RSA3072().PublicKey(), ""))
		_, stderr, status := r.output("true")
		require.Zero(t, status, stderr)
	}
}

func TestPostQuantumIsLogged(t *testing.T) {
	for method, want := range map[string]string{"curve25519-sha256": "post-quantum=false", "sntrup761x25519-sha512@openssh.com": "post-quantum=true"} {
		r := start(t, "-vv")
		_, stderr, status := r.output("-o", "KexAlgorithms="+method, "true")
		require.Zero(t, status, stderr)
		require.Contains(t, r.logged(), want)
	}
}
