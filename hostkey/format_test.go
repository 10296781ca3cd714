package hostkey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A toyKey has one number, and anybody can sign for it.
type toyKey struct{ keyType, number string }

func (k toyKey) Type() string    { return k.keyType }
func (k toyKey) Marshal() []byte { return blob(k.keyType, k.number) }
func (k toyKey) Verify(data []byte, sig *hostkey.Signature) error {
	if string(sig.Blob) != k.number+string(data) {
		return hostkey.ErrSignature
	}
	return nil
}

const toyName = "toy@whelk"

func toyFormat(parse func(r *wire.Reader) (hostkey.PublicKey, error)) hostkey.Format {
	return hostkey.Format{Name: toyName, Parse: parse}
}

func parseToy(r *wire.Reader) (hostkey.PublicKey, error) { return toyKey{toyName, r.Text()}, nil }

func TestFormat(t *testing.T) {
	f := toyFormat(parseToy)
	k, err := hostkey.ParsePublicKey(blob(toyName, "1"), f)
	require.NoError(t, err)
	require.Equal(t, toyKey{toyName, "1"}, k)
	require.NoError(t, hostkey.Verify(k, toyName, []byte("x"), &hostkey.Signature{Algorithm: toyName, Blob: []byte("1x")}))
	for _, algorithm := range append(hostkey.Default(), "", toyName+"x", "toy", hostkey.CertificateName(toyName)) {
		var wrong *hostkey.AlgorithmError
		require.ErrorAs(t, hostkey.Verify(k, algorithm, []byte("x"), &hostkey.Signature{Algorithm: algorithm, Blob: []byte("1x")}), &wrong, "G6")
		require.ErrorAs(t, hostkey.Verify(k, toyName, []byte("x"), &hostkey.Signature{Algorithm: algorithm, Blob: []byte("1x")}), &wrong, "G6")
	}
	_, err = hostkey.ParsePublicKey(blob(toyName, "1"))
	var unknown *hostkey.UnknownKeyTypeError
	require.ErrorAs(t, err, &unknown)
	_, err = hostkey.ParsePublicKey(blob(toyName, "1"), hostkey.Format{}, hostkey.Format{Name: toyName})
	require.ErrorAs(t, err, &unknown, "a format without a function is none")
	_, err = hostkey.ParsePublicKey(blob(toyName, "1", "2"), f)
	require.ErrorContains(t, err, "trailing")
	_, err = hostkey.ParsePublicKey(blob(toyName), f)
	require.ErrorContains(t, err, "truncated")
}

// A format that does not keep its promises makes no key.
func TestFormatMisbehaves(t *testing.T) {
	for name, parse := range map[string]func(*wire.Reader) (hostkey.PublicKey, error){
		"no key":        func(*wire.Reader) (hostkey.PublicKey, error) { return nil, nil },
		"another key":   func(r *wire.Reader) (hostkey.PublicKey, error) { return toyKey{"ssh-ed25519", r.Text()}, nil },
		"an error":      func(r *wire.Reader) (hostkey.PublicKey, error) { return parseFails(r) },
		"other content": func(r *wire.Reader) (hostkey.PublicKey, error) { r.Text(); return toyKey{toyName, "2"}, nil },
	} {
		k, err := hostkey.ParsePublicKey(blob(toyName, "1"), toyFormat(parse))
		require.Error(t, err, name)
		require.Nil(t, k, name)
	}
}

func parseFails(r *wire.Reader) (hostkey.PublicKey, error) {
	return toyKey{toyName, r.Text()}, errors.New("no")
}

// The formats of the package are not to be replaced.
func TestFormatOfTheSameName(t *testing.T) {
	own := testkeys.Ed25519().PublicKey()
	k, err := hostkey.ParsePublicKey(own.Marshal(), hostkey.Format{Name: hostkey.Ed25519, Parse: parseFails})
	require.NoError(t, err)
	require.Equal(t, own, k)
}

func TestFormatInCertificate(t *testing.T) {
	f := toyFormat(parseToy)
	c := &hostkey.Certificate{Key: toyKey{toyName, "1"}, Kind: hostkey.HostCertificate}
	require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519()))
	require.Equal(t, "toy@whelk-cert-v01@openssh.com", c.Type())
	k, err := hostkey.ParsePublicKey(c.Marshal(), f)
	require.NoError(t, err)
	require.Equal(t, c.Key, k.(*hostkey.Certificate).Key)
	sig := &hostkey.Signature{Algorithm: toyName, Blob: []byte("1x")}
	require.NoError(t, hostkey.Verify(k, c.Type(), []byte("x"), sig))
	require.Error(t, hostkey.Verify(k, toyName, []byte("x"), sig))
	_, err = hostkey.ParsePublicKey(c.Marshal())
	require.Error(t, err)
}

// A file holds keys of formats that nobody here knows: they are compared.
func TestKeysOfUnknownFormatInFiles(t *testing.T) {
	line := hostkey.MarshalAuthorizedKey(toyKey{toyName, "1"}, "")
	k, err := hostkey.ParseAuthorizedKey(append([]byte("restrict "), line...))
	require.NoError(t, err)
	require.Equal(t, toyName, k.Key.Type())
	require.Equal(t, []string{"restrict"}, k.Unsupported())
	require.True(t, hostkey.Equal(k.Key, toyKey{toyName, "1"}))
	require.False(t, hostkey.Equal(k.Key, toyKey{toyName, "2"}))
	var unknown *hostkey.UnknownKeyTypeError
	require.ErrorAs(t, k.Key.Verify([]byte("x"), &hostkey.Signature{Algorithm: toyName, Blob: []byte("1x")}), &unknown, "it verifies nothing")
	clear(k.Key.Marshal())
	require.Equal(t, line, hostkey.MarshalAuthorizedKey(k.Key, ""))
	require.Equal(t, append([]string{toyName}, hostkey.Default()...), hostkey.PreferKeys([]hostkey.PublicKey{k.Key, k.Key}))

	for name, bad := range map[string]toyKey{
		"control character": {"toy\x1b", "1"}, "comma": {"toy,toy", "1"}, "not ASCII": {"t\u00f6y", "1"},
		"65 characters": {strings.Repeat("x", 65), "1"}, "no name": {"", "1"},
		"certificate": {"toy-cert-v01@openssh.com", "1"}, "algorithm that is no format": {"rsa-sha2-256", "1"},
	} {
		_, err := hostkey.ParseAuthorizedKey(hostkey.MarshalAuthorizedKey(bad, ""))
		require.Error(t, err, name)
	}
}

// G8: keys for which anybody can sign, or that are another encoding of a key.
func TestG8Ed25519SmallOrder(t *testing.T) {
	for name, text := range map[string]string{
		"order 1":                    "0100000000000000000000000000000000000000000000000000000000000000",
		"order 1, sign set":          "0100000000000000000000000000000000000000000000000000000000000080",
		"order 2":                    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4":                    "0000000000000000000000000000000000000000000000000000000000000000",
		"order 4, sign set":          "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8":                    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8, sign set":          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"order 8, the other":         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"order 8, other, sign set":   "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"RFC 8032 5.1.3: y of p":     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"RFC 8032 5.1.3: y of p + 1": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"RFC 8032 5.1.3: y of p + 2": "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"RFC 8032 5.1.3: all ones":   "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range [][]byte{
				blob(hostkey.Ed25519, string(unhex(t, text))), blob(hostkey.SKEd25519, string(unhex(t, text)), "ssh:"),
			} {
				_, err := hostkey.ParsePublicKey(p)
				require.ErrorContains(t, err, "anybody can sign for it")
			}
		})
	}
	// The neighbours are keys like others.
	for _, text := range []string{
		"0200000000000000000000000000000000000000000000000000000000000000",
		"ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		_, err := hostkey.ParsePublicKey(blob(hostkey.Ed25519, string(unhex(t, text))))
		require.NoError(t, err)
	}
}
