package hostkey_test

import (
	"errors"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// certified returns a certificate for alice by Ed25519, changed and signed.
func certified(t testing.TB, change func(*hostkey.Certificate)) *hostkey.Certificate {
	t.Helper()
	c := &hostkey.Certificate{
		Key: testkeys.ECDSA256().PublicKey(), Serial: 7, Kind: hostkey.UserCertificate, KeyID: "id", Principals: []string{"alice"},
		ValidBefore: math.MaxUint64,
	}
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519()))
	return c
}

// authority believes what testkeys.Ed25519 says of users and hosts.
func authority() *hostkey.Authority {
	ca := []hostkey.PublicKey{testkeys.RSA2048().PublicKey(), testkeys.Ed25519().PublicKey()}
	return &hostkey.Authority{Users: ca, Hosts: ca}
}

func critical(name, value string) func(*hostkey.Certificate) {
	return func(c *hostkey.Certificate) {
		c.CriticalOptions = append(c.CriticalOptions, hostkey.CertificateOption{Name: name, Data: blob(value)})
	}
}

func extension(name string, data []byte) func(*hostkey.Certificate) {
	return func(c *hostkey.Certificate) {
		c.Extensions = append(c.Extensions, hostkey.CertificateOption{Name: name, Data: data})
	}
}

func principals(names ...string) func(*hostkey.Certificate) {
	return func(c *hostkey.Certificate) { c.Principals = names }
}

func tcp(address string) net.Addr {
	ip := net.ParseIP(address)
	return &net.TCPAddr{IP: ip, Port: 1234}
}

var here = tcp("192.0.2.7")

func TestCheckUser(t *testing.T) {
	const now = 946684800 // where synctest begins
	host := func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate }
	from := func(after, before uint64) func(*hostkey.Certificate) {
		return func(c *hostkey.Certificate) { c.ValidAfter, c.ValidBefore = after, before }
	}
	for name, test := range map[string]struct {
		change func(*hostkey.Certificate)
		reason hostkey.CertificateReason // 0 if it is good
		why    string
	}{
		"good":                                 {nil, 0, ""},
		"one of several principals":            {principals("bob", "alice"), 0, ""},
		"J1: an unknown extension":             {extension("x@example.com", nil), 0, ""},
		"J1: an unknown critical option":       {critical("x@example.com", ""), hostkey.UnknownOption, "x@example.com"},
		"J1: one that is an extension":         {critical("permit-pty", ""), hostkey.UnknownOption, "permit-pty"},
		"J2, CVE-2024-7594: no principals":     {principals(), hostkey.NoPrincipals, "ssh-keygen -s ... -n NAME"},
		"J2: an empty principal":               {principals(""), hostkey.WrongPrincipal, `it names "", and`},
		"J3, CVE-2026-35414: a comma":          {principals("alice,bob"), hostkey.WrongPrincipal, "alice,bob"},
		"J4: * is a name":                      {principals("*"), hostkey.WrongPrincipal, ""},
		"J4: ? is a name":                      {principals("al?ce"), hostkey.WrongPrincipal, ""},
		"another case":                         {principals("Alice"), hostkey.WrongPrincipal, ""},
		"a space behind":                       {principals("alice "), hostkey.WrongPrincipal, ""},
		"J5: a host's":                         {host, hostkey.WrongKind, "it is a host certificate, and a user certificate is wanted"},
		"J5: valid from now on":                {from(now, now+1), 0, ""},
		"J5: valid from the next second on":    {from(now+1, math.MaxUint64), hostkey.NotYetValid, "from 2000-01-01T00:00:01Z on; it is 2000-01-01T00:00:00Z"},
		"J5: valid until now":                  {from(0, now), hostkey.Expired, "have another one signed"},
		"J5: valid for no time":                {from(now, now), hostkey.Expired, ""},
		"J5: until before it begins":           {from(now+5, now-5), hostkey.NotYetValid, ""},
		"J5: until 0":                          {from(0, 0), hostkey.Expired, "1970-01-01"},
		"J5: from the last second on":          {from(math.MaxUint64, math.MaxUint64), hostkey.NotYetValid, "second 18446744073709551615"},
		"J5: from 2^63 on, which is not -2^63": {from(1<<63, math.MaxUint64), hostkey.NotYetValid, ""},
		"from here":                            {critical("source-address", "198.51.100.1,192.0.2.0/24"), 0, ""},
		"H3: from elsewhere":                   {critical("source-address", "198.51.100.0/24"), hostkey.WrongSource, "192.0.2.7"},
		"H3: from nowhere":                     {critical("source-address", ""), hostkey.MalformedOption, "source-address"},
		"H3: an empty element":                 {critical("source-address", "192.0.2.7,"), hostkey.MalformedOption, ""},
		"H3: a pattern":                        {critical("source-address", "192.0.2.*"), hostkey.MalformedOption, ""},
		"H3: negated":                          {critical("source-address", "!192.0.2.8"), hostkey.MalformedOption, ""},
		"H3: bits behind the mask":             {critical("source-address", "192.0.2.7/24"), hostkey.MalformedOption, ""},
		"H3: a mask too long":                  {critical("source-address", "192.0.2.7/33"), hostkey.MalformedOption, ""},
		"H3: no string": {func(c *hostkey.Certificate) {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: "source-address"}}
		}, hostkey.MalformedOption, ""},
		"a forced command":            {critical("force-command", "ls -l"), 0, ""},
		"a forced command with a NUL": {critical("force-command", "ls\x00-l"), hostkey.MalformedOption, "force-command"},
		"a forced command that is cut": {func(c *hostkey.Certificate) {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: "force-command", Data: []byte{0, 0, 0, 9}}}
		}, hostkey.MalformedOption, ""},
		"verify-required takes no value":         {critical("verify-required", ""), hostkey.MalformedOption, ""},
		"permit-pty takes no value":              {extension("permit-pty", []byte{1}), hostkey.MalformedOption, "permit-pty"},
		"no-touch-required takes no value":       {extension("no-touch-required", []byte{0}), hostkey.MalformedOption, ""},
		"P1: control characters are not printed": {func(c *hostkey.Certificate) { c.KeyID = "\x1b[31m"; c.Principals = nil }, hostkey.NoPrincipals, `\x1b[31m`},
	} {
		t.Run(name, func(t *testing.T) {
			c := certified(t, test.change)
			synctest.Test(t, func(t *testing.T) {
				r, err := authority().CheckUser(c, here, "alice")
				if test.reason == 0 {
					require.NoError(t, err)
					require.NotNil(t, r.Permissions)
					return
				}
				require.Nil(t, r)
				requireReason(t, err, test.reason, test.why)
			})
		})
	}
}

func requireReason(t *testing.T, err error, reason hostkey.CertificateReason, why string) {
	t.Helper()
	var refused *hostkey.CertificateError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, reason, refused.Reason, "%v", err)
	what, todo, ok := strings.Cut(reason.String(), ": ")
	require.True(t, ok)
	require.ErrorContains(t, err, "is refused: "+what)
	require.True(t, strings.HasSuffix(err.Error(), ": "+todo), "what to do comes last: %v", err)
	require.ErrorContains(t, err, why)
	require.True(t, strings.HasPrefix(err.Error(), "hostkey: "))
	require.NotContains(t, strings.TrimPrefix(err.Error(), "hostkey: "), "hostkey: ")
	require.NotContains(t, err.Error(), "\x1b")
}

func TestAuthorityTrusts(t *testing.T) {
	ed, rsa := testkeys.Ed25519().PublicKey(), testkeys.RSA2048().PublicKey()
	user, host := certified(t, nil), certified(t, func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate })
	revoked := errors.New("revoked")
	revokes := func(key hostkey.PublicKey) func(hostkey.PublicKey) error {
		return func(k hostkey.PublicKey) error {
			if hostkey.Equal(k, key) {
				return revoked
			}
			return nil
		}
	}
	var nobody hostkey.Authority
	_, err := nobody.CheckUser(user, here, "alice")
	requireReason(t, err, hostkey.UnknownAuthority, "add the authority's key")
	requireReason(t, nobody.CheckHost(host, "alice"), hostkey.UnknownAuthority, "")
	for name, test := range map[string]struct {
		authority hostkey.Authority
		reason    hostkey.CertificateReason
	}{
		"another authority":               {hostkey.Authority{Users: []hostkey.PublicKey{rsa}, Hosts: []hostkey.PublicKey{rsa}}, hostkey.UnknownAuthority},
		"the key itself":                  {hostkey.Authority{Users: []hostkey.PublicKey{user.Key}, Hosts: []hostkey.PublicKey{user.Key}}, hostkey.UnknownAuthority},
		"the certificate itself":          {hostkey.Authority{Users: []hostkey.PublicKey{user}, Hosts: []hostkey.PublicKey{host}}, hostkey.UnknownAuthority},
		"nil":                             {hostkey.Authority{Users: []hostkey.PublicKey{nil}, Hosts: []hostkey.PublicKey{nil}}, hostkey.UnknownAuthority},
		"an algorithm that is not taken":  {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, CASignatureAlgorithms: []string{"rsa-sha2-512"}}, hostkey.WeakSignature},
		"no algorithm is taken":           {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, CASignatureAlgorithms: []string{}}, hostkey.WeakSignature},
		"J6: the authority is revoked":    {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, Revoked: revokes(ed)}, hostkey.Revoked},
		"one that takes it":               {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, CASignatureAlgorithms: []string{"ssh-ed25519"}}, 0},
		"another one's key is revoked":    {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, Revoked: revokes(rsa)}, 0},
		"a clock that is before all time": {hostkey.Authority{Users: []hostkey.PublicKey{ed}, Hosts: []hostkey.PublicKey{ed}, Time: func() time.Time { return time.Time{} }}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, userErr := test.authority.CheckUser(user, here, "alice")
			hostErr := test.authority.CheckHost(host, "alice")
			if test.reason == 0 {
				require.NoError(t, userErr)
				require.NoError(t, hostErr)
				return
			}
			requireReason(t, userErr, test.reason, "")
			requireReason(t, hostErr, test.reason, "")
		})
	}
	t.Run("users are not hosts", func(t *testing.T) {
		users, hosts := &hostkey.Authority{Users: []hostkey.PublicKey{ed}}, &hostkey.Authority{Hosts: []hostkey.PublicKey{ed}}
		_, err := hosts.CheckUser(user, here, "alice")
		requireReason(t, err, hostkey.UnknownAuthority, "0 are trusted for users")
		requireReason(t, users.CheckHost(host, "alice"), hostkey.UnknownAuthority, "0 are trusted for hosts")
		requireReason(t, hosts.CheckHost(user, "alice"), hostkey.WrongKind, "-h for a host")
	})
	t.Run("J6: the certificate is revoked", func(t *testing.T) {
		a := authority()
		a.Revoked = revokes(user)
		r, err := a.CheckUser(user, here, "alice")
		require.Nil(t, r)
		requireReason(t, err, hostkey.Revoked, "")
		require.ErrorIs(t, err, revoked)
	})
	t.Run("nobody is asked for", func(t *testing.T) {
		_, err := authority().CheckUser(user, here)
		requireReason(t, err, hostkey.WrongPrincipal, "wanted is nobody")
		_, err = authority().CheckUser(certified(t, principals("")), here, "")
		requireReason(t, err, hostkey.WrongPrincipal, "")
	})
}

// A certificate that was not parsed is not what its authority signed.
func TestAuthorityChecksSignature(t *testing.T) {
	a := authority()
	_, err := a.CheckUser(nil, here, "alice")
	requireReason(t, err, hostkey.BadSignature, "")
	_, err = a.CheckUser(&hostkey.Certificate{}, here, "alice")
	requireReason(t, err, hostkey.BadSignature, "")
	c := certified(t, nil)
	c.Principals = []string{"root"}
	_, err = a.CheckUser(c, here, "root")
	requireReason(t, err, hostkey.BadSignature, "did not sign it")

	// G4: a certificate as an authority, even if somebody trusts it.
	inner := certified(t, nil)
	signer, err := hostkey.NewCertificateSigner(inner, testkeys.ECDSA256())
	require.NoError(t, err)
	c = certified(t, nil)
	require.Error(t, c.Certify(t.Context(), signer))
	a.Users = append(a.Users, inner)
	_, err = a.CheckUser(c, here, "alice")
	requireReason(t, err, hostkey.BadSignature, "is a certificate")
}

func TestCheckUserRestricts(t *testing.T) {
	everything := certified(t, func(c *hostkey.Certificate) {
		critical("force-command", "ls -l")(c)
		critical("source-address", "192.0.2.0/24")(c)
		c.CriticalOptions = append(c.CriticalOptions, hostkey.CertificateOption{Name: "verify-required"})
		for _, name := range []string{"permit-X11-forwarding", "permit-pty", "no-touch-required"} {
			extension(name, nil)(c)
		}
		extension("login@example.com", blob("alice"))(c)
		extension("raw@example.com", []byte{1, 2})(c)
	})
	r, err := authority().CheckUser(everything, here, "alice")
	require.NoError(t, err)
	require.Equal(t, &hostkey.Restrictions{Flags: hostkey.UserVerified, Permissions: &hostkey.Permissions{
		CriticalOptions: map[string]string{"force-command": "ls -l", "source-address": "192.0.2.0/24", "verify-required": ""},
		Extensions: map[string]string{
			"permit-X11-forwarding": "", "permit-pty": "", "login@example.com": "alice", "raw@example.com": "\x01\x02"},
	}}, r)

	nothing, err := authority().CheckUser(certified(t, nil), here, "alice")
	require.NoError(t, err)
	require.Equal(t, hostkey.UserPresent, nothing.Flags, "G12")
	for _, name := range []string{hostkey.PermitPty, hostkey.PermitPortForwarding, hostkey.PermitAgentForwarding, hostkey.PermitX11Forwarding, hostkey.PermitUserRC} {
		require.False(t, nothing.Permissions.Permits(name), name)
	}
}

func TestCheckHost(t *testing.T) {
	for name, test := range map[string]struct {
		principals []string
		host       string
		reason     hostkey.CertificateReason
	}{
		"the name":                       {[]string{"host.example"}, "host.example", 0},
		"with a port":                    {[]string{"host.example"}, "host.example:2222", 0},
		"in another case":                {[]string{"Host.Example"}, "hOST.eXAMPLE:22", 0},
		"an IPv6 address":                {[]string{"2001:db8::1"}, "[2001:db8::1]:22", 0},
		"one of several":                 {[]string{"a", "host.example"}, "host.example", 0},
		"J4: a pattern":                  {[]string{"*.example"}, "host.example", 0},
		"J4: ?":                          {[]string{"hos?.example"}, "host.example", 0},
		"J4: * matches dots":             {[]string{"*.example"}, "a.b.example", 0},
		"J4: * is not nothing before it": {[]string{"*.example"}, "example", hostkey.WrongPrincipal},
		"J4: no negation":                {[]string{"!other"}, "host.example", hostkey.WrongPrincipal},
		"J3: a comma":                    {[]string{"host.example,other"}, "host.example", hostkey.WrongPrincipal},
		"another name":                   {[]string{"host.example"}, "host.example.org", hostkey.WrongPrincipal},
		"the port is no part of a name":  {[]string{"[host.example]:22"}, "host.example:22", hostkey.WrongPrincipal},
		"J2: no principals":              {nil, "host.example", hostkey.NoPrincipals},
		"J2: an empty principal":         {[]string{""}, "", hostkey.WrongPrincipal},
		"J2: no name":                    {[]string{"*"}, "", hostkey.WrongPrincipal},
		"Unicode is other names":         {[]string{"\u212aelvin"}, "kelvin", hostkey.WrongPrincipal},
	} {
		t.Run(name, func(t *testing.T) {
			c := certified(t, func(c *hostkey.Certificate) { c.Kind, c.Principals = hostkey.HostCertificate, test.principals })
			err := authority().CheckHost(c, test.host)
			require.Equal(t, err, authority().VerifyHostKey(t.Context(), hostkey.Host{Name: test.host}, c))
			if test.reason == 0 {
				require.NoError(t, err)
				return
			}
			requireReason(t, err, test.reason, "")
		})
	}
	t.Run("J1: critical options are not for hosts", func(t *testing.T) {
		c := certified(t, func(c *hostkey.Certificate) {
			c.Kind = hostkey.HostCertificate
			critical("source-address", "192.0.2.0/24")(c)
		})
		requireReason(t, authority().CheckHost(c, "alice"), hostkey.UnknownOption, "source-address")
	})
	t.Run("J6: revoked", func(t *testing.T) {
		c := certified(t, func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate })
		a, l := authority(), new(hostkey.KRL)
		a.Revoked = l.Check
		require.NoError(t, a.CheckHost(c, "alice"))
		l.RevokeKey(c.CA)
		requireReason(t, a.CheckHost(c, "alice"), hostkey.Revoked, "is revoked by its key")
	})
}

func TestAuthorityAsVerifier(t *testing.T) {
	var v hostkey.Verifier = authority()
	require.ErrorContains(t, v.VerifyHostKey(t.Context(), hostkey.Host{Name: "h\x1b:22"}, testkeys.Ed25519().PublicKey()), `"h\x1b:22" presented a key and no certificate`)
	require.Error(t, v.VerifyHostKey(t.Context(), hostkey.Host{Name: "h:22"}, nil))
	require.Equal(t, hostkey.Optional(), v.(hostkey.AlgorithmChooser).HostKeyAlgorithms(hostkey.Host{}))
	require.Equal(t, "reason 99", hostkey.CertificateReason(99).String())
}

func TestParseCertificate(t *testing.T) {
	c := certified(t, nil)
	got, err := hostkey.ParseCertificate(hostkey.MarshalAuthorizedKey(c, "a comment"))
	require.NoError(t, err)
	require.True(t, hostkey.Equal(c, got))
	line := string(hostkey.MarshalAuthorizedKey(c, ""))
	format, encoded, _ := strings.Cut(line, " ")
	for name, line := range map[string]string{
		"empty": "", "a key": string(hostkey.MarshalAuthorizedKey(c.Key, "")), "a format": format, "no base64": format + " ====",
		"another format":      "ssh-ed25519-cert-v01@openssh.com " + encoded,
		"the format of a key": c.Key.Type() + " " + encoded,
		"a key called so":     format + " " + strings.Fields(string(hostkey.MarshalAuthorizedKey(c.Key, "")))[1],
		"options":             "restrict " + line,
		"cut":                 line[:len(line)/2],
		"control characters":  line + "\x1b",
		"long":                line + strings.Repeat(" ", 16<<10),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hostkey.ParseCertificate([]byte(line))
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, got)
		})
	}
}
