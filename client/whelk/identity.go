package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
)

// keys returns the keys of files and of the agent, in the usual order. An error
// is for the case that no key does it.
func (p *program) keys(ctx context.Context) ([]hostkey.Signer, error) {
	i, err := client.IdentitiesFor(p.resolved, p.passphrase)
	if err != nil {
		return nil, err
	}
	i.Agent = p.agentKeys
	i.Use, i.Skipped = p.useKey, p.skipKey
	return i.Signers(ctx)
}

// useKey restricts a key to what it may sign with.
func (p *program) useKey(key hostkey.Signer, file client.IdentityFile) (hostkey.Signer, error) {
	key, err := p.accepted(key)
	if err == nil {
		from := file.Path
		if from == "" {
			from = "of the agent"
		}
		p.log.printf(levelDebug1, "Will attempt key: %s %s %s", key.PublicKey().Type(), hostkey.Fingerprint(key.PublicKey()), from)
	}
	return key, err
}

// skipKey says that a key is passed over, if it was asked for.
func (p *program) skipKey(file client.IdentityFile, err error) {
	at := levelInfo
	var barred *barredError
	missing := errors.Is(err, fs.ErrNotExist)
	if !file.Given && (missing || errors.As(err, &barred)) {
		at = levelDebug1
	}
	name := "identity file " + file.Path
	if file.Path == "" {
		name = "a key of the agent"
	}
	text := strings.TrimPrefix(oneLine(err.Error()), "hostkey: private key file "+file.Path+": ")
	p.log.printf(at, "Warning: %s is passed over: %s", name, text)
}

// passphrase asks for that of a key.
func (p *program) passphrase(ctx context.Context, file string, locked *hostkey.PassphraseError) ([]byte, error) {
	if locked.Wrong {
		p.log.printf(levelInfo, "Bad passphrase, try again for %s.", file)
	}
	text, err := p.secret(ctx, fmt.Sprintf("Enter passphrase for key '%s': ", printable(file)), false)
	if err != nil {
		err = fmt.Errorf("passphrase of %s: %w", file, err)
	}
	return []byte(text), err
}
