package client

import (
	"context"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// In which order keys are tried (mission: those given, with their certificates,
// those of an agent, and those of ~/.ssh), and who signs with them.
func TestIdentityOrder(t *testing.T) {
	dir := directory(t, map[string][]byte{
		"ed": testkeys.PEM("ed25519"), "ed-cert.pub": certificateFile(t, testkeys.Ed25519()),
		"ec": testkeys.PEM("ecdsa256"), "other-cert.pub": certificateFile(t, testkeys.ECDSA256()),
		"half.pub": hostkey.MarshalAuthorizedKey(testkeys.ECDSA384().PublicKey(), ""), "half": []byte("of no use"),
		"public": hostkey.MarshalAuthorizedKey(testkeys.ECDSA521().PublicKey(), ""),
	})
	names := map[string]string{}
	for name, key := range map[string]hostkey.Signer{"ed": testkeys.Ed25519(), "ec": testkeys.ECDSA256(), "half": testkeys.ECDSA384(), "public": testkeys.ECDSA521(), "rsa": testkeys.RSA2048()} {
		names[string(key.PublicKey().Marshal())] = name
		names[string(certified(t, key).PublicKey().Marshal())] = name + " certified"
	}
	at := func(list ...string) (files []IdentityFile) {
		for _, name := range list {
			given := name[0] == '!'
			if given {
				name = name[1:]
			}
			files = append(files, IdentityFile{filepath.Join(dir, name), given})
		}
		return files
	}
	held := func(keys ...hostkey.Signer) func(context.Context) ([]hostkey.Signer, error) {
		return func(context.Context) ([]hostkey.Signer, error) { return keys, nil }
	}
	for _, tt := range []struct {
		name string
		i    Identities
		want []string
	}{
		{"nothing", Identities{}, nil},
		{"files", Identities{Files: at("ec", "ed")}, []string{"ec", "ed certified", "ed"}},
		{"given before the agent's, and usual ones after", Identities{Files: at("ec", "!ed"), Agent: held(testkeys.RSA2048())}, []string{"ed certified", "ed", "rsa", "ec"}},
		{"a certificate that is given", Identities{Files: at("!ed", "!ec"), Certificates: []string{filepath.Join(dir, "other-cert.pub")}}, []string{"ed", "ec certified", "ec"}},
		{"the agent has it too", Identities{Files: at("!ec"), Agent: held(testkeys.RSA2048(), testkeys.ECDSA256())}, []string{"ec", "rsa"}},
		{"only those given", Identities{Files: at("!half", "!public"), Only: true, Agent: held(testkeys.RSA2048(), testkeys.ECDSA521(), testkeys.ECDSA384())}, []string{"half", "public"}},
		{"the agent's certificate of a key given", Identities{Files: at("!ec"), Only: true, Agent: held(certified(t, testkeys.ECDSA256()), testkeys.RSA2048())}, []string{"ec certified", "ec"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signers, err := tt.i.Signers(t.Context())
			require.NoError(t, err)
			var got []string
			for _, s := range signers {
				name := names[string(s.PublicKey().Marshal())]
				if c, ok := s.PublicKey().(*hostkey.Certificate); ok && name == "" {
					name = names[string(c.Key.Marshal())] + " certified"
				}
				got = append(got, name)
				_, err := s.Sign(t.Context(), s.Algorithms()[0], []byte("data"))
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// What is of no use is said, and does not hide the rest.
func TestIdentitiesSkipped(t *testing.T) {
	dir := directory(t, map[string][]byte{"ed": testkeys.PEM("ed25519"), "bad": []byte("x"), "bad-cert.pub": []byte("x")})
	barred := errors.New("barred")
	var skipped []string
	i := Identities{
		Files:        []IdentityFile{{filepath.Join(dir, "ed"), true}, {filepath.Join(dir, "none"), false}, {filepath.Join(dir, "missing"), true}, {filepath.Join(dir, "bad"), false}},
		Certificates: []string{filepath.Join(dir, "bad-cert.pub"), filepath.Join(dir, "no-cert.pub"), dir},
		Agent: func(context.Context) ([]hostkey.Signer, error) {
			return []hostkey.Signer{testkeys.RSA2048()}, os.ErrDeadlineExceeded
		},
		Skipped: func(file IdentityFile, err error) { skipped = append(skipped, filepath.Base(file.Path)) },
		Use: func(key hostkey.Signer, _ IdentityFile) (hostkey.Signer, error) {
			if key.PublicKey().Type() == hostkey.RSA {
				return nil, barred
			}
			return key, nil
		},
	}
	signers, err := i.Signers(t.Context())
	require.Len(t, signers, 1)
	require.Equal(t, []string{"bad-cert.pub", "no-cert.pub", filepath.Base(dir), "none", "missing", "bad", "."}, skipped)
	for _, want := range []error{os.ErrDeadlineExceeded, barred, fs.ErrNotExist} {
		require.ErrorIs(t, err, want)
	}
	require.ErrorContains(t, err, "bad private key")
	require.NotContains(t, err.Error(), filepath.Join(dir, "none"), "what is only usual may be missing")
}

// deviceFile is the file of a key on a device (OpenSSH PROTOCOL.key).
func deviceFile(key *testkeys.Authenticator) []byte {
	public := key.PublicKey().Marshal()
	private := append([]byte("same"+"same"), public...)
	private = append(private, byte(hostkey.UserPresent))
	for _, text := range []string{"a handle", "", "a device"} {
		private = wire.AppendString(private, text)
	}
	for n := byte(1); len(private)%8 != 0; n++ {
		private = append(private, n)
	}
	file := []byte("openssh-key-v1\x00")
	for _, text := range []string{"none", "none", ""} {
		file = wire.AppendString(file, text)
	}
	file = binary.BigEndian.AppendUint32(file, 1)
	file = wire.AppendString(file, public)
	file = wire.AppendString(file, private)
	return pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: file})
}

// A key on a device signs if the agent has it, and otherwise says what to do, for
// the next key to be tried.
func TestIdentityOnDevice(t *testing.T) {
	key := testkeys.SKEd25519()
	dir := directory(t, map[string][]byte{"sk": deviceFile(key)})
	i := Identities{Files: []IdentityFile{{filepath.Join(dir, "sk"), true}}}
	signers, err := i.Signers(t.Context())
	require.NoError(t, err)
	require.Len(t, signers, 1)
	_, err = signers[0].Sign(t.Context(), signers[0].Algorithms()[0], []byte("data"))
	var device *hostkey.DeviceError
	require.ErrorAs(t, err, &device)

	i.Agent = func(context.Context) ([]hostkey.Signer, error) { return []hostkey.Signer{key}, nil }
	signers, err = i.Signers(t.Context())
	require.NoError(t, err)
	require.Len(t, signers, 1)
	_, err = signers[0].Sign(t.Context(), signers[0].Algorithms()[0], []byte("data"))
	require.NoError(t, err)
}
