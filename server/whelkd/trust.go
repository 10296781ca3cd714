//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

func setTrustedUserCAKeys(o *options, v string) error {
	o.keys.TrustedUserCAKeys = nil
	return appendPath(&o.keys.TrustedUserCAKeys, v)
}

func setRevokedKeys(o *options, v string) error {
	o.keys.RevokedKeys = nil
	return appendPath(&o.keys.RevokedKeys, v)
}

func setAuthorizedPrincipals(o *options, v string) error {
	o.principals = unlessNone(v)
	return checkTokens(fileTokens, o.principals)
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
