package hostkey_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// subjects are keys of every format that a certificate can be about.
func subjects() []hostkey.Signer {
	return append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256())
}

func certify(t testing.TB, key hostkey.PublicKey, ca hostkey.Signer) *hostkey.Certificate {
	t.Helper()
	c := &hostkey.Certificate{
		Key: key, Serial: math.MaxUint64, Kind: hostkey.UserCertificate, KeyID: "alice's key", Principals: []string{"alice", "root"},
		ValidAfter: 1, ValidBefore: math.MaxUint64,
		CriticalOptions: []hostkey.CertificateOption{
			{Name: "source-address", Data: blob("192.0.2.0/24")}, {Name: "force-command", Data: blob("ls")}},
		Extensions: []hostkey.CertificateOption{{Name: "permit-pty"}, {Name: "a@example.com", Data: []byte{1, 2, 3}}},
	}
	require.NoError(t, c.Certify(t.Context(), ca))
	return c
}

func TestCertificateRoundTrip(t *testing.T) {
	for _, s := range subjects() {
		for _, ca := range subjects() {
			c := certify(t, s.PublicKey(), ca)
			encoded := c.Marshal()
			k, err := hostkey.ParsePublicKey(encoded)
			require.NoError(t, err, "%s by %s", c.Type(), ca.PublicKey().Type())
			again := k.(*hostkey.Certificate)
			require.Equal(t, encoded, again.Marshal())
			require.NoError(t, again.CheckSignature())
			require.True(t, hostkey.Equal(c, again))
			require.True(t, hostkey.Equal(again.Key, s.PublicKey()))
			require.True(t, hostkey.Equal(again.CA, ca.PublicKey()))
			require.False(t, hostkey.Equal(again, s.PublicKey()), "a certificate is not its key")
			require.NotEqual(t, hostkey.Fingerprint(again), hostkey.Fingerprint(s.PublicKey()))
			require.Len(t, again.Nonce, 32)
			require.Equal(t, c.Serial, again.Serial)
			require.Equal(t, hostkey.UserCertificate, again.Kind)
			require.Equal(t, "alice's key", again.KeyID)
			require.Equal(t, []string{"alice", "root"}, again.Principals)
			require.EqualValues(t, 1, again.ValidAfter)
			require.Equal(t, uint64(math.MaxUint64), again.ValidBefore)
			require.Equal(t, "force-command", again.CriticalOptions[0].Name, "in order")
			require.Equal(t, blob("ls"), again.CriticalOptions[0].Data)
			require.Equal(t, []hostkey.CertificateOption{{Name: "a@example.com", Data: []byte{1, 2, 3}}, {Name: "permit-pty", Data: []byte{}}}, again.Extensions)

			clear(encoded) // the parsed certificate is no alias of it
			require.NoError(t, again.CheckSignature())
		}
	}
}

// A signature is verified by the key in the certificate, under the name of the
// algorithm that says so.
func TestCertificateVerifies(t *testing.T) {
	data := []byte("data")
	every := append(append(hostkey.Default(), hostkey.Optional()...), hostkey.Insecure()...)
	for _, s := range subjects() {
		c := certify(t, s.PublicKey(), testkeys.Ed25519())
		signer, err := hostkey.NewCertificateSigner(c, s)
		require.NoError(t, err)
		require.Equal(t, hostkey.PublicKey(c), signer.PublicKey())
		for _, algorithm := range signer.Algorithms() {
			require.Contains(t, hostkey.Optional(), algorithm)
			require.Equal(t, c.Type(), hostkey.KeyType(algorithm))
			sig, err := signer.Sign(t.Context(), algorithm, data)
			require.NoError(t, err)
			require.Contains(t, hostkey.Default(), sig.Algorithm)
			require.NoError(t, hostkey.Verify(c, algorithm, data, sig))
			require.NoError(t, c.Verify(data, sig))
			require.ErrorIs(t, hostkey.Verify(c, algorithm, []byte("other"), sig), hostkey.ErrSignature)
			for _, other := range every {
				if other != algorithm { // G6
					require.Error(t, hostkey.Verify(c, other, data, sig), "%s for %s", other, algorithm)
				}
				claim := &hostkey.Signature{Algorithm: other, Blob: sig.Blob, Rest: sig.Rest}
				if other != sig.Algorithm {
					require.Error(t, hostkey.Verify(c, algorithm, data, claim), "%s in the signature", other)
				}
			}
		}
		_, err = signer.Sign(t.Context(), s.Algorithms()[0], data)
		var wrong *hostkey.AlgorithmError
		require.ErrorAs(t, err, &wrong)
	}
}

func TestG12CertificateOfSecurityKey(t *testing.T) {
	for algorithm, make := range authenticators() {
		a := make()
		a.Flags = 0
		c := certify(t, a.PublicKey(), testkeys.Ed25519())
		sig := signSK(t, a, algorithm, nil)
		name := hostkey.CertificateName(algorithm)
		var absent *hostkey.PresenceError
		require.ErrorAs(t, hostkey.Verify(c, name, nil, sig), &absent)
		require.NoError(t, hostkey.Verify(hostkey.Require(c, 0), name, nil, sig))
		require.ErrorAs(t, hostkey.Verify(c, name, nil, sig), &absent, "the certificate itself is as it was")
		// An authority in such a device signs with a touch, or not at all.
		other := &hostkey.Certificate{Key: testkeys.RSA2048().PublicKey(), Kind: hostkey.HostCertificate}
		require.ErrorContains(t, other.Certify(t.Context(), a), "did not sign it")
	}
}

// raw is a certificate, field by field.
type raw struct {
	format                          string
	fields                          []byte // nonce and key
	kind                            uint32
	keyID                           string
	principals, critical, extension []byte
	ca                              []byte
	tail                            []byte
	sign                            func(data []byte) []byte
}

// newRaw returns one that is accepted.
func newRaw(t *testing.T) *raw {
	key := testkeys.ECDSA256().PublicKey().Marshal()
	return &raw{
		format: "ecdsa-sha2-nistp256-cert-v01@openssh.com", fields: append(blob("nonce"), key[4+len("ecdsa-sha2-nistp256"):]...),
		kind: 1, keyID: "id", principals: blob("a", "b"), critical: blob("a", "", "b", ""), extension: blob("c", "", "d", "x"),
		ca: testkeys.Ed25519().PublicKey().Marshal(),
		sign: func(data []byte) []byte {
			sig, err := testkeys.Ed25519().Sign(t.Context(), "ssh-ed25519", data)
			require.NoError(t, err)
			return sig.Append(nil)
		},
	}
}

func (c *raw) blob() []byte {
	b := append(blob(c.format), c.fields...)
	b = wire.AppendUint32(wire.AppendUint64(b, 5), c.kind)
	b = wire.AppendString(wire.AppendString(b, c.keyID), c.principals)
	b = wire.AppendUint64(wire.AppendUint64(b, 0), 1<<40)
	b = wire.AppendString(wire.AppendString(b, c.critical), c.extension)
	b = wire.AppendString(wire.AppendString(b, "reserved"), c.ca)
	return append(wire.AppendString(b, c.sign(b)), c.tail...)
}

func TestParseCertificateRefuses(t *testing.T) {
	good := newRaw(t)
	k, err := hostkey.ParsePublicKey(good.blob())
	require.NoError(t, err)
	require.Equal(t, "reserved", string(k.(*hostkey.Certificate).Reserved))
	for n, b := 0, good.blob(); n < len(b); n++ {
		_, err := hostkey.ParsePublicKey(b[:n])
		require.Error(t, err, "cut at %d", n)
		b[n] ^= 0x20
		_, err = hostkey.ParsePublicKey(b)
		require.Error(t, err, "byte %d changed", n)
		b[n] ^= 0x20
	}
	rsaSHA1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	many := func(n int, fields ...string) (b []byte) {
		for i := range n {
			b = append(b, blob(append([]string{string([]byte{byte(i >> 8), byte(i)})}, fields...)...)...)
		}
		return b
	}
	for name, change := range map[string]func(*raw){
		"trailing byte":                      func(c *raw) { c.tail = []byte{0} },
		"J5: neither user nor host: 0":       func(c *raw) { c.kind = 0 },
		"J5: neither user nor host: 3":       func(c *raw) { c.kind = 3 },
		"NUL in the key id":                  func(c *raw) { c.keyID = "a\x00b" },
		"NUL in a principal":                 func(c *raw) { c.principals = blob("root\x00x") },
		"principals cut":                     func(c *raw) { c.principals = []byte{0, 0, 0} },
		"principal longer than the field":    func(c *raw) { c.principals = []byte{0, 0, 0, 9, 'a'} },
		"257 principals":                     func(c *raw) { c.principals = many(257) },
		"257 options":                        func(c *raw) { c.critical = many(257, "") },
		"options out of order":               func(c *raw) { c.critical = blob("b", "", "a", "") },
		"J1: an option twice":                func(c *raw) { c.critical = blob("a", "1", "a", "2") },
		"an option without its data":         func(c *raw) { c.critical = blob("a") },
		"extensions out of order":            func(c *raw) { c.extension = blob("b", "", "a", "") },
		"an extension twice":                 func(c *raw) { c.extension = blob("a", "", "a", "") },
		"an extension without its data":      func(c *raw) { c.extension = blob("a", "", "b") },
		"no authority":                       func(c *raw) { c.ca = nil },
		"authority cut":                      func(c *raw) { c.ca = c.ca[:20] },
		"authority with a trailing byte":     func(c *raw) { c.ca = append(slices.Clone(c.ca), 0) },
		"authority of an unknown format":     func(c *raw) { c.ca = blob("ssh-ed448", "x") },
		"another authority":                  func(c *raw) { c.ca = testkeys.Ed25519Other().PublicKey().Marshal() },
		"no signature":                       func(c *raw) { c.sign = func([]byte) []byte { return nil } },
		"the signature of something else":    func(c *raw) { s := c.sign; c.sign = func([]byte) []byte { return s([]byte("x")) } },
		"signature with a trailing byte":     func(c *raw) { s := c.sign; c.sign = func(d []byte) []byte { return append(s(d), 0) } },
		"G4: the authority is a certificate": func(c *raw) { c.ca = newRaw(t).blob() },
		"G5: key of another format":          func(c *raw) { c.format = "ssh-ed25519-cert-v01@openssh.com" },
		"the name of an algorithm":           func(c *raw) { c.format = "rsa-sha2-256-cert-v01@openssh.com" },
		"a format without its domain":        func(c *raw) { c.format = "ecdsa-sha2-nistp256-cert-v01" },
		"J5: authority over SHA-1": func(c *raw) {
			c.ca = testkeys.RSA2048().PublicKey().Marshal()
			c.sign = func(d []byte) []byte {
				sig, err := rsaSHA1.Sign(t.Context(), "ssh-rsa", d)
				require.NoError(t, err)
				return sig.Append(nil)
			}
		},
		"G2: authority of 1024 bits": func(c *raw) { c.ca = rsaBlob(ones(17), ones(1024)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newRaw(t)
			change(c)
			k, err := hostkey.ParsePublicKey(c.blob())
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, k)
		})
	}
}

// J2: principals that are not there are nobody's, and not anybody's: what to
// make of it is for whoever decides, who finds none.
func TestCertificateWithoutPrincipals(t *testing.T) {
	c := newRaw(t)
	c.principals, c.critical, c.extension = nil, nil, nil
	k, err := hostkey.ParsePublicKey(c.blob())
	require.NoError(t, err)
	require.Empty(t, k.(*hostkey.Certificate).Principals)
}

// G4: certificates within certificates are not unpacked.
func TestG4NestedCertificates(t *testing.T) {
	c := newRaw(t)
	c.sign = func([]byte) []byte { return blob("ssh-ed25519", string(make([]byte, 64))) }
	for range 10_000 {
		c.ca = c.blob()
		if len(c.ca) > 1<<18 { // a packet has no room for more
			break
		}
	}
	start := time.Now()
	_, err := hostkey.ParsePublicKey(c.blob())
	require.ErrorContains(t, err, `its authority: key format "ecdsa-sha2-nistp256-cert-v01@openssh.com" is not supported`)
	require.Less(t, time.Since(start), time.Second)
}

func TestCertifyRefuses(t *testing.T) {
	ca := testkeys.Ed25519()
	var empty hostkey.Certificate
	require.Empty(t, empty.Type())
	require.NotPanics(t, func() { empty.Marshal() })
	require.Error(t, empty.CheckSignature())
	require.Error(t, empty.Verify(nil, nil))
	require.Error(t, hostkey.Verify(&empty, "", nil, &hostkey.Signature{}))
	require.ErrorContains(t, empty.Certify(t.Context(), ca), "needs a key")
	c := certify(t, testkeys.RSA2048().PublicKey(), ca)
	require.ErrorContains(t, (&hostkey.Certificate{Key: c}).Certify(t.Context(), ca), "which is no certificate")

	_, err := hostkey.NewCertificateSigner(c, testkeys.RSA3072())
	require.ErrorContains(t, err, "another key")
	c.Principals = append(c.Principals, "mallory")
	_, err = hostkey.NewCertificateSigner(c, testkeys.RSA2048())
	require.ErrorContains(t, err, "did not sign it")

	s, err := hostkey.NewCertificateSigner(certify(t, testkeys.RSA2048().PublicKey(), ca), testkeys.RSA2048())
	require.NoError(t, err)
	again := certify(t, testkeys.Ed25519().PublicKey(), ca)
	again.CA = s.PublicKey()
	require.ErrorContains(t, again.CheckSignature(), "is a certificate")
}

func TestCertificateNonceDiffers(t *testing.T) {
	a, b := certify(t, testkeys.Ed25519().PublicKey(), testkeys.Ed25519()), certify(t, testkeys.Ed25519().PublicKey(), testkeys.Ed25519())
	require.False(t, bytes.Equal(a.Nonce, b.Nonce))
	require.Equal(t, "user", hostkey.UserCertificate.String())
	require.Equal(t, "host", hostkey.HostCertificate.String())
	require.Equal(t, "kind 7", hostkey.CertificateKind(7).String())
}

// A certificate is taken for its key by nothing in this module.
func TestCertificatesLetNobodyIn(t *testing.T) {
	for _, s := range subjects() {
		c := certify(t, s.PublicKey(), testkeys.Ed25519())
		host := hostkey.Host{Name: "h:22"}
		require.Error(t, hostkey.Pin(s.PublicKey(), testkeys.Ed25519().PublicKey()).VerifyHostKey(t.Context(), host, c))
		require.Error(t, hostkey.Pin(c).VerifyHostKey(t.Context(), host, c), "not even when it is pinned")
		require.Error(t, hostkey.Pin(c).VerifyHostKey(t.Context(), host, s.PublicKey()))
		_, err := hostkey.ParseAuthorizedKey(hostkey.MarshalAuthorizedKey(c, ""))
		require.ErrorContains(t, err, "certificate")
		require.Equal(t, hostkey.Default(), hostkey.PreferKeys([]hostkey.PublicKey{c}))
		for _, name := range hostkey.Default() {
			require.NotEqual(t, c.Type(), hostkey.KeyType(name))
		}
	}
}
