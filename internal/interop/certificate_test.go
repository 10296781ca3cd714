package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// certificatePairs are ssh and both servers, which are to say the same.
var certificatePairs = []pair{{ssh, sshd}, {ssh, whelkd}}

// withCertificate has the authority, one of otherKeys, certify the user's key
// of a type. It returns the options by which ssh uses it.
func withCertificate(t *testing.T, keyType string, authority hostkey.Signer, change func(*hostkey.Certificate)) (options []string) {
	t.Helper()
	key := userKeyFile(t, keyType)
	c := &hostkey.Certificate{
		Key: publicKey(t, key), Kind: hostkey.UserCertificate, KeyID: "interop", Serial: 77, Principals: []string{"somebody", userName(t)},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		Extensions: []hostkey.CertificateOption{{Name: "permit-pty"}},
	}
	change(c)
	require.NoError(t, c.Certify(t.Context(), authority))
	file := filepath.Join(t.TempDir(), "cert.pub")
	require.NoError(t, os.WriteFile(file, hostkey.MarshalAuthorizedKey(c, ""), 0o600))
	return []string{"-i", key, "-o", "CertificateFile=" + file}
}

func writeTemp(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// Certificates that are made here, of every type of key by every type of
// authority, let in ssh at either server.
func TestOurCertificates(t *testing.T) {
	var authorities []hostkey.Signer
	var lines []byte
	for _, keyType := range keyTypes {
		ca := signer(t, otherKeys.file(t, keyType))
		authorities = append(authorities, ca)
		lines = append(lines, hostkey.MarshalAuthorizedKey(ca.PublicKey(), "")...)
	}
	trusted := writeTemp(t, "ca", lines)
	tableOnPairs(t, certificatePairs, func(t *testing.T, p pair) {
		s := serve(t, p.server, "TrustedUserCAKeys="+trusted, "AuthorizedKeysFile=none")
		for i, ca := range authorities {
			for j, keyType := range keyTypes {
				if i != 0 && j != 0 && i != j {
					continue // each with each takes long
				}
				between(t, keyType+" by "+ca.PublicKey().Type(), p.programs(), func(t *testing.T) {
					r := s.run(t, ssh, "echo in", withCertificate(t, keyType, ca, func(*hostkey.Certificate) {})...)
					require.Equal(t, 0, r.status, r.stderr)
					require.Equal(t, "in\n", r.stdout)
				})
			}
		}
	})
}

// What sshd refuses of a certificate whelkd refuses, and what it enforces it
// enforces.
func TestCertificatePolicy(t *testing.T) {
	ca := signer(t, otherKeys.file(t, hostkey.Ed25519))
	trusted := writeTemp(t, "ca", hostkey.MarshalAuthorizedKey(ca.PublicKey(), ""))
	critical := func(name, value string) func(*hostkey.Certificate) {
		data := fmt.Appendf([]byte{0, 0, 0, byte(len(value))}, "%s", value)
		return func(c *hostkey.Certificate) {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: name, Data: data}}
		}
	}
	list := new(hostkey.KRL)
	require.NoError(t, list.RevokeSerials(ca.PublicKey(), 1000, 2000))
	list.RevokeKeyID(ca.PublicKey(), "revoked")
	revoked := writeTemp(t, "krl", list.Marshal())
	tableOnPairs(t, certificatePairs, func(t *testing.T, p pair) {
		s := serve(t, p.server, "TrustedUserCAKeys="+trusted, "AuthorizedKeysFile=none", "RevokedKeys="+revoked)
		for _, c := range []struct {
			name   string
			change func(*hostkey.Certificate)
			stdout string // "" if it is refused
		}{
			{"good", func(*hostkey.Certificate) {}, "in\n"},
			{"expired", func(c *hostkey.Certificate) { c.ValidBefore = uint64(time.Now().Unix()) - 1 }, ""},
			{"not valid yet", func(c *hostkey.Certificate) { c.ValidAfter = c.ValidBefore }, ""},
			{"valid for ever", func(c *hostkey.Certificate) { c.ValidAfter, c.ValidBefore = 0, 1<<64-1 }, "in\n"},
			{"another's", func(c *hostkey.Certificate) { c.Principals = []string{"somebody"} }, ""},
			{"J2: nobody's", func(c *hostkey.Certificate) { c.Principals = nil }, ""},
			{"J3: a comma", func(c *hostkey.Certificate) { c.Principals = []string{"a," + c.Principals[1]} }, ""},
			{"J4: a pattern", func(c *hostkey.Certificate) { c.Principals = []string{"*"} }, ""},
			{"J1: an unknown critical option", critical("x@example.com", ""), ""},
			{"from here", critical("source-address", "192.0.2.0/24,127.0.0.1/32"), "in\n"},
			{"from elsewhere", critical("source-address", "192.0.2.0/24"), ""},
			{"a malformed source-address", critical("source-address", "127.0.0.1/24"), ""},
			{"force-command", critical("force-command", "echo forced $SSH_ORIGINAL_COMMAND"), "forced echo in\n"},
			{"revoked by serial number", func(c *hostkey.Certificate) { c.Serial = 1500 }, ""},
			{"revoked by key id", func(c *hostkey.Certificate) { c.KeyID = "revoked" }, ""},
			{"an unknown extension", func(c *hostkey.Certificate) { c.Extensions = []hostkey.CertificateOption{{Name: "x@example.com"}} }, "in\n"},
		} {
			between(t, c.name, p.programs(), func(t *testing.T) {
				r := s.run(t, ssh, "echo in", withCertificate(t, hostkey.ECDSA256, ca, c.change)...)
				require.Equal(t, c.stdout, r.stdout, r.stderr)
				require.Equal(t, c.stdout == "", r.status == 255, r.stderr)
			})
		}
	})
}

// Options of authorized keys: whelkd takes and enforces those that sshd does.
func TestAuthorizedKeyOptions(t *testing.T) {
	key := userKeyFile(t, hostkey.Ed25519)
	tableOnPairs(t, certificatePairs, func(t *testing.T, p pair) {
		file := filepath.Join(t.TempDir(), "authorized_keys")
		s := serve(t, p.server, "AuthorizedKeysFile="+file, "PermitUserEnvironment=A,B*")
		for options, stdout := range map[string]string{
			"restrict":                                     "in\n",
			"no-pty,No-X11-Forwarding,user-rc":             "in\n",
			`command="echo forced $SSH_ORIGINAL_COMMAND"`:  "forced echo in $A $C\n",
			`command="echo \"quoted\"",restrict`:           "quoted\n",
			`from="127.0.0.1"`:                             "in\n",
			`from="127.0.0.0/8,!127.0.0.2"`:                "in\n",
			`from="127.*"`:                                 "in\n",
			`from="!127.0.0.1,*"`:                          "",
			`from="!127.0.0.0/8,*"`:                        "",
			`from="192.0.2.*"`:                             "",
			`from="127.0.0.1/8"`:                           "",
			`expiry-time="20990101"`:                       "in\n",
			`expiry-time="20200101"`:                       "",
			`expiry-time="202001011212",command="echo x"`:  "",
			`environment="A=1",environment="C=2"`:          "in 1\n",
			`environment="A=1",environment="A=2"`:          "in 1\n",
			`environment="A-=1"`:                           "",
			`permitopen="h:22",permitlisten="8080"`:        "in\n",
			`permitopen="h"`:                               "",
			`permitopen="h:65536"`:                         "",
			`permitopen="h:-1"`:                            "",
			`permitlisten="h:*"`:                           "in\n",
			"cert-authority":                               "",
			"no-touch-required,verify-required":            "in\n",
			`command="a",command="b"`:                      "",
			"zork":                                         "",
			"restrict,zork":                                "",
			"no-restrict":                                  "",
			`expiry-time="tomorrow"`:                       "",
			`restrict,pty,agent-forwarding,X11-forwarding`: "in\n",
		} {
			between(t, options, p.programs(), func(t *testing.T) {
				line := append([]byte(options+" "), hostkey.MarshalAuthorizedKey(publicKey(t, key), "")...)
				require.NoError(t, os.WriteFile(file, line, 0o600))
				r := s.run(t, ssh, "echo in $A $C", "-i", key)
				require.Equal(t, stdout == "", r.status == 255, r.stderr)
				require.Equal(t, stdout, r.stdout)
			})
		}
	})
}
