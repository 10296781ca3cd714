package hostkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// blob encodes strings one after another.
func blob(fields ...string) []byte {
	var b []byte
	for _, f := range fields {
		b = wire.AppendString(b, f)
	}
	return b
}

// rsaBlob encodes an RSA key.
func rsaBlob(e, n *big.Int) []byte {
	return wire.AppendMPInt(wire.AppendMPInt(blob("ssh-rsa"), e), n)
}

// ones returns an odd number of so many bits.
func ones(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return n.Sub(n, big.NewInt(1))
}

func TestPublicKeyRoundTrip(t *testing.T) {
	for _, s := range testkeys.All() {
		k := s.PublicKey()
		t.Run(k.Type(), func(t *testing.T) {
			encoded := k.Marshal()
			r := wire.NewReader(encoded)
			require.Equal(t, k.Type(), r.Text())

			again, err := hostkey.ParsePublicKey(encoded)
			require.NoError(t, err)
			require.True(t, hostkey.Equal(k, again))
			require.Equal(t, k.Type(), again.Type())

			clear(encoded) // the parsed key is no alias of it
			require.Equal(t, k.Marshal(), again.Marshal())
			clear(again.Marshal())
			require.Equal(t, k.Marshal(), again.Marshal())
		})
	}
}

func TestPublicKeyTruncatedOrTrailing(t *testing.T) {
	for _, s := range testkeys.All() {
		encoded := s.PublicKey().Marshal()
		for n := range encoded {
			_, err := hostkey.ParsePublicKey(encoded[:n])
			require.Error(t, err, "%s cut at %d", s.PublicKey().Type(), n)
		}
		_, err := hostkey.ParsePublicKey(append(encoded, 0))
		require.Error(t, err, "%s with a trailing byte", s.PublicKey().Type())
	}
}

func TestParsePublicKeyRefuses(t *testing.T) {
	p256 := testkeys.ECDSA256().PublicKey().Marshal()
	p384 := testkeys.ECDSA384().PublicKey().Marshal()
	field := func(p []byte, i int) string {
		r := wire.NewReader(p)
		for range i {
			r.Blob()
		}
		return r.Text()
	}
	point, wide := field(p256, 2), field(p384, 2)
	off := []byte(point)
	off[len(off)-1] ^= 1
	e, n := big.NewInt(65537), ones(2048)

	for name, p := range map[string][]byte{
		"G1 CVE-2020-9283: Ed25519 key of 0 bytes":        blob("ssh-ed25519", ""),
		"G1 CVE-2020-9283: Ed25519 key of 31 bytes":       blob("ssh-ed25519", string(make([]byte, 31))),
		"G1 CVE-2020-9283: Ed25519 key of 33 bytes":       blob("ssh-ed25519", string(make([]byte, 33))),
		"G1 CVE-2020-9283: Ed25519 key of 64 bytes":       blob("ssh-ed25519", string(make([]byte, 64))),
		"G5 curve P-384 in a P-256 key":                   blob("ecdsa-sha2-nistp256", "nistp384", wide),
		"G5 point of P-384 in a P-256 key":                blob("ecdsa-sha2-nistp256", "nistp256", wide),
		"G5 P-256 key that says P-384":                    blob("ecdsa-sha2-nistp384", "nistp256", point),
		"G5 unknown curve":                                blob("ecdsa-sha2-nistp256", "nistk163", point),
		"SEC 1 3.2.2: point not on the curve":             blob("ecdsa-sha2-nistp256", "nistp256", string(off)),
		"SEC 1 3.2.2: infinity":                           blob("ecdsa-sha2-nistp256", "nistp256", "\x00"),
		"SEC 1 2.3.4: compressed point":                   blob("ecdsa-sha2-nistp256", "nistp256", "\x02"+point[1:33]),
		"SEC 1 2.3.4: hybrid point":                       blob("ecdsa-sha2-nistp256", "nistp256", "\x06"+point[1:]),
		"SEC 1 2.3.4: no point":                           blob("ecdsa-sha2-nistp256", "nistp256", ""),
		"SEC 1 2.3.5: coordinate of p":                    blob("ecdsa-sha2-nistp256", "nistp256", "\x04"+string(elliptic.P256().Params().P.Bytes())+point[33:]),
		"G2 RSA of 1024 bits":                             rsaBlob(e, ones(1024)),
		"G2 RSA of 2047 bits":                             rsaBlob(e, ones(2047)),
		"G2 RSA of 16385 bits":                            rsaBlob(e, ones(16385)),
		"G2 RSA with an even modulus":                     rsaBlob(e, new(big.Int).Lsh(big.NewInt(1), 2048)),
		"G2 RSA with a negative modulus":                  rsaBlob(e, new(big.Int).Neg(n)),
		"G2 RSA with a modulus of 0":                      rsaBlob(e, new(big.Int)),
		"G2 RSA with exponent 0":                          rsaBlob(new(big.Int), n),
		"G2 RSA with exponent 1":                          rsaBlob(big.NewInt(1), n),
		"G2 RSA with exponent 2":                          rsaBlob(big.NewInt(2), n),
		"G2 RSA with an even exponent":                    rsaBlob(big.NewInt(65536), n),
		"G2 RSA with exponent -3":                         rsaBlob(big.NewInt(-3), n),
		"G2 RSA with exponent over 2^24":                  rsaBlob(big.NewInt(1<<24+1), n),
		"G2 RSA with exponent over 2^32":                  rsaBlob(big.NewInt(1<<40+1), n),
		"RFC 4251 5: exponent with unnecessary zero byte": wire.AppendMPInt(blob("ssh-rsa", "\x00\x03"), n),
		"no key format":                                   nil,
	} {
		t.Run(name, func(t *testing.T) {
			k, err := hostkey.ParsePublicKey(p)
			var format *hostkey.KeyFormatError
			require.ErrorAs(t, err, &format)
			require.Nil(t, k)
			require.Contains(t, err.Error(), "hostkey: bad ")
		})
	}
}

func TestParsePublicKeyUnknownType(t *testing.T) {
	for _, name := range []string{"rsa-sha2-256", "ssh-ed448", "", "x\x1b[2J", "ssh-ed25519@openssh.com",
		"ssh-ed448-cert-v01@openssh.com", "-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"} {
		k, err := hostkey.ParsePublicKey(blob(name, "key"))
		var unknown *hostkey.UnknownKeyTypeError
		require.ErrorAs(t, err, &unknown, name)
		require.Equal(t, name, unknown.Type)
		require.NotContains(t, err.Error(), "\x1b")
		require.Nil(t, k)
	}
}

func TestRSABoundsAreInclusive(t *testing.T) {
	for _, bits := range []uint{hostkey.MinRSABits, hostkey.MaxRSABits} {
		for _, e := range []int64{3, 1<<24 - 1} {
			_, err := hostkey.ParsePublicKey(rsaBlob(big.NewInt(e), ones(bits)))
			require.NoError(t, err)
		}
	}
}

// CVE-2026-39829: an enormous key is refused by its length alone.
func TestG2ParsingIsCheap(t *testing.T) {
	for name, p := range map[string][]byte{
		"modulus of 1e6 bits":  rsaBlob(big.NewInt(65537), ones(1e6)),
		"exponent of 1e6 bits": rsaBlob(ones(1e6), ones(2048)),
	} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 5 { // the fastest run is the one nobody interrupted
				start := time.Now()
				_, err := hostkey.ParsePublicKey(p)
				best = min(best, time.Since(start))
				require.Error(t, err)
			}
			require.Less(t, best, time.Millisecond)
			require.Less(t, testing.AllocsPerRun(10, func() { hostkey.ParsePublicKey(p) }), 10.0)
		})
	}
}

func TestNewPublicKey(t *testing.T) {
	seed := ed25519.NewKeyFromSeed(make([]byte, 32))
	ec := &ecdsa.PrivateKey{}
	ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)

	for want, key := range map[string]any{
		"ssh-ed25519":         seed.Public(),
		"ecdsa-sha2-nistp256": &ec.PublicKey,
		"ssh-rsa":             &rsa.PublicKey{N: ones(2048), E: 3},
	} {
		k, err := hostkey.NewPublicKey(key)
		require.NoError(t, err)
		require.Equal(t, want, k.Type())
		again, err := hostkey.ParsePublicKey(k.Marshal())
		require.NoError(t, err)
		require.True(t, hostkey.Equal(k, again))
	}

	for name, key := range map[string]any{
		"nil":                nil,
		"private key":        seed,
		"short Ed25519":      ed25519.PublicKey{1},
		"nil ECDSA":          (*ecdsa.PublicKey)(nil),
		"empty ECDSA":        &ecdsa.PublicKey{},
		"ECDSA without X, Y": &ecdsa.PublicKey{Curve: elliptic.P256()},
		"ECDSA on P-224":     &ecdsa.PublicKey{Curve: elliptic.P224()},
		"nil RSA":            (*rsa.PublicKey)(nil),
		"empty RSA":          &rsa.PublicKey{},
		"short RSA":          &rsa.PublicKey{N: ones(1024), E: 3},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := hostkey.NewPublicKey(key)
			require.Error(t, err)
			require.Nil(t, k)
		})
	}
}

func TestEqual(t *testing.T) {
	a, b := testkeys.Ed25519().PublicKey(), testkeys.Ed25519Other().PublicKey()
	require.True(t, hostkey.Equal(a, a))
	require.False(t, hostkey.Equal(a, b))
	require.False(t, hostkey.Equal(a, nil))
	require.False(t, hostkey.Equal(nil, a))
	require.False(t, hostkey.Equal(nil, nil), "no key is no match")
}

func TestAlgorithmTable(t *testing.T) {
	require.Equal(t, []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
		"rsa-sha2-512", "rsa-sha2-256"}, hostkey.Default())
	require.Equal(t, []string{"ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
		"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"}, hostkey.Optional())
	require.Equal(t, []string{"ssh-rsa", "ssh-dss", "ssh-rsa-cert-v01@openssh.com", "ssh-dss-cert-v01@openssh.com"}, hostkey.Insecure())
	for _, name := range append(hostkey.Default(), hostkey.Optional()...) {
		require.Contains(t, hostkey.Algorithms(hostkey.KeyType(name)), name)
	}
	for _, name := range hostkey.Insecure() {
		require.NotContains(t, hostkey.Algorithms(hostkey.KeyType(name)), name, "nobody asked for it")
	}
	require.Equal(t, "ssh-rsa", hostkey.KeyType("rsa-sha2-256"))
	require.Equal(t, "ecdsa-sha2-nistp384", hostkey.KeyType("ecdsa-sha2-nistp384"))
	require.Equal(t, "ssh-rsa", hostkey.KeyType("ssh-rsa"))
	require.Equal(t, "ssh-rsa-cert-v01@openssh.com", hostkey.KeyType("rsa-sha2-512-cert-v01@openssh.com"))
	require.Equal(t, "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", hostkey.KeyType("webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"))
	for _, name := range []string{"", "ssh-ed448", "-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com@openssh.com", "ssh-ed25519@openssh.com"} {
		require.Empty(t, hostkey.KeyType(name), name)
	}
	require.Nil(t, hostkey.Algorithms("ssh-dss"))

	hostkey.Default()[0] = "changed" // by its owner
	require.Equal(t, "ssh-ed25519", hostkey.Default()[0])
}

func TestPreferKeys(t *testing.T) {
	keys := []hostkey.PublicKey{testkeys.RSA2048().PublicKey(), testkeys.ECDSA521().PublicKey()}
	require.Equal(t, []string{"ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
		"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"},
		hostkey.PreferKeys(keys))
	require.Equal(t, hostkey.Default(), hostkey.PreferKeys(nil))
}

func TestSignersAgree(t *testing.T) {
	for _, s := range testkeys.All() {
		require.Equal(t, hostkey.Algorithms(s.PublicKey().Type()), s.Algorithms())
	}
}
