package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// Messages arrive in whatever pieces, and memory is taken as they do.
func TestReceive(t *testing.T) {
	for _, size := range []int{1, 2, firstChunk - 1, firstChunk, firstChunk + 1, 100_000, maxMessage} {
		want := bytes.Repeat([]byte{7}, size)
		p := append(wire.AppendUint32(nil, uint32(size)), want...)
		for name, r := range map[string]io.Reader{
			"whole": bytes.NewReader(p), "halves": iotest.HalfReader(bytes.NewReader(p)), "bytes": iotest.OneByteReader(bytes.NewReader(p)),
		} {
			begun := 0
			got, err := receive(r, func() { begun++ })
			require.NoError(t, err, name)
			require.Equal(t, want, got, name)
			require.Equal(t, 1, begun)
			_, err = receive(r, func() { begun++ })
			require.Equal(t, io.EOF, err)
			require.Equal(t, 1, begun)
		}
		for _, cut := range []int{1, 3, 4, len(p) - 1} {
			_, err := receive(bytes.NewReader(p[:cut]), func() {})
			require.Equal(t, io.ErrUnexpectedEOF, err, "%d of %d", cut, len(p))
		}
	}
	broken := errors.New("broken")
	_, err := receive(iotest.ErrReader(broken), func() {})
	require.Equal(t, broken, err)
	_, err = receive(io.MultiReader(bytes.NewReader([]byte{0, 0}), iotest.ErrReader(broken)), func() {})
	require.Equal(t, broken, err)
}

// A length is no reason to take memory.
func TestM3LengthsTakeNoMemory(t *testing.T) { // M3: RUSTSEC-2026-0153, CVE-2026-46673
	for _, size := range []uint32{maxMessage, maxMessage + 1, 1 << 31, 1<<32 - 1} {
		t.Run(fmt.Sprintf("M3 CVE-2026-46673/%d", size), func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 100 {
				_, err := receive(bytes.NewReader(wire.AppendUint32(nil, size)), func() {})
				require.Error(t, err)
			}
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100*3*firstChunk))
		})
	}
}

func TestNumbers(t *testing.T) {
	require.Equal(t, "SSH_AGENTC_SIGN_REQUEST", signRequest.String())
	require.Equal(t, "message 0", number(0).String())
	require.Equal(t, "message 255", number(255).String())
}

func TestBindingRoundTrip(t *testing.T) {
	want := Binding{testkeys.Ed25519().PublicKey(), []byte("session"), []byte("signature"), true}
	p := appendBinding(nil, want)
	got, err := parseBinding(p)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for i := range p {
		b, err := parseBinding(p[:i])
		require.Error(t, err)
		require.Nil(t, b.HostKey)
	}
	b, err := parseBinding(append(p, 0))
	require.Error(t, err)
	require.Nil(t, b.HostKey)
}

func TestSigningRoundTrip(t *testing.T) {
	want := signing{[]byte("key"), []byte("data"), 3}
	p := want.append(nil)
	got, err := parseSigning(p)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for i := range p {
		_, err := parseSigning(p[:i])
		require.Error(t, err)
	}
	_, err = parseSigning(append(p, 0))
	require.Error(t, err)
}

// RFC 9987, section 5.6.1.
func TestFlags(t *testing.T) {
	plain := testkeys.RSA2048().PublicKey()
	certificate := certify(t, plain, hostkey.Certificate{})
	for _, test := range []struct {
		key   hostkey.PublicKey
		flags uint32
		want  string
	}{
		{plain, 0, "ssh-rsa"},
		{plain, 2, "rsa-sha2-256"},
		{plain, 4, "rsa-sha2-512"},
		{plain, 6, "rsa-sha2-512"},
		{certificate, 0, "ssh-rsa-cert-v01@openssh.com"},
		{certificate, 2, "rsa-sha2-256-cert-v01@openssh.com"},
		{certificate, 4, "rsa-sha2-512-cert-v01@openssh.com"},
		{plain, 1, ""},
		{plain, 8, ""},
		{plain, 1 << 31, ""},
		{testkeys.Ed25519().PublicKey(), 0, "ssh-ed25519"},
		{testkeys.Ed25519().PublicKey(), 4, "ssh-ed25519"},
		{testkeys.Ed25519().PublicKey(), 8, ""},
	} {
		got, ok := algorithmOf(test.key, test.flags)
		require.Equal(t, test.want, got)
		require.Equal(t, test.want != "", ok)
		if ok && test.flags != 6 && test.key.Type() != hostkey.Ed25519 {
			require.Equal(t, test.flags, flagsOf(got))
		}
	}
}

// A Keyring signs nothing over SHA-1, and nothing with flags it does not know.
func TestSignRefuses(t *testing.T) {
	k := NewKeyring()
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "rsa2048")}))
	c := serve(t, k)
	for _, flags := range []uint32{0, 1, 8, 12} {
		m := signing{testkeys.RSA2048().PublicKey().Marshal(), []byte("data"), flags}
		require.ErrorIs(t, c.do(t.Context(), "x", m.append(frame(signRequest))), ErrRefused, "%d", flags)
	}
}
