package interop

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// keyTypes are those that package hostkey makes keys of.
var keyTypes = []string{hostkey.Ed25519, hostkey.ECDSA256, hostkey.ECDSA384, hostkey.ECDSA521, hostkey.RSA}

// A keyring makes keys when they are first asked for: one of each type, for
// the whole run.
type keyring struct {
	name string
	mu   sync.Mutex
}

var (
	hostKeys  = keyring{name: "host"}
	userKeys  = keyring{name: "user"}
	otherKeys = keyring{name: "other"} // neither a host's nor trusted by one
)

// file returns the private key of a type, in the format of OpenSSH.
func (k *keyring) file(t *testing.T, keyType string) string {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	path := filepath.Join(workDir, k.name+"-"+keyType)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if keyType == hostkey.DSA { // in a format that everybody reads
		keygen(t, "-q", "-t", "dsa", "-m", "PEM", "-N", "", "-C", "", "-f", path)
	} else {
		require.NoError(t, hostkey.WritePrivateKeyFile(path, generate(t, keyType), k.name))
	}
	return path
}

func hostKeyFile(t *testing.T, keyType string) string { return hostKeys.file(t, keyType) }

func userKeyFile(t *testing.T, keyType string) string { return userKeys.file(t, keyType) }

func generate(t *testing.T, keyType string) (key crypto.Signer) {
	t.Helper()
	var err error
	switch keyType {
	case hostkey.Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case hostkey.ECDSA256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case hostkey.ECDSA384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case hostkey.ECDSA521:
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case hostkey.RSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("there is no key type %q", keyType)
	}
	require.NoError(t, err)
	return key
}

// signer reads a private key.
func signer(t *testing.T, path string) hostkey.Signer {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err := hostkey.ParsePrivateKey(text, nil)
	require.NoError(t, err)
	return s
}

// publicKey reads the public half of a private key, from a file of its own if
// there is one.
func publicKey(t *testing.T, path string) hostkey.PublicKey {
	t.Helper()
	if _, err := os.Stat(path + ".pub"); err == nil {
		return publicLine(t, path+".pub")
	}
	return signer(t, path).PublicKey()
}

// publicLine reads a file of one public key or certificate.
func publicLine(t *testing.T, file string) hostkey.PublicKey {
	t.Helper()
	line, err := os.ReadFile(file)
	require.NoError(t, err)
	fields := strings.Fields(string(line)) // of which the second is the key
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	require.NoError(t, err)
	key, err := hostkey.ParsePublicKey(blob)
	require.NoError(t, err)
	return key
}

var authorized sync.Mutex

// authorizedKeysFile returns the file that lets the user keys in.
func authorizedKeysFile(t *testing.T) string {
	t.Helper()
	authorized.Lock()
	defer authorized.Unlock()
	path := filepath.Join(workDir, "authorized_keys")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	var lines bytes.Buffer
	for _, keyType := range keyTypes {
		lines.Write(hostkey.MarshalAuthorizedKey(publicKey(t, userKeyFile(t, keyType)), "interop"))
	}
	require.NoError(t, os.WriteFile(path, lines.Bytes(), 0o600))
	return path
}
