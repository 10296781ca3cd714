//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/kex"
)

func setKeyExchanges(o *options, v string) (err error) {
	o.transport.KeyExchanges, err = algolist.ServerKeyExchanges(v)
	return err
}

// setHostKeyAlgorithms takes what the host keys sign with. They know their own
// formats.
func setHostKeyAlgorithms(o *options, v string) (err error) {
	o.transport.HostKeyAlgorithms, err = signatures(v)
	return err
}

// setUserKeyAlgorithms takes what users may sign with.
func setUserKeyAlgorithms(o *options, v string) (err error) {
	o.transport.UserKeyAlgorithms, err = signatures(v)
	o.transport.KeyFormats = algolist.Formats(o.transport.UserKeyAlgorithms)
	return err
}

// signatures returns the signature algorithms of a list. One that changes the
// default finds those of certificates there, as with sshd.
func signatures(v string) ([]string, error) {
	if names, err := algolist.Signatures(v); err != nil || v == "" || !strings.ContainsRune("+-^", rune(v[0])) {
		return names, err
	}
	return algolist.Signatures("+" + strings.Join(hostkey.Optional(), ",") + "," + v)
}

// setCASignatures takes what authorities may have signed certificates with.
func setCASignatures(o *options, v string) (err error) {
	o.keys.CASignatureAlgorithms, err = algolist.Signatures(v)
	return err
}

// usable returns the host keys that sign with an algorithm of the list, unless
// that is nil, and have them sign with nothing else.
func usable(keys []hostkey.Signer, algorithms []string) ([]hostkey.Signer, error) {
	if algorithms == nil {
		return keys, nil
	}
	var all []hostkey.Signer
	for _, key := range keys {
		if restricted, ok := algolist.Restrict(key, algorithms); ok {
			all = append(all, restricted)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("none of the host keys signs with an algorithm of HostKeyAlgorithms: name another algorithm, or a HostKey for it")
	}
	return all, nil
}

// systemModuli is where OpenSSH keeps groups for Diffie-Hellman.
const systemModuli = "/etc/ssh/moduli"

// withModuli returns methods, of which those of group exchange choose from the
// groups in a moduli(5) file: that of the system if path is empty. Without one,
// they have those of RFC 3526.
func (d *daemon) withModuli(methods []kex.Method, path string) ([]kex.Method, error) {
	if path == "" {
		if !slices.ContainsFunc(methods, isGroupExchange) {
			return methods, nil // the file is large
		}
		groups, err := d.readModuli(systemModuli)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn("moduli", "err", err)
		}
		return kex.WithGroups(methods, groups), nil
	}
	groups, err := d.readModuli(path)
	if err != nil {
		return nil, fmt.Errorf("ModuliFile: %w", err)
	}
	if methods == nil {
		return nil, nil // the default has no group exchange
	}
	return kex.WithGroups(methods, groups), nil
}

func isGroupExchange(m kex.Method) bool {
	return strings.HasPrefix(m.Name(), "diffie-hellman-group-exchange-")
}

// readModuli reads a moduli(5) file. Lines that are no use are only logged.
func (d *daemon) readModuli(path string) (kex.Groups, error) {
	f, err := os.Open(path)
	if err != nil {
		return kex.Groups{}, err
	}
	defer f.Close()
	groups, skipped, err := kex.ParseModuli(f)
	if err != nil {
		return kex.Groups{}, err
	}
	for _, s := range skipped {
		d.log.Debug("moduli", "file", path, "err", s)
	}
	if groups.Len() == 0 {
		return kex.Groups{}, fmt.Errorf("%s has no group of 2048 to 8192 bits that can be used; \"man moduli\" says how to make some", path)
	}
	d.log.Debug("moduli", "file", path, "groups", groups.Len())
	return groups, nil
}
