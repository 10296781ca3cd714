//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
)

func setTrustedUserCAKeys(o *options, v string) error {
	o.keys.TrustedUserCAKeys = filesUnlessNone(v)
	return nil
}

func setRevokedKeys(o *options, v string) error {
	o.keys.RevokedKeys = filesUnlessNone(v)
	return nil
}

func filesUnlessNone(v string) []string {
	if unlessNone(v) == "" {
		return nil
	}
	return []string{v}
}

func setAuthorizedPrincipals(o *options, v string) error {
	o.principals = unlessNone(v)
	return nil
}

func setHostCertificate(o *options, v string) error {
	o.hostCertificates = append(o.hostCertificates, v)
	return nil
}

// setPermitUserEnvironment reads yes, no, or names of variables with commas
// between them.
func setPermitUserEnvironment(o *options, v string) error {
	switch yes, err := yesNo(v); {
	case err != nil:
		o.keys.PermitUserEnvironment = strings.Split(v, ",")
		for _, name := range o.keys.PermitUserEnvironment {
			if strings.ContainsAny(strings.TrimSuffix(name, "*"), "*?!") {
				return fmt.Errorf("%q is not a name, or the beginning of one with * behind it", name)
			}
		}
	case yes:
		o.keys.PermitUserEnvironment = []string{"*"}
	default:
		o.keys.PermitUserEnvironment = nil
	}
	return nil
}

// publicKeys returns which keys and certificates let the account's user in.
func (d *daemon) publicKeys(o *options) server.PublicKeys {
	keys := o.keys
	for _, file := range o.authorizedKeys {
		keys.AuthorizedKeys = append(keys.AuthorizedKeys, d.account.path(file))
	}
	if o.principals != "" {
		keys.AuthorizedPrincipals = []string{d.account.path(strings.ReplaceAll(o.principals, "%u", d.account.name))}
	}
	return keys
}

// maxCertificate bounds the file of a host certificate.
const maxCertificate = 64 << 10

// withCertificates returns keys with the certificates in files ahead of them,
// for clients that trust the authority.
func withCertificates(keys []hostkey.Signer, files []string) ([]hostkey.Signer, error) {
	var certified []hostkey.Signer
	for _, file := range files {
		c, err := readCertificate(file)
		if err == nil {
			var s hostkey.Signer
			s, err = certifiedSigner(keys, c)
			certified = append(certified, s)
		}
		if err != nil {
			return nil, fmt.Errorf("host certificate %s: %w", file, err)
		}
	}
	return append(certified, keys...), nil
}

func readCertificate(file string) (*hostkey.Certificate, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCertificate))
	if err != nil {
		return nil, err
	}
	c, err := hostkey.ParseCertificate(text)
	if err != nil {
		return nil, err
	}
	if c.Kind != hostkey.HostCertificate {
		return nil, fmt.Errorf("it is a %s certificate: `ssh-keygen -s` makes one for a host with -h", c.Kind)
	}
	return c, nil
}

// certifiedSigner returns a signer that presents c, which is about one of keys.
func certifiedSigner(keys []hostkey.Signer, c *hostkey.Certificate) (hostkey.Signer, error) {
	i := slices.IndexFunc(keys, func(s hostkey.Signer) bool { return hostkey.Equal(s.PublicKey(), c.Key) })
	if i < 0 {
		return nil, fmt.Errorf("it is about the key %s, which is no HostKey", hostkey.Fingerprint(c.Key))
	}
	return hostkey.NewCertificateSigner(c, keys[i])
}
