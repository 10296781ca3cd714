package fuzz_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// keyFiles are encrypted private key files that other programs wrote; their
// passphrase is "a passphrase".
func keyFiles(f *testing.F, pattern string) (files [][]byte) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("..", "hostkey", "testdata", "keyfiles", pattern))
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		file, err := os.ReadFile(name)
		require.NoError(f, err)
		files = append(files, file)
	}
	return files
}

// tryKeyFile parses a file without a passphrase, and with one unless that would
// take long; what is accepted signs.
func tryKeyFile(t *testing.T, file []byte) {
	k, err := hostkey.ParsePrivateKeyFile(file, nil)
	if err == nil {
		requireSigns(t, k)
		return
	}
	require.Nil(t, k)
	require.True(t, strings.HasPrefix(err.Error(), "hostkey: "), err.Error())
	if isCheap(file) {
		if k, err = hostkey.ParsePrivateKeyFile(file, []byte("a passphrase")); err == nil {
			requireSigns(t, k)
		}
	}
}

func requireSigns(t *testing.T, k *hostkey.PrivateKey) {
	if k.Key == nil {
		_, err := k.Sign(t.Context(), k.Algorithms()[0], nil)
		require.Error(t, err)
		return
	}
	sig, err := k.Sign(t.Context(), k.Algorithms()[0], []byte("data"))
	require.NoError(t, err)
	require.NoError(t, k.PublicKey().Verify([]byte("data"), sig))
}

// isCheap reports whether a guess at the passphrase takes no more than
// milliseconds, which of PKCS#8 is not known before.
func isCheap(file []byte) bool {
	return bytes.Contains(file, []byte("DEK-Info")) || bytes.HasPrefix(file, []byte("PuTTY-User-Key-File-2"))
}

func FuzzEncryptedPEM(f *testing.F) {
	for _, file := range keyFiles(f, "*.pem") {
		f.Add(file)
	}
	f.Fuzz(tryKeyFile)
}

func FuzzPPK(f *testing.F) {
	for _, file := range keyFiles(f, "*.ppk") {
		f.Add(file)
		f.Add(bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")))
	}
	f.Fuzz(tryKeyFile)
}

// FuzzEncryptedContent is FuzzEncryptedPEM behind base64, for each label there
// is.
func FuzzEncryptedContent(f *testing.F) {
	for _, file := range keyFiles(f, "*.pem") {
		block, _ := pem.Decode(file)
		f.Add(block.Type, block.Headers["DEK-Info"], block.Bytes)
	}
	f.Fuzz(func(t *testing.T, label, dek string, content []byte) {
		block := &pem.Block{Type: label, Bytes: content}
		if dek != "" {
			block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": dek}
		}
		if file := pem.EncodeToMemory(block); file != nil {
			tryKeyFile(t, file)
		}
	})
}

// A private key that is read can be written again, and is the same then.
func FuzzReadPrivateKey(f *testing.F) {
	for _, name := range keyNames {
		k, err := hostkey.ParsePrivateKeyFile(testkeys.PEM(name), nil)
		require.NoError(f, err)
		b, err := hostkey.AppendPrivateKey(nil, k.Key)
		require.NoError(f, err)
		f.Add(append(b, "comment"...))
	}
	f.Add(append(testkeys.SKEd25519().Blob(), "\x01\x00\x00\x00\x01h\x00\x00\x00\x00"...))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := wire.NewReader(content)
		k, err := hostkey.ReadPrivateKey(&r)
		if err != nil {
			require.Nil(t, k)
			return
		}
		if k.Key == nil {
			return
		}
		b, err := hostkey.AppendPrivateKey(nil, k.Key)
		require.NoError(t, err)
		again := wire.NewReader(b)
		other, err := hostkey.ReadPrivateKey(&again)
		require.NoError(t, err)
		require.NoError(t, again.End())
		require.True(t, hostkey.Equal(k.PublicKey(), other.PublicKey()))
	})
}

// What is accepted can be written, in lines that are not too long, and read
// back.
func FuzzRFC4716(f *testing.F) {
	for _, s := range testkeys.All() {
		f.Add(hostkey.MarshalRFC4716(s.PublicKey(), "a comment"))
	}
	f.Add([]byte("---- BEGIN SSH2 PUBLIC KEY ----\nComment: a\\\nb\nx: y\nAAAA\n---- END SSH2 PUBLIC KEY ----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		k, comment, err := hostkey.ParseRFC4716(file)
		if err != nil {
			require.Nil(t, k)
			return
		}
		again := hostkey.MarshalRFC4716(k, comment)
		for line := range bytes.Lines(again) {
			require.LessOrEqual(t, len(line), 73)
		}
		other, _, err := hostkey.ParseRFC4716(again)
		require.NoError(t, err)
		require.True(t, hostkey.Equal(k, other))
	})
}

func FuzzCertificateFile(f *testing.F) {
	c := &hostkey.Certificate{Key: testkeys.ECDSA256().PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"h"}}
	require.NoError(f, c.Certify(f.Context(), testkeys.Ed25519()))
	f.Add(hostkey.MarshalAuthorizedKey(c, "a comment"))
	f.Add(append([]byte("# hello\n\n"), hostkey.MarshalAuthorizedKey(c, "")...))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, comment, err := hostkey.ParseCertificateFile(file)
		if err != nil {
			require.Nil(t, c)
			return
		}
		require.NoError(t, c.CheckSignature())
		again, _, err := hostkey.ParseCertificateFile(hostkey.MarshalAuthorizedKey(c, comment))
		require.NoError(t, err)
		require.True(t, hostkey.Equal(c, again))
	})
}
