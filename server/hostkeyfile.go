package server

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/hostkey"
)

// HostKeyFile returns the host key in the file of that name. If there is no
// such file, it makes an Ed25519 key and writes it there, readable by its owner
// only, so that clients find the same key whenever the server runs. The
// directory is made as well if it does not exist.
//
// The file is one that ssh-keygen writes, without a passphrase. A file that
// others may read is an error: who has the key can pose as this server.
func HostKeyFile(path string) (hostkey.Signer, error) {
	key, err := readHostKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("server: making a host key: %w", err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("server: making a host key: %w", err)
	}
	// Of two servers that start at once, one makes the key for both.
	if err := hostkey.WritePrivateKeyFile(path, private, ""); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("server: making a host key: %w", err)
	}
	return readHostKey(path)
}

// readHostKey reads a private key that is for its owner alone.
func readHostKey(path string) (hostkey.Signer, error) {
	key, err := hostkey.ReadPrivateKeyFile(context.Background(), path, nil)
	if err != nil {
		return nil, fmt.Errorf("server: host key: %w", err)
	}
	if key.Key == nil {
		return nil, fmt.Errorf("server: host key %s: it is on a security key, which a server cannot wait for", path)
	}
	return key.Signer, nil
}
