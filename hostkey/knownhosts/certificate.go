package knownhosts

import (
	"errors"
	"fmt"
	"net"

	"github.com/whelk-ssh/whelk/hostkey"
)

// certified returns nil if one of the authorities signed the host's
// certificate, and it is for that host and that time. OpenSSH takes wildcards
// in the names of a certificate from 10.3 on (sshkey_cert_check_host in its
// sshkey.c); earlier ones compared them as they are.
func (c *check) certified(authorities []KnownKey) error {
	trusted := hostkey.Authority{CASignatureAlgorithms: c.v.config.CASignatureAlgorithms}
	for _, k := range authorities {
		trusted.Hosts = append(trusted.Hosts, k.Key)
	}
	err := trusted.CheckHost(c.certificate, net.JoinHostPort(c.target.name, c.target.port))
	var refused *hostkey.CertificateError
	if errors.As(err, &refused) && refused.Reason == hostkey.UnknownAuthority {
		ca := c.certificate.CA
		refused.Detail = fmt.Sprintf("no line marked @cert-authority has the %s key %s for this host", ca.Type(), hostkey.Fingerprint(ca))
	}
	return err
}

// revocation returns a [*KeyError] if Config.Revoked knows what was presented,
// and another error if that cannot be told: "if this file does not exist or is
// not readable, then host authentication will be refused for all hosts"
// (RevokedHostKeys of ssh_config(5)).
func (c *check) revocation(refused *KeyError) error {
	if c.v.config.Revoked == nil {
		return nil
	}
	for _, key := range c.presented() {
		err := c.v.config.Revoked(key)
		switch {
		case err == nil:
		case errors.As(err, new(*hostkey.RevokedError)):
			refused.Revocation = err
			return refused
		default:
			return fmt.Errorf("knownhosts: no host is accepted while it is not known which keys are revoked: %w", err)
		}
	}
	return nil
}

// presented returns everything that the host relies on: its key, and the
// certificate and the authority if there is one (CVE-2026-42508).
func (c *check) presented() []hostkey.PublicKey {
	keys := []hostkey.PublicKey{c.key}
	if c.certificate != nil {
		keys = append(keys, c.certificate)
	}
	if c.certificate != nil && c.certificate.CA != nil {
		keys = append(keys, c.certificate.CA)
	}
	return keys
}
