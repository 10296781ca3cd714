//go:build unix

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
)

// hostKeys reads the host keys, or makes one if no file is given, which is kept
// unless nothing is to be written.
func (d *daemon) hostKeys(o *options) ([]hostkey.Signer, error) {
	path := d.account.path(".ssh/whelkd_host_ed25519_key")
	if _, err := os.Stat(path); len(o.hostKeys) == 0 && o.dry && errors.Is(err, fs.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		s, err := hostkey.NewSigner(key)
		return []hostkey.Signer{s}, err
	}
	if len(o.hostKeys) == 0 {
		key, err := server.HostKeyFile(path)
		if err != nil {
			return nil, err
		}
		return []hostkey.Signer{d.announce(key)}, nil
	}
	held, err := heldKeys(o.hostKeyAgent)
	if err != nil {
		return nil, err
	}
	var keys []hostkey.Signer
	for _, file := range o.hostKeys {
		key, err := hostKey(file, held)
		if err != nil {
			return nil, err
		}
		keys = append(keys, d.announce(key))
	}
	return keys, nil
}

// hostKey reads a host key, or finds the one among those held by an agent that a
// file with the public key is about.
func hostKey(file string, held []hostkey.Signer) (hostkey.Signer, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("host key: %w; `ssh-keygen -t ed25519 -N '' -f %s` makes one", err, filepath.Clean(file))
	}
	if held != nil {
		if public, err := readPublic(file); err == nil {
			i := slices.IndexFunc(held, func(s hostkey.Signer) bool { return hostkey.Equal(s.PublicKey(), public) })
			if i < 0 {
				return nil, fmt.Errorf("host key %s: the agent does not have it: `ssh-add` it there", file)
			}
			return held[i], nil
		}
	}
	return server.HostKeyFile(file)
}

// readPublic reads the one public key in a file, or in one of that name with
// ".pub" behind it.
func readPublic(file string) (hostkey.PublicKey, error) {
	for _, name := range []string{file, file + ".pub"} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		for key, err := range hostkey.AuthorizedKeys(io.LimitReader(f, maxCertificate)) {
			if err == nil {
				return key.Key, nil
			}
			break
		}
	}
	return nil, fmt.Errorf("%s: no public key", file)
}

// heldKeys returns the keys of the agent of HostKeyAgent, nil if there is none.
func heldKeys(address string) ([]hostkey.Signer, error) {
	if address == "" {
		return nil, nil
	}
	if address == "SSH_AUTH_SOCK" { // a name for what it holds
		address = os.Getenv(address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), agentTime)
	defer cancel()
	a, err := agent.Dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("HostKeyAgent: %w", err)
	}
	keys, err := agent.Signers(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("HostKeyAgent: %w", err)
	}
	return append([]hostkey.Signer{}, keys...), nil
}

// agentTime is how long the agent may take to say which keys it has.
const agentTime = 10 * time.Second

// announce logs what a client will see of key.
func (d *daemon) announce(key hostkey.Signer) hostkey.Signer {
	d.log.Info("host key", "type", key.PublicKey().Type(), "fingerprint", hostkey.Fingerprint(key.PublicKey()))
	return key
}
