package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/whelk-ssh/whelk/hostkey"
)

// keys reads the private keys, but for those that the agent has. One that cannot
// be used is passed over, with a word about it if it was asked for.
func (p *program) keys(inAgent map[string]bool) []hostkey.Signer {
	var signers []hostkey.Signer
	for _, name := range p.identities {
		path := homePath(name)
		if inAgent[path] {
			continue
		}
		signer, err := readKey(path)
		if err == nil {
			signer, err = p.accepted(signer)
		}
		var barred *barredError
		switch {
		case err == nil:
			p.log.printf(levelDebug1, "Will attempt key: %s %s %s", path, signer.PublicKey().Type(), hostkey.Fingerprint(signer.PublicKey()))
			signers = append(signers, signer)
		case errors.Is(err, fs.ErrNotExist) && !p.given["identityfile"]:
			p.log.printf(levelDebug1, "There is no identity file %s.", path)
		case errors.As(err, &barred) && !p.given["identityfile"]:
			p.log.printf(levelDebug1, "Identity file %s is passed over: %v", path, err)
		default:
			p.log.printf(levelInfo, "Warning: identity file %s is passed over: %s", path, oneLine(err.Error()))
		}
	}
	return signers
}

// readKey reads a private key that nobody else could have read.
func readKey(path string) (hostkey.Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" && info.Mode().IsRegular() {
		return nil, fmt.Errorf("its permissions %04o are too open: chmod 600 it", mode)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return hostkey.ParsePrivateKey(file, nil)
}
