package hostkey_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A valueSigner is a crypto.Signer that is no pointer and has nothing but what
// the interface asks for.
type valueSigner struct{ crypto.Signer }

// G3, CVE-2022-27191: every signer works with each algorithm it says it has, or
// is refused when it is made: none is found out about when a peer asks for it.
func TestG3EveryKindOfSigner(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	for name, key := range map[string]crypto.Signer{
		"Ed25519": ed25519.NewKeyFromSeed(seed), "RSA": testRSA(t),
		"P-256": testECDSA(t, elliptic.P256()), "P-384": testECDSA(t, elliptic.P384()), "P-521": testECDSA(t, elliptic.P521()),
	} {
		for _, k := range []crypto.Signer{key, valueSigner{key}, &valueSigner{key}} {
			s, err := hostkey.NewSigner(k)
			require.NoError(t, err, name)
			require.NotEmpty(t, s.Algorithms())
			for _, algorithm := range s.Algorithms() {
				sig, err := s.Sign(t.Context(), algorithm, []byte("H"))
				require.NoError(t, err, "%s %s", name, algorithm)
				require.NoError(t, hostkey.Verify(s.PublicKey(), algorithm, []byte("H"), sig))
			}
			for _, algorithm := range []string{"ssh-rsa", "ssh-dss", "", "none"} {
				_, err := s.Sign(t.Context(), algorithm, []byte("H"))
				require.ErrorAs(t, err, new(*hostkey.AlgorithmError))
			}
		}
	}
	for name, key := range map[string]crypto.Signer{
		"no key": nil, "a key of another kind": testECDSA(t, elliptic.P224()), "one without a public half": &opaqueSigner{},
	} {
		_, err := hostkey.NewSigner(key)
		require.ErrorContains(t, err, "hostkey: ", name)
	}
}

// G10, CVE-2024-31497: the nonces of P-521 are not short. PuTTY's had 9 leading
// bits of zero, and 60 signatures gave the key away. With the key known, each
// signature gives its nonce away: k = (h + r d) / s.
func TestG10NoncesAreUniform(t *testing.T) {
	key := testECDSA(t, elliptic.P521())
	raw, err := key.Bytes()
	require.NoError(t, err)
	d, n := new(big.Int).SetBytes(raw), orders[hostkey.ECDSA521]
	s, err := hostkey.NewSigner(key)
	require.NoError(t, err)
	const (
		signatures = 5000
		leading    = 16
	)
	var set [leading]int
	var buckets [16]int
	seen := make(map[string]bool)
	for i := range signatures {
		data := binary.BigEndian.AppendUint32(nil, uint32(i/2)) // each twice
		sig, err := s.Sign(t.Context(), hostkey.ECDSA521, data)
		require.NoError(t, err)
		in := wire.NewReader(sig.Blob)
		r, v := in.MPInt(), in.MPInt()
		require.NoError(t, in.End())
		sum := sha512.Sum512(data)
		k := new(big.Int).Mul(r, d)
		k.Add(k, new(big.Int).SetBytes(sum[:])).Mul(k, new(big.Int).ModInverse(v, n)).Mod(k, n)
		require.False(t, seen[k.String()], "a nonce is used twice")
		seen[k.String()] = true
		for bit := range leading {
			set[bit] += int(k.Bit(520 - bit))
		}
		buckets[new(big.Int).Rsh(k, 517).Int64()]++
	}
	for bit, count := range set { // 7 standard deviations of 35
		require.InDelta(t, signatures/2, count, 250, "bit %d from the top", bit)
	}
	const expected = float64(signatures) / 16
	chi := 0.0
	for _, count := range buckets {
		chi += (float64(count) - expected) * (float64(count) - expected) / expected
	}
	require.Less(t, chi, 60.0, "chi squared of 15 degrees of freedom: once in a million")
}

// A failing key cannot tell whether a signature is good.
type failing struct{ err error }

func (failing) Type() string                              { return "failing@example.com" }
func (failing) Marshal() []byte                           { return blob("failing@example.com") }
func (f failing) Verify([]byte, *hostkey.Signature) error { return f.err }

// G11, CVE-2023-2283: whatever goes wrong while a signature is verified, it is
// not verified.
func TestG11VerifyFails(t *testing.T) {
	memory := errors.New("out of memory")
	good := testkeys.Ed25519()
	sig, err := good.Sign(t.Context(), hostkey.Ed25519, []byte("data"))
	require.NoError(t, err)
	named := func(name string) *hostkey.Signature { return &hostkey.Signature{Algorithm: name, Blob: sig.Blob} }
	unknown, err := hostkey.ParseAuthorizedKey([]byte("failing@example.com AAAAE2ZhaWxpbmdAZXhhbXBsZS5jb20="))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		key       hostkey.PublicKey
		algorithm string
		sig       *hostkey.Signature
	}{
		"the key fails":                      {failing{memory}, "failing@example.com", named("failing@example.com")},
		"the key of a certificate fails":     {&hostkey.Certificate{Key: failing{memory}}, hostkey.CertificateName("failing@example.com"), named("failing@example.com")},
		"a key that nobody can verify with":  {unknown.Key, "failing@example.com", named("failing@example.com")},
		"a certificate of nothing":           {&hostkey.Certificate{}, hostkey.Ed25519, sig},
		"a certificate of nothing, no name":  {&hostkey.Certificate{}, "", sig},
		"no signature":                       {good.PublicKey(), hostkey.Ed25519, nil},
		"an empty one":                       {good.PublicKey(), hostkey.Ed25519, &hostkey.Signature{}},
		"one of no bytes":                    {good.PublicKey(), hostkey.Ed25519, &hostkey.Signature{Algorithm: hostkey.Ed25519}},
		"of an algorithm that was not asked": {good.PublicKey(), hostkey.Ed25519, named(hostkey.ECDSA256)},
		"no algorithm was asked for":         {good.PublicKey(), "", sig},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, hostkey.Verify(test.key, test.algorithm, []byte("data"), test.sig))
		})
	}
	require.ErrorIs(t, hostkey.Verify(failing{memory}, "failing@example.com", nil, named("failing@example.com")), memory)
	require.NoError(t, hostkey.Verify(good.PublicKey(), hostkey.Ed25519, []byte("data"), sig))
}

// G13, CVE-2026-56657: a private key file asks for little time and memory before
// it is refused, whatever it says that it needs.
func TestG13KeyFilesAreBounded(t *testing.T) {
	bcrypt := func(rounds uint32) []byte {
		p := validPrivate()
		p.cipher, p.kdf = "aes256-ctr", "bcrypt"
		p.options = string(wire.AppendUint32(wire.AppendString(nil, "0123456789abcdef"), rounds))
		return p.encode()
	}
	unknown := validPrivate()
	unknown.cipher, unknown.kdf = "rot13", "bcrypt"
	for name, file := range map[string][]byte{
		"2^32-1 rounds of bcrypt": bcrypt(math.MaxUint32),
		"2^31 rounds of bcrypt":   bcrypt(1 << 31),
		"a cipher nobody knows":   unknown.encode(),
		"100 MiB":                 append([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"), make([]byte, 100<<20)...),
		"100 MiB of PEM":          encode("RSA PRIVATE KEY", make([]byte, 75<<20)),
		"an endless header":       []byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: " + strings.Repeat("x", 1<<20)),
		"a modulus of 2^20 bits":  pkcs1(t, ones(1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			_, err := hostkey.ParsePrivateKey(file, []byte("passphrase"))
			spent := time.Since(begun)
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, "hostkey: ")
			require.Less(t, spent, 5*time.Second)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "bytes allocated")
		})
	}
}

// forHost makes a certificate one of a host that is called alice.
func forHost(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate }

// inBothRoles has the certificate decided about as a user's, and again as a
// host's.
func inBothRoles(t *testing.T, name string, change func(*hostkey.Certificate), check func(t *testing.T, err error)) {
	t.Helper()
	t.Run(name+", of a user", func(t *testing.T) {
		_, err := authority().CheckUser(certified(t, change), here, "alice")
		check(t, err)
	})
	t.Run(name+", of a host", func(t *testing.T) {
		err := authority().CheckHost(certified(t, func(c *hostkey.Certificate) { forHost(c); change(c) }), "alice:22")
		check(t, err)
	})
}

func refusedFor(reason hostkey.CertificateReason) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		requireReason(t, err, reason, "")
	}
}

func taken(t *testing.T, err error) {
	t.Helper()
	require.NoError(t, err)
}

// J1: a critical option that nobody here knows refuses the certificate, an
// extension does not, and an option of users is unknown to hosts.
func TestJ1UnknownOptions(t *testing.T) {
	for _, name := range []string{"x@example.com", "force-command ", "Force-Command", "permit-pty", "", "verify-required\x00"} {
		inBothRoles(t, "critical "+name, critical(name, "x"), refusedFor(hostkey.UnknownOption))
		inBothRoles(t, "a second critical "+name, func(c *hostkey.Certificate) {
			critical("a@example.com", "")(c)
			if name != "" {
				critical(name, "")(c)
			}
		}, refusedFor(hostkey.UnknownOption))
	}
	for _, name := range []string{"x@example.com", "force-command", ""} {
		inBothRoles(t, "extension "+name, extension(name, []byte("anything")), taken)
	}
	c := certified(t, func(c *hostkey.Certificate) { forHost(c); critical(hostkey.ForceCommand, "true")(c) })
	requireReason(t, authority().CheckHost(c, "alice"), hostkey.UnknownOption, "force-command")
}

// J2, CVE-2024-7594: no principals are nobody, and so is an empty one.
func TestJ2NoPrincipals(t *testing.T) {
	for _, wanted := range []string{"alice", "", "root", "*"} {
		for _, names := range [][]string{nil, {}, {""}, {"", ""}} {
			reason := hostkey.NoPrincipals
			if len(names) > 0 {
				reason = hostkey.WrongPrincipal
			}
			_, err := authority().CheckUser(certified(t, principals(names...)), here, wanted)
			requireReason(t, err, reason, "")
			host := certified(t, func(c *hostkey.Certificate) { forHost(c); c.Principals = names })
			requireReason(t, authority().CheckHost(host, wanted), reason, "")
		}
	}
	_, err := authority().CheckUser(certified(t, nil), here)
	requireReason(t, err, hostkey.WrongPrincipal, "wanted is nobody")
}

// J3, CVE-2026-35414: a principal with a comma is one name, on whichever side
// of the comparison it is.
func TestJ3Comma(t *testing.T) {
	for _, name := range []string{"alice,bob", "bob,alice", "alice,", ",alice", "alice, bob"} {
		inBothRoles(t, name, principals(name), refusedFor(hostkey.WrongPrincipal))
	}
	_, err := authority().CheckUser(certified(t, nil), here, "bob,alice")
	requireReason(t, err, hostkey.WrongPrincipal, "")
	_, err = authority().CheckUser(certified(t, principals("bob,alice")), here, "bob,alice")
	require.NoError(t, err, "it is a name like others")
}

// J4: the principals of users are names, and those of hosts patterns, as in
// OpenSSH from 10.3 on.
func TestJ4Wildcards(t *testing.T) {
	for pattern, host := range map[string]bool{
		"*": true, "al*": true, "al?ce": true, "?????": true, "*e": true, "a*l*i*c*e": true,
		"??": false, "*x": false, "alice?": false, "!bob": false, "[a]lice": false, "alic[e]": false, "alice,*": false, "al%": false,
	} {
		_, err := authority().CheckUser(certified(t, principals(pattern)), here, "alice")
		requireReason(t, err, hostkey.WrongPrincipal, "")
		err = authority().CheckHost(certified(t, func(c *hostkey.Certificate) { forHost(c); c.Principals = []string{pattern} }), "alice")
		require.Equal(t, host, err == nil, "%s: %v", pattern, err)
	}
	_, err := authority().CheckUser(certified(t, nil), here, "*", "al?ce")
	requireReason(t, err, hostkey.WrongPrincipal, "")
	require.Error(t, authority().CheckHost(certified(t, forHost), "*"), "what was dialed is no pattern")
}

// J5: a certificate is for one purpose and one time, and by an authority that is
// trusted for it now, and signed soundly.
func TestJ5KindTimeAuthority(t *testing.T) {
	const now = 1700000000
	at := func(a *hostkey.Authority) *hostkey.Authority {
		a.Time = func() time.Time { return time.Unix(now, 999) }
		return a
	}
	decide := func(t *testing.T, a *hostkey.Authority, change func(*hostkey.Certificate)) (user, host error) {
		_, user = at(a).CheckUser(certified(t, change), here, "alice")
		host = at(a).CheckHost(certified(t, func(c *hostkey.Certificate) { forHost(c); change(c) }), "alice")
		return user, host
	}
	for name, test := range map[string]struct {
		after, before uint64
		reason        hostkey.CertificateReason // 0 if it is good
	}{
		"for ever":          {0, math.MaxUint64, 0},
		"from now on":       {now, math.MaxUint64, 0},
		"for this second":   {now, now + 1, 0},
		"until now":         {0, now, hostkey.Expired},
		"until the past":    {0, now - 1, hostkey.Expired},
		"never":             {0, 0, hostkey.Expired},
		"from the next on":  {now + 1, math.MaxUint64, hostkey.NotYetValid},
		"at the end":        {math.MaxUint64, math.MaxUint64, hostkey.NotYetValid},
		"backwards":         {now + 1, now - 1, hostkey.NotYetValid},
		"beyond an int64":   {1 << 63, math.MaxUint64, hostkey.NotYetValid},
		"until beyond that": {0, 1 << 63, 0},
	} {
		t.Run(name, func(t *testing.T) {
			user, host := decide(t, authority(), func(c *hostkey.Certificate) { c.ValidAfter, c.ValidBefore = test.after, test.before })
			for _, err := range []error{user, host} {
				if test.reason == 0 {
					require.NoError(t, err)
					continue
				}
				requireReason(t, err, test.reason, "")
			}
		})
	}
	keep := func(*hostkey.Certificate) {}
	t.Run("the other purpose", func(t *testing.T) {
		_, err := at(authority()).CheckUser(certified(t, forHost), here, "alice")
		requireReason(t, err, hostkey.WrongKind, "")
		requireReason(t, at(authority()).CheckHost(certified(t, nil), "alice"), hostkey.WrongKind, "")
	})
	t.Run("an authority for the other purpose", func(t *testing.T) {
		a := authority()
		a.Users = nil
		user, host := decide(t, a, keep)
		requireReason(t, user, hostkey.UnknownAuthority, "")
		require.NoError(t, host)
	})
	t.Run("a revoked authority", func(t *testing.T) {
		a, l := authority(), new(hostkey.KRL)
		l.RevokeKey(testkeys.Ed25519().PublicKey())
		a.Revoked = l.Check
		user, host := decide(t, a, keep)
		requireReason(t, user, hostkey.Revoked, "")
		requireReason(t, host, hostkey.Revoked, "")
	})
	t.Run("an algorithm that is not taken", func(t *testing.T) {
		a := authority()
		a.CASignatureAlgorithms = []string{hostkey.RSASHA512, "ssh-rsa"}
		user, host := decide(t, a, keep)
		requireReason(t, user, hostkey.WeakSignature, "")
		requireReason(t, host, hostkey.WeakSignature, "")
	})
	t.Run("SHA-1", func(t *testing.T) {
		sha1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
		require.NoError(t, err)
		c := &hostkey.Certificate{Key: testkeys.ECDSA256().PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{"alice"}, ValidBefore: math.MaxUint64}
		require.ErrorContains(t, c.Certify(t.Context(), only{sha1, "ssh-rsa"}), "did not sign it")
		a := authority()
		a.CASignatureAlgorithms = []string{"ssh-rsa"}
		_, err = a.CheckUser(c, here, "alice")
		requireReason(t, err, hostkey.BadSignature, "")
	})
}

// only is a signer with one algorithm.
type only struct {
	hostkey.Signer
	algorithm string
}

func (o only) Algorithms() []string { return []string{o.algorithm} }

func (o only) Sign(ctx context.Context, _ string, data []byte) (*hostkey.Signature, error) {
	return o.Signer.Sign(ctx, o.algorithm, data)
}

// J10, CVE-2001-0816: a port that is none makes the line let nobody in, and not
// the restriction go away.
func TestJ10Ports(t *testing.T) {
	for _, option := range []string{"permitopen", "permitlisten"} {
		for _, port := range []string{"65536", "-1", "0", "+22", "99999999999999999999", "0x16", "22 ", " 22", "22,23", "22-23", "", "ssh", "2 2", "**", "\u0662\u0662"} {
			r, err := restrictionsOf(t, option+`="localhost:`+port+`"`)
			require.ErrorAs(t, err, new(*hostkey.OptionError), "%s %q", option, port)
			require.Nil(t, r)
			r, err = restrictionsOf(t, option+`="localhost:22",`+option+`="localhost:`+port+`"`)
			require.Error(t, err, "a good one before it is no help")
			require.Nil(t, r)
		}
		for _, port := range []string{"1", "22", "65535", "*", "00022"} {
			r, err := restrictionsOf(t, option+`="localhost:`+port+`"`)
			require.NoError(t, err, "%s %q", option, port)
			require.False(t, r.Permissions.PermitsOpen("other", 22) && r.Permissions.PermitsListen("other", 22))
		}
	}
}
