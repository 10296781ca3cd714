package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os/user"
	"path/filepath"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A keyFile is an Ed25519 key pair whose private half is in a file.
type keyFile struct {
	path   string
	signer hostkey.Signer
}

// newKeyFile makes a key and writes it to path.
func newKeyFile(path, comment string) (keyFile, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyFile{}, err
	}
	signer, err := hostkey.NewSigner(private)
	if err != nil {
		return keyFile{}, err
	}
	return keyFile{path: path, signer: signer}, hostkey.WritePrivateKeyFile(path, private, comment)
}

func (k *keyFile) fingerprint() string { return hostkey.Fingerprint(k.signer.PublicKey()) }

// authorized returns the line of authorized_keys for the key, which is also
// the end of one of known_hosts.
func (k *keyFile) authorized() []byte {
	return hostkey.MarshalAuthorizedKey(k.signer.PublicKey(), "")
}

// knownHost returns the line of known_hosts by which the key is that of the
// server at a port here.
func (k *keyFile) knownHost(port string) []byte {
	return fmt.Appendf(nil, "[%s]:%s %s", loopback, port, k.authorized())
}

// loopback is where servers listen.
const loopback = "127.0.0.1"

// path returns the path of a file of the run.
func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

// currentUser returns the name of who runs this, the only user whelkd lets in.
func currentUser() (string, error) {
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return u.Username, nil
}
