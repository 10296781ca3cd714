package server_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// A trial is a login of alice's from 192.0.2.1 with a key.
type trial struct {
	t    *testing.T
	dir  string
	keys server.PublicKeys
	srv  *server.Server
}

func newTrial(t *testing.T) *trial {
	tr := &trial{t: t, dir: t.TempDir(), srv: newServer(nothing)}
	tr.srv.Auth.Delay = -1
	tr.srv.AllowPty = true
	return tr
}

// file writes a file and returns the list of its name.
func (tr *trial) file(name, content string) []string {
	tr.t.Helper()
	path := filepath.Join(tr.dir, name)
	require.NoError(tr.t, os.WriteFile(path, []byte(content), 0o600))
	return []string{path}
}

// login logs in, and returns why that was refused.
func (tr *trial) login(signer hostkey.Signer) (*peer, error) {
	tr.t.Helper()
	var reported error
	tr.srv.Auth.Checks = []userauth.Check{tr.keys.Check()}
	tr.srv.Auth.Report = func(_ context.Context, _ *userauth.Attempt, err error) { reported = err }
	p := connect(tr.t, tr.srv).handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{userauth.PublicKey(signer)}}
	if err := client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID, Algorithms: hostkey.Default()}); err != nil { // as a Server announces
		require.Error(tr.t, reported)
		p.conn.Close()
		<-p.served
		return nil, reported
	}
	require.NoError(tr.t, reported)
	p.mux = connection.New(p.conn, &connection.Config{Opens: 8, Requests: 8, OnRequest: func(r *connection.Request) { r.Reply(false, nil) }})
	go func() { p.ended <- p.mux.Serve() }()
	return p, nil
}

// require fails unless the login is refused for a reason, or succeeds without
// one.
func (tr *trial) require(signer hostkey.Signer, why string) {
	tr.t.Helper()
	p, err := tr.login(signer)
	if why == "" {
		require.NoError(tr.t, err)
		p.conn.Close()
		<-p.served
		return
	}
	require.ErrorContains(tr.t, err, why)
}

// ca is the authority of these tests.
func ca() hostkey.Signer { return testkeys.Ed25519Other() }

// certificate returns a signer with a certificate for alice by ca.
func certificate(t *testing.T, key hostkey.Signer, change func(*hostkey.Certificate)) hostkey.Signer {
	t.Helper()
	c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.UserCertificate, KeyID: "alice's", Serial: 5, Principals: []string{"alice"},
		ValidBefore: math.MaxUint64, Extensions: []hostkey.CertificateOption{{Name: "permit-pty"}}}
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Certify(t.Context(), ca()))
	s, err := hostkey.NewCertificateSigner(c, key)
	require.NoError(t, err)
	return s
}

func option(name, value string) func(*hostkey.Certificate) {
	return func(c *hostkey.Certificate) {
		c.CriticalOptions = append(c.CriticalOptions, hostkey.CertificateOption{Name: name, Data: wire.AppendString(nil, value)})
	}
}

func TestAuthorizedKeyOptions(t *testing.T) {
	tomorrow := time.Now().Add(24 * time.Hour).Format("20060102")
	for options, why := range map[string]string{
		"restrict":                               "",
		`from="192.0.2.0/24,!192.0.2.9"`:         "",
		`from="*"`:                               "",
		`from="!192.0.2.1,*"`:                    "may be used from",
		`from="198.51.100.*"`:                    "may be used from",
		`expiry-time="` + tomorrow + `"`:         "",
		`expiry-time="20200101"`:                 "expired at 2020-01-01",
		`expiry-time="x"`:                        "not a time",
		`command="x",no-pty`:                     "",
		`permitopen="h:1",permitlisten="2"`:      "",
		`permitopen="h:65536"`:                   "65535", // J10
		`environment="A=1"`:                      "",
		"no-touch-required,verify-required":      "",
		`tunnel="0"`:                             "tun device",
		"cert-authority":                         "as an authority",
		`cert-authority,principals="alice"`:      "as an authority",
		`principals="alice"`:                     "cert-authority",
		`x-unknown@example.com="y"`:              "not known",
		`restrict,no-x11-forwarding,x11-froward`: "not known",
	} {
		t.Run(options, func(t *testing.T) {
			tr := newTrial(t)
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", options+" "+line(testkeys.ECDSA256()))
			tr.require(testkeys.ECDSA256(), why)
		})
	}
}

// H3, CVE-2026-46595: a client without an IP address is in no list.
func TestH3FromWithoutAddress(t *testing.T) {
	tr := newTrial(t)
	tr.keys.AuthorizedKeys = tr.file("authorized_keys", `from="*" `+line(testkeys.ECDSA256()))
	tr.srv.Auth.Checks = []userauth.Check{tr.keys.Check()}
	var reported error
	tr.srv.Auth.Report = func(_ context.Context, _ *userauth.Attempt, err error) { reported = err }
	near, far := memnet.Pipe()
	served := make(chan error, 1)
	go func() { served <- tr.srv.ServeConn(context.Background(), unnumbered{far}) }()
	conn := transport.Client(near, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	p := (&peer{t: t, conn: conn}).handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{userauth.PublicKey(testkeys.ECDSA256())}}
	require.Error(t, client.Authenticate(context.Background(), conn, userauth.Binding{SessionID: p.conn.State().SessionID}))
	conn.Close()
	<-served
	require.ErrorContains(t, reported, "without an IP address")
}

// unnumbered is a connection over a Unix socket, as far as one can see.
type unnumbered struct{ net.Conn }

func (unnumbered) RemoteAddr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// H3, CVE-2026-46595, CVE-2026-56854: whichever method restricts the source.
func TestH3SourceAddressOfAnyMethod(t *testing.T) {
	for list, ok := range map[string]bool{
		"192.0.2.1": true, "192.0.2.0/24": true, "198.51.100.0/24": false, "": false, "*": false, "192.0.2.1/24": false,
	} {
		srv := accepting(newServer(nothing), &userauth.Permissions{CriticalOptions: map[string]string{"source-address": list}})
		p := connect(t, srv).login()
		if ok {
			require.Zero(t, p.session().exec("x").finish().status)
			continue
		}
		p.disconnected(11)
		var restricted *server.RestrictionError
		require.ErrorAs(t, <-p.served, &restricted)
		var source *hostkey.SourceError
		require.ErrorAs(t, restricted, &source)
	}
}

// A condition that a check was to see to, and did not.
func TestVerifyRequiredIsNotIgnored(t *testing.T) {
	p := connect(t, accepting(newServer(nothing), &userauth.Permissions{CriticalOptions: map[string]string{"verify-required": ""}})).login()
	p.disconnected(11)
	require.ErrorContains(t, <-p.served, `"verify-required", which is not enforced`)
}

func TestCertAuthority(t *testing.T) {
	key := testkeys.ECDSA256()
	for name, test := range map[string]struct {
		options string
		change  func(*hostkey.Certificate)
		why     string
	}{
		"good":                      {"cert-authority", nil, ""},
		"no cert-authority":         {"restrict", nil, "no line with cert-authority"},
		"a host's":                  {"cert-authority", func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate }, "ssh-keygen -s"},
		"expired":                   {"cert-authority", func(c *hostkey.Certificate) { c.ValidBefore = 1 }, "has expired"},
		"not valid yet":             {"cert-authority", func(c *hostkey.Certificate) { c.ValidAfter = 1 << 40 }, "not valid yet"},
		"another's":                 {"cert-authority", func(c *hostkey.Certificate) { c.Principals = []string{"bob"} }, `wanted is "alice"`},
		"J2: nobody's":              {"cert-authority", func(c *hostkey.Certificate) { c.Principals = nil }, "names no principals"},
		"J1: unknown option":        {"cert-authority", option("x@example.com", ""), "x@example.com"},
		"from here":                 {"cert-authority", option("source-address", "192.0.2.0/24"), ""},
		"from elsewhere":            {"cert-authority", option("source-address", "198.51.100.0/24"), "source-address"},
		"the line is for elsewhere": {`cert-authority,from="198.51.100.0/24"`, nil, "may be used from"},
		"the line has expired":      {`cert-authority,expiry-time="20200101"`, nil, "expired"},
		"J9: unknown line option":   {"cert-authority,zork", nil, "zork"},
		"principals":                {`cert-authority,principals="root,bob"`, func(c *hostkey.Certificate) { c.Principals = []string{"bob"} }, ""},
		"principals, not the user":  {`cert-authority,principals="root,bob"`, nil, `wanted is "root", "bob"`},
		"J2: principals, nobody's":  {`cert-authority,principals="root"`, func(c *hostkey.Certificate) { c.Principals = nil }, "names no principals"},
		"J3: a comma in a name":     {`cert-authority,principals="root,bob"`, func(c *hostkey.Certificate) { c.Principals = []string{"root,bob"} }, "does not name"},
		"J4: a pattern":             {`cert-authority,principals="root"`, func(c *hostkey.Certificate) { c.Principals = []string{"*"} }, "does not name"},
		"two commands":              {`cert-authority,command="a"`, option("force-command", "b"), `both "a" and "b"`},
		"the same command":          {`cert-authority,command="a"`, option("force-command", "a"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t)
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", test.options+" "+line(ca()))
			tr.require(certificate(t, key, test.change), test.why)
			switch {
			case test.options == "restrict":
				tr.require(ca(), "")
			case !strings.Contains(test.options, "zork"):
				tr.require(ca(), "as an authority")
			}
			tr.require(key, "is not there")
		})
	}
}

func TestTrustedUserCAKeys(t *testing.T) {
	key := testkeys.ECDSA256()
	good := certificate(t, key, nil)
	for name, test := range map[string]struct {
		set    func(tr *trial)
		signer hostkey.Signer
		why    string
	}{
		"good":             {func(*trial) {}, good, ""},
		"a key":            {func(*trial) {}, key, "is a key, and certificates let users in"},
		"the authority":    {func(*trial) {}, ca(), "is a key, and certificates let users in"},
		"another":          {func(tr *trial) { tr.keys.TrustedUserCAKeys = tr.file("ca", line(key)) }, good, "is not there"},
		"with options":     {func(tr *trial) { tr.keys.TrustedUserCAKeys = tr.file("ca", "cert-authority "+line(ca())) }, good, "has options"},
		"a bad line first": {func(tr *trial) { tr.keys.TrustedUserCAKeys = tr.file("ca", "x\n"+line(ca())) }, good, ""},
		"a bad line":       {func(tr *trial) { tr.keys.TrustedUserCAKeys = tr.file("ca", "x\n") }, good, "line 1"},
		"no file":          {func(tr *trial) { tr.keys.TrustedUserCAKeys = []string{"/nonexistent"} }, good, "no such file"},
		"two files": {func(tr *trial) {
			tr.keys.TrustedUserCAKeys = append([]string{"/nonexistent"}, tr.keys.TrustedUserCAKeys...)
		}, good, ""},
		"an algorithm that is not taken":      {func(tr *trial) { tr.keys.CASignatureAlgorithms = []string{"rsa-sha2-512"} }, good, "algorithm that is not taken"},
		"expired":                             {func(*trial) {}, certificate(t, key, func(c *hostkey.Certificate) { c.ValidBefore = 1 }), "has expired"},
		"a principal":                         {func(tr *trial) { tr.principals("x\nalice\n") }, good, ""},
		"one with options":                    {func(tr *trial) { tr.principals("no-pty alice\n") }, good, ""},
		"one with options that are not known": {func(tr *trial) { tr.principals("zork alice\n") }, good, "zork"},
		"one that is elsewhere":               {func(tr *trial) { tr.principals("from=\"198.51.100.1\" alice\n") }, good, "may be used from"},
		"one that lets in later":              {func(tr *trial) { tr.principals("zork alice\nalice\n") }, good, ""},
		"one that is an authority":            {func(tr *trial) { tr.principals("cert-authority alice\n") }, good, "is for a key"},
		"a bad line of principals":            {func(tr *trial) { tr.principals("restrict a b\n") }, good, "line 1"},
		"no principal":                        {func(tr *trial) { tr.principals("bob\n") }, good, `none of ["alice"]`},
		"the user's name does not count":      {func(tr *trial) { tr.principals("") }, good, `none of ["alice"]`},
		"a role":                              {func(tr *trial) { tr.principals("admin\n") }, certificate(t, key, func(c *hostkey.Certificate) { c.Principals = []string{"admin"} }), ""},
		"J2: nobody's":                        {func(tr *trial) { tr.principals("admin\n") }, certificate(t, key, func(c *hostkey.Certificate) { c.Principals = nil }), ""},
		"J3: a comma":                         {func(tr *trial) { tr.principals("a\nb\n") }, certificate(t, key, func(c *hostkey.Certificate) { c.Principals = []string{"a,b"} }), "none of"},
		"no file of principals":               {func(tr *trial) { tr.keys.AuthorizedPrincipals = []string{} }, good, "no file of authorized principals"},
		"a file of principals that is gone":   {func(tr *trial) { tr.keys.AuthorizedPrincipals = []string{"/nonexistent"} }, good, "no such file"},
		"principals that others may write": {func(tr *trial) {
			tr.principals("alice\n")
			require.NoError(tr.t, os.Chmod(tr.keys.AuthorizedPrincipals[0], 0o666))
		}, good, "writable by others"},
		"authorities that others may write": {func(tr *trial) {
			require.NoError(tr.t, os.Chmod(tr.keys.TrustedUserCAKeys[0], 0o666))
		}, good, "writable by others"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t)
			tr.keys.TrustedUserCAKeys = tr.file("ca", line(ca()))
			test.set(tr)
			if strings.HasPrefix(name, "J2") {
				test.why = "none of"
			}
			tr.require(test.signer, test.why)
		})
	}
}

func (tr *trial) principals(lines string) {
	tr.keys.AuthorizedPrincipals = tr.file("principals", lines)
}

func TestRevokedKeys(t *testing.T) {
	key := testkeys.ECDSA256()
	good := certificate(t, key, nil)
	list := func(change func(l *hostkey.KRL)) string {
		l := new(hostkey.KRL)
		change(l)
		return string(l.Marshal())
	}
	for name, test := range map[string]struct {
		file             string
		key, certificate bool // whether they get in
	}{
		"nothing":              {"", true, true},
		"an empty list":        {list(func(*hostkey.KRL) {}), true, true},
		"the key":              {line(key), false, false},
		"the key, in a list":   {list(func(l *hostkey.KRL) { l.RevokeKey(key.PublicKey()) }), false, false},
		"J6: the authority":    {line(ca()), true, false},
		"J6: it in a list":     {list(func(l *hostkey.KRL) { l.RevokeKey(ca().PublicKey()) }), true, false},
		"the serial number":    {list(func(l *hostkey.KRL) { l.RevokeSerials(ca().PublicKey(), 5, 5) }), true, false},
		"another":              {list(func(l *hostkey.KRL) { l.RevokeSerials(ca().PublicKey(), 6, 9) }), true, true},
		"the key id":           {list(func(l *hostkey.KRL) { l.RevokeKeyID(nil, "alice's") }), true, false},
		"a line that is none":  {"garbage\n" + line(testkeys.RSA2048()), false, false},
		"a list that is cut":   {list(func(*hostkey.KRL) {})[:30], false, false},
		"a list that is large": {strings.Repeat("#", 16<<20+1), false, false},
		"no file":              {"-", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t)
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", line(key))
			tr.keys.TrustedUserCAKeys = tr.file("ca", line(ca()))
			tr.keys.RevokedKeys = tr.file("revoked", test.file)
			if test.file == "-" {
				require.NoError(t, os.Remove(tr.keys.RevokedKeys[0]))
			}
			why := map[bool]string{true: "", false: "server: revoked keys"}
			tr.require(key, why[test.key])
			tr.require(good, why[test.certificate])
		})
	}
	tr := newTrial(t)
	tr.keys.AuthorizedKeys = tr.file("authorized_keys", line(key))
	tr.keys.RevokedKeys = tr.file("revoked", "")
	require.NoError(t, os.Chmod(tr.keys.RevokedKeys[0], 0o666))
	tr.require(key, "writable by others")
}

func TestZeroPublicKeys(t *testing.T) {
	tr := newTrial(t)
	tr.require(testkeys.ECDSA256(), "no file says which keys are authorized")
	tr.require(certificate(t, testkeys.ECDSA256(), nil), "no file says which keys are authorized")
}

// G12: what a security key has to prove, as its line or certificate has it.
func TestSecurityKeyOptions(t *testing.T) {
	touch, verify := hostkey.UserPresent, hostkey.UserVerified
	no := func(name string) func(*hostkey.Certificate) {
		return func(c *hostkey.Certificate) {
			if name == "verify-required" {
				c.CriticalOptions = []hostkey.CertificateOption{{Name: name}}
			} else {
				c.Extensions = []hostkey.CertificateOption{{Name: name}}
			}
		}
	}
	for _, test := range []struct {
		options string
		change  func(*hostkey.Certificate)
		flags   hostkey.Flags
		ok      bool
	}{
		{"restrict", nil, touch, true},
		{"restrict", nil, 0, false},
		{"no-touch-required", nil, 0, true},
		{"verify-required", nil, touch, false},
		{"verify-required", nil, touch | verify, true},
		{"verify-required", nil, verify, false},
		{"no-touch-required,verify-required", nil, verify, true},
		{"cert-authority", no("permit-pty"), touch, true},
		{"cert-authority", no("permit-pty"), 0, false},
		{"cert-authority,no-touch-required", no("permit-pty"), 0, false},
		{"cert-authority", no("no-touch-required"), 0, false},
		{"cert-authority,no-touch-required", no("no-touch-required"), 0, true},
		{"cert-authority", no("verify-required"), touch, false},
		{"cert-authority", no("verify-required"), touch | verify, true},
		{"cert-authority,verify-required", no("permit-pty"), touch, false},
		{"", no("no-touch-required"), 0, true}, // TrustedUserCAKeys
		{"", no("permit-pty"), 0, false},
		{"", no("verify-required"), touch, false},
		{"", no("verify-required"), touch | verify, true},
	} {
		key := testkeys.SKEd25519()
		key.Flags = test.flags
		tr := newTrial(t)
		var signer hostkey.Signer = key
		listed := line(key)
		if test.change != nil {
			signer, listed = certificate(t, key, test.change), line(ca())
		}
		if test.options == "" {
			tr.keys.TrustedUserCAKeys = tr.file("ca", listed)
		} else {
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", test.options+" "+listed)
		}
		p, err := tr.login(signer)
		require.Equal(t, test.ok, err == nil, "%q with %v: %v", test.options, test.flags, err)
		if err == nil {
			require.Zero(t, p.session().exec("x").finish().status)
			p.conn.Close()
		} else {
			var absent *hostkey.PresenceError
			require.ErrorAs(t, err, &absent)
		}
	}
}

// What the line and the certificate restrict holds once the user is in.
func TestRestrictionsHold(t *testing.T) {
	tr := newTrial(t)
	tr.srv.Session = handler(func(s *server.Session) { fmt.Fprintf(s, "%q %q", s.Command(), s.Env()) })
	tr.srv.Subsystems = map[string]server.Handler{"sub": tr.srv.Session}
	tr.srv.AcceptEnv = []string{"A", "C"}
	tr.keys.PermitUserEnvironment = []string{"A", "B*"}
	for name, test := range map[string]struct {
		options string // of the key, or the authority
		change  func(*hostkey.Certificate)
		pty     bool
		stdout  string
	}{
		"nothing":                {"", nil, true, `"asked" ["A=client" "C=client"]`},
		"a command":              {`command="forced"`, nil, true, `"forced" ["A=client" "C=client" "SSH_ORIGINAL_COMMAND=asked"]`},
		"no terminal":            {"no-pty", nil, false, `"asked" ["A=client" "C=client"]`},
		"restrict":               {"restrict", nil, false, `"asked" ["A=client" "C=client"]`},
		"restrict, but for that": {"restrict,pty", nil, true, `"asked" ["A=client" "C=client"]`},
		"environment": {`environment="A=key",environment="BB=key",environment="LD_PRELOAD=x"`, nil, true,
			`"asked" ["A=client" "C=client" "A=key" "BB=key"]`},
		"environment that may not be": {`environment="LD_PRELOAD=x"`, nil, true, `"asked" ["A=client" "C=client"]`},
		"environment and a command": {`environment="SSH_ORIGINAL_COMMAND=x",environment="A=key",command="forced"`, nil, true,
			`"forced" ["A=client" "C=client" "A=key" "SSH_ORIGINAL_COMMAND=asked"]`},
		"certificate": {"cert-authority", func(*hostkey.Certificate) {}, true, `"asked" ["A=client" "C=client"]`},
		"certificate without terminal": {"cert-authority", func(c *hostkey.Certificate) { c.Extensions = nil }, false,
			`"asked" ["A=client" "C=client"]`},
		"certificate whose authority has none": {"cert-authority,no-pty", func(*hostkey.Certificate) {}, false, `"asked" ["A=client" "C=client"]`},
		"certificate with a command": {"cert-authority", option("force-command", "forced"), true,
			`"forced" ["A=client" "C=client" "SSH_ORIGINAL_COMMAND=asked"]`},
		"certificate of an authority with a command": {`cert-authority,command="forced"`, func(*hostkey.Certificate) {}, true,
			`"forced" ["A=client" "C=client" "SSH_ORIGINAL_COMMAND=asked"]`},
	} {
		t.Run(name, func(t *testing.T) {
			tr.t = t
			var signer, listed hostkey.Signer = testkeys.ECDSA256(), testkeys.ECDSA256()
			if test.change != nil {
				signer, listed = certificate(t, signer, test.change), ca()
			}
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", test.options+" "+line(listed))
			p, err := tr.login(signer)
			require.NoError(t, err)
			defer p.conn.Close()
			s := p.session()
			for _, name := range []string{"A", "C"} {
				m := wire.EnvRequest{Name: name, Value: "client"}
				require.NoError(t, s.ask("env", m.Append(nil)))
			}
			m := wire.PtyRequest{Term: "xterm", Modes: []byte{0}}
			require.Equal(t, test.pty, s.ask("pty-req", m.Append(nil)) == nil)
			require.Equal(t, test.stdout, s.exec("asked").finish().stdout)

			sub := p.session()
			for _, name := range []string{"A", "C"} {
				m := wire.EnvRequest{Name: name, Value: "client"}
				require.NoError(t, sub.ask("env", m.Append(nil)))
			}
			start := wire.SubsystemRequest{Name: "sub"}
			require.NoError(t, sub.ask("subsystem", start.Append(nil)))
			want := strings.NewReplacer(`"asked"`, `""`, "=asked", "=sub").Replace(test.stdout)
			require.Equal(t, want, sub.finish().stdout)
		})
	}
}

// Who may not forward does not, whatever the Server would serve.
func TestForwardingIsPermitted(t *testing.T) {
	tr := newTrial(t)
	serve := func(_ context.Context, _ *server.Conn, o *connection.Opening) {
		o.Reject(channel.ConnectFailed, "served")
	}
	tr.srv.Channels = map[string]func(context.Context, *server.Conn, *connection.Opening){
		"direct-tcpip": serve, "direct-streamlocal@openssh.com": serve, "other@example.com": serve,
	}
	answer := func(_ context.Context, _ *server.Conn, r *connection.Request) { r.Reply(true, nil) }
	tr.srv.Requests = map[string]func(context.Context, *server.Conn, *connection.Request){
		"tcpip-forward": answer, "streamlocal-forward@openssh.com": answer, "other@example.com": answer,
	}
	open := func(host string, port uint32) []byte {
		m := wire.DirectTCPIP{Host: host, Port: port, OriginHost: "127.0.0.1", OriginPort: 1}
		return m.Append(nil)
	}
	listen := func(host string, port uint32) []byte {
		m := wire.TCPIPForward{Address: host, Port: port}
		return m.Append(nil)
	}
	type asked struct {
		open bool
		name string
		data []byte
	}
	all := []asked{
		{true, "direct-tcpip", open("h", 1)}, {true, "direct-tcpip", open("i", 1)}, {true, "direct-streamlocal@openssh.com", nil},
		{true, "other@example.com", nil}, {true, "direct-tcpip", []byte("x")},
		{false, "tcpip-forward", listen("", 8080)}, {false, "tcpip-forward", listen("h", 1)}, {false, "streamlocal-forward@openssh.com", nil},
		{false, "other@example.com", nil}, {false, "tcpip-forward", []byte("x")},
	}
	for options, want := range map[string]string{ // what is served, in that order
		"":                          "yyyyy yyyyy", // nobody looks into it
		"no-port-forwarding":        "nnnyn nnnyn",
		"restrict":                  "nnnyn nnnyn",
		"restrict,port-forwarding":  "yyyyn yyyyn",
		`permitopen="h:1"`:          "ynnyn yyyyn",
		`permitopen="*:*"`:          "yynyn yyyyn",
		`permitlisten="8080"`:       "yyyyn ynnyn",
		`permitlisten="h:1"`:        "yyyyn nynyn",
		`restrict,permitopen="h:1"`: "nnnyn nnnyn",
		`no-port-forwarding,no-x11-forwarding,permitlisten="8080"`: "nnnyn nnnyn",
	} {
		t.Run(options, func(t *testing.T) {
			tr.t = t
			tr.keys.AuthorizedKeys = tr.file("authorized_keys", options+" "+line(testkeys.ECDSA256()))
			p, err := tr.login(testkeys.ECDSA256())
			require.NoError(t, err)
			defer p.conn.Close()
			got := ""
			for _, a := range all {
				var err error
				if a.open {
					_, err = p.mux.Open(t.Context(), a.name, a.data, channel.Params{})
					var refused *channel.OpenError
					require.ErrorAs(t, err, &refused)
					if refused.Message == "served" {
						err = nil
					} else {
						require.Equal(t, channel.AdministrativelyProhibited, refused.Reason)
					}
				} else {
					_, err = p.mux.Request(t.Context(), a.name, a.data)
				}
				got += map[bool]string{true: "y", false: "n"}[err == nil]
			}
			require.Equal(t, strings.ReplaceAll(want, " ", ""), got)
		})
	}
}
