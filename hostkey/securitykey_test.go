package hostkey_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func authenticators() map[string]func() *testkeys.Authenticator {
	return map[string]func() *testkeys.Authenticator{
		hostkey.SKEd25519: testkeys.SKEd25519, hostkey.SKECDSA256: testkeys.SKECDSA256, hostkey.WebAuthnECDSA256: testkeys.SKECDSA256,
	}
}

func signSK(t *testing.T, a *testkeys.Authenticator, algorithm string, data []byte) *hostkey.Signature {
	t.Helper()
	sig, err := a.Sign(t.Context(), algorithm, data)
	require.NoError(t, err)
	return sig
}

func TestSecurityKey(t *testing.T) {
	data := []byte("the session")
	for algorithm, make := range authenticators() {
		t.Run(algorithm, func(t *testing.T) {
			a := make()
			k := a.PublicKey()
			require.Equal(t, hostkey.KeyType(algorithm), k.Type())
			require.Equal(t, a.Blob(), k.Marshal())
			require.Equal(t, "ssh:", k.(*hostkey.SecurityKey).Application())
			require.Contains(t, hostkey.Algorithms(k.Type()), algorithm)

			sig := signSK(t, a, algorithm, data)
			parsed, err := hostkey.ParseSignature(sig.Append(nil))
			require.NoError(t, err)
			require.NoError(t, k.Verify(data, parsed))
			require.NoError(t, hostkey.Verify(k, algorithm, data, parsed))
			flags, counter, ok := parsed.Authenticator()
			require.True(t, ok)
			require.Equal(t, hostkey.UserPresent, flags)
			require.EqualValues(t, 7, counter)

			require.ErrorIs(t, k.Verify([]byte("another session"), sig), hostkey.ErrSignature)
			require.ErrorIs(t, k.Verify(data, nil), hostkey.ErrSignature)
			for i := range sig.Blob {
				sig.Blob[i] ^= 0x40
				require.ErrorIs(t, k.Verify(data, sig), hostkey.ErrSignature, "byte %d of the blob changed", i)
				sig.Blob[i] ^= 0x40
			}
			for i := range sig.Rest {
				sig.Rest[i] ^= 0x40
				require.ErrorIs(t, k.Verify(data, sig), hostkey.ErrSignature, "byte %d of the rest changed", i)
				sig.Rest[i] ^= 0x40
			}
		})
	}
}

func TestSecurityKeyFormless(t *testing.T) {
	for algorithm, make := range authenticators() {
		t.Run(algorithm, func(t *testing.T) {
			a := make()
			sig := signSK(t, a, algorithm, nil)
			for n := range sig.Rest {
				cut := &hostkey.Signature{Algorithm: algorithm, Blob: sig.Blob, Rest: sig.Rest[:n]}
				require.ErrorIs(t, a.PublicKey().Verify(nil, cut), hostkey.ErrSignature, "cut at %d", n)
				_, _, ok := cut.Authenticator()
				require.False(t, ok)
			}
			sig.Rest = append(sig.Rest, 0)
			require.ErrorIs(t, a.PublicKey().Verify(nil, sig), hostkey.ErrSignature, "trailing byte")
			blob := a.Blob()
			for n := range blob {
				_, err := hostkey.ParsePublicKey(blob[:n])
				require.Error(t, err, "cut at %d", n)
			}
			_, err := hostkey.ParsePublicKey(append(blob, 0))
			require.Error(t, err)
		})
	}
	_, _, ok := (&hostkey.Signature{Algorithm: "ssh-ed25519", Rest: []byte{1, 0, 0, 0, 1}}).Authenticator()
	require.False(t, ok, "a plain key proves no touch")
}

// G12, CVE-2026-39831: a signature that nobody was there for.
func TestG12Presence(t *testing.T) {
	const present, verified = hostkey.UserPresent, hostkey.UserVerified
	data := []byte("data")
	for algorithm, make := range authenticators() {
		for _, test := range []struct {
			name     string
			flags    hostkey.Flags
			required hostkey.Flags
			missing  hostkey.Flags
		}{
			{"nothing", 0, present, present},
			{"no-touch-required", 0, 0, 0},
			{"touched though it need not", present, 0, 0},
			{"verified without a touch", verified, present, present},
			{"verified too", present | verified, present, 0},
			{"verify-required", present, present | verified, verified},
			{"verify-required, nothing", 0, present | verified, present | verified},
			{"verify-required, and is", present | verified, present | verified, 0},
			{"other flags are no touch", 0x3a, present, present},
			{"other flags are not required", present, present | 0x20, 0},
		} {
			t.Run(algorithm+" "+test.name, func(t *testing.T) {
				a := make()
				a.Flags = test.flags
				sig := signSK(t, a, algorithm, data)
				k := hostkey.Require(a.PublicKey(), test.required)
				require.True(t, hostkey.Equal(k, a.PublicKey()))
				for _, err := range []error{k.Verify(data, sig), hostkey.Verify(k, algorithm, data, sig)} {
					if test.missing == 0 {
						require.NoError(t, err)
						continue
					}
					var absent *hostkey.PresenceError
					require.ErrorAs(t, err, &absent)
					require.Equal(t, test.missing, absent.Missing)
					require.ErrorContains(t, err, test.missing.String())
				}
				// The flag is signed: it cannot be put there afterwards.
				if test.flags&present == 0 {
					sig.Rest[0] |= byte(present)
					require.ErrorIs(t, a.PublicKey().Verify(data, sig), hostkey.ErrSignature)
				}
			})
		}
		a := make()
		a.Flags = 0
		require.Error(t, a.PublicKey().Verify(data, signSK(t, a, algorithm, data)), "as parsed, a key requires a touch")
	}
	require.Equal(t, "none", hostkey.Flags(0).String())
	require.Equal(t, "user presence and user verification", (present | verified).String())
}

// G12: a signature for another application, such as a web site, is none.
func TestG12Application(t *testing.T) {
	for algorithm, make := range authenticators() {
		a, site := make(), make()
		site.Application = "example.com"
		require.NotEqual(t, a.Blob(), site.Blob())
		require.ErrorIs(t, a.PublicKey().Verify(nil, signSK(t, site, algorithm, nil)), hostkey.ErrSignature, algorithm)
		a.Application = "ssh:\x00"
		_, err := hostkey.ParsePublicKey(a.Blob())
		var bad *hostkey.KeyFormatError
		require.ErrorAs(t, err, &bad)
	}
}

// G6: a security key signs with its own algorithms, and what it signs is
// nothing to the plain key in it, nor the other way round.
func TestG6SecurityKeyAlgorithms(t *testing.T) {
	data := []byte("data")
	ed, ec := testkeys.SKEd25519(), testkeys.SKECDSA256()
	names := append(append(append(hostkey.Default(), hostkey.Optional()...), hostkey.Insecure()...), "", "sk-ssh-ed25519")
	for made, a := range map[string]*testkeys.Authenticator{hostkey.SKEd25519: ed, hostkey.SKECDSA256: ec, hostkey.WebAuthnECDSA256: ec} {
		sig := signSK(t, a, made, data)
		for _, claimed := range names {
			for _, asked := range names {
				claim := &hostkey.Signature{Algorithm: claimed, Blob: sig.Blob, Rest: sig.Rest}
				for _, k := range []hostkey.PublicKey{ed.PublicKey(), ec.PublicKey(), testkeys.Ed25519().PublicKey(), testkeys.ECDSA256().PublicKey()} {
					err := hostkey.Verify(k, asked, data, claim)
					if made == claimed && made == asked && hostkey.Equal(k, a.PublicKey()) {
						require.NoError(t, err)
					} else {
						require.Error(t, err, "made by %s, claimed %q, asked for %q, verified by %s", made, claimed, asked, k.Type())
					}
				}
			}
		}
	}
}

// G7: the numbers of an ECDSA signature are in their range, and in their one
// encoding.
func TestG7SecurityKeyNumbers(t *testing.T) {
	a := testkeys.SKECDSA256()
	k := a.PublicKey()
	sig := signSK(t, a, hostkey.SKECDSA256, nil)
	r := wire.NewReader(sig.Blob)
	rr, ss := r.MPInt(), r.MPInt()
	order := elliptic.P256().Params().N
	pair := func(r, s *big.Int) []byte { return wire.AppendMPInt(wire.AppendMPInt(nil, r), s) }
	for name, blob := range map[string][]byte{
		"r of 0":        pair(new(big.Int), ss),
		"s of 0":        pair(rr, new(big.Int)),
		"r of n":        pair(order, ss),
		"s of n":        pair(rr, order),
		"r + n":         pair(new(big.Int).Add(rr, order), ss),
		"s + n":         pair(rr, new(big.Int).Add(ss, order)),
		"-s":            pair(rr, new(big.Int).Neg(ss)),
		"trailing byte": append(bytes.Clone(sig.Blob), 0),
		"padded r":      append(binary.BigEndian.AppendUint32(nil, 34), append(make([]byte, 34-len(rr.Bytes())), append(rr.Bytes(), wire.AppendMPInt(nil, ss)...)...)...),
		"nothing":       nil,
	} {
		require.ErrorIs(t, k.Verify(nil, &hostkey.Signature{Algorithm: sig.Algorithm, Blob: blob, Rest: sig.Rest}), hostkey.ErrSignature, name)
	}
}

// G5, CVE-2026-35387: a security key on another curve than its format says.
func TestG5SecurityKeyCurve(t *testing.T) {
	p384 := testkeys.ECDSA384().PublicKey().Marshal()
	r := wire.NewReader(p384)
	r.Blob()
	name, point := r.Text(), r.Text()
	own := wire.NewReader(testkeys.SKECDSA256().Blob())
	own.Blob()
	own.Blob()
	for _, p := range [][]byte{
		blob(hostkey.SKECDSA256, name, point, "ssh:"),
		blob(hostkey.SKECDSA256, "nistp256", point, "ssh:"),
		blob(hostkey.SKECDSA256, name, own.Text(), "ssh:"),
		blob("sk-ecdsa-sha2-nistp384@openssh.com", name, point, "ssh:"),
		blob(hostkey.SKEd25519, "short", "ssh:"),
		blob(hostkey.WebAuthnECDSA256, name, point, "ssh:"),
	} {
		_, err := hostkey.ParsePublicKey(p)
		require.Error(t, err)
	}
}

func TestRequireLeavesOtherKeys(t *testing.T) {
	for _, s := range testkeys.All() {
		require.Equal(t, s.PublicKey(), hostkey.Require(s.PublicKey(), 0))
	}
	require.Nil(t, hostkey.Require(nil, 0))
}
