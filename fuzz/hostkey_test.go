package fuzz_test

import (
	"bytes"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

var keyNames = []string{"ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048"}

// A key that is accepted has one encoding.
func FuzzPublicKey(f *testing.F) {
	for _, s := range testkeys.All() {
		f.Add(s.PublicKey().Marshal())
		c := &hostkey.Certificate{Key: s.PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"h"}}
		require.NoError(f, c.Certify(f.Context(), testkeys.Ed25519()))
		f.Add(c.Marshal())
	}
	f.Add(testkeys.SKEd25519().Blob())
	f.Add(testkeys.SKECDSA256().Blob())
	f.Fuzz(func(t *testing.T, blob []byte) {
		k, err := hostkey.ParsePublicKey(blob)
		if err != nil {
			require.Nil(t, k)
			return
		}
		require.Equal(t, blob, k.Marshal())
		for _, algorithm := range append(hostkey.Algorithms(k.Type()), hostkey.Insecure()...) {
			require.Error(t, k.Verify(blob, &hostkey.Signature{Algorithm: algorithm}))
			require.Error(t, hostkey.Verify(k, algorithm, blob, &hostkey.Signature{Algorithm: algorithm}))
		}
	})
}

// Nobody signs without the key.
func FuzzVerify(f *testing.F) {
	keys := append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256())
	for i, s := range keys {
		for _, algorithm := range s.Algorithms() {
			sig, err := s.Sign(f.Context(), algorithm, []byte("signed"))
			require.NoError(f, err)
			f.Add(uint8(i), []byte("data"), sig.Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, data, encoded []byte) {
		sig, err := hostkey.ParseSignature(encoded)
		if err != nil {
			return
		}
		require.Equal(t, encoded, sig.Append(nil))
		if string(data) != "signed" {
			require.Error(t, keys[int(i)%len(keys)].PublicKey().Verify(data, sig))
		}
	})
}

// A private key that is accepted signs, and has the public half it says.
func FuzzPrivateKey(f *testing.F) {
	for _, name := range keyNames {
		block, _ := pem.Decode(testkeys.PEM(name))
		for _, label := range []string{"OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"} {
			f.Add(label, block.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, label string, content []byte) {
		s, err := hostkey.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: content}), nil)
		if err != nil {
			require.Nil(t, s)
			return
		}
		sig, err := s.Sign(t.Context(), s.Algorithms()[0], content)
		require.NoError(t, err)
		require.NoError(t, s.PublicKey().Verify(content, sig))
	})
}

func FuzzPrivateKeyFile(f *testing.F) {
	for _, name := range keyNames {
		f.Add(testkeys.PEM(name))
	}
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nAA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if s, err := hostkey.ParsePrivateKey(file, nil); err != nil {
			require.Nil(t, s)
		}
	})
}

// A line is a key or an error; what is accepted can be written and read back,
// and no line of the file is taken for two.
func FuzzAuthorizedKeys(f *testing.F) {
	key := hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "comment")
	for _, options := range []string{"", "restrict ", `command="a \"b\" c",no-pty `, `from="*.test,!x" `, "\ufeff", "# "} {
		f.Add(append([]byte(options), key...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		results, last := 0, 0
		for k, err := range hostkey.AuthorizedKeys(bytes.NewReader(file)) {
			results++
			if err != nil {
				require.Nil(t, k)
				continue
			}
			require.Greater(t, k.Line, last)
			last = k.Line
			again, err := hostkey.ParseAuthorizedKey(hostkey.MarshalAuthorizedKey(k.Key, k.Comment))
			require.NoError(t, err)
			require.True(t, hostkey.Equal(k.Key, again.Key))
			require.Equal(t, k.Comment, again.Comment)
			require.Len(t, k.Unsupported(), len(k.Options))
		}
		require.LessOrEqual(t, results, strings.Count(string(file), "\n")+1)
	})
}
