package sntrup761

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9941, section 3: the sizes.
func TestSizes(t *testing.T) {
	require.Equal(t, 1158, PublicKeySize)
	require.Equal(t, 1763, PrivateKeySize)
	require.Equal(t, 1039, CiphertextSize)
	require.Equal(t, 32, SharedSecretSize)
	k := GenerateKey()
	require.Len(t, k.PublicKey(), PublicKeySize)
	shared, ciphertext, err := Encapsulate(k.PublicKey())
	require.NoError(t, err)
	require.Len(t, ciphertext, CiphertextSize)
	require.Len(t, shared, SharedSecretSize)
}

func TestAgreement(t *testing.T) {
	seen := make(map[string]bool)
	fresh := func(b []byte) {
		require.False(t, seen[string(b)])
		seen[string(b)] = true
	}
	for range 20 {
		k := GenerateKey()
		fresh(k.PublicKey())
		for range 5 {
			shared, ciphertext, err := Encapsulate(k.PublicKey())
			require.NoError(t, err)
			fresh(shared)
			fresh(ciphertext)
			opened, err := k.Decapsulate(ciphertext)
			require.NoError(t, err)
			require.Equal(t, shared, opened)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	k := GenerateKey()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			shared, ciphertext, err := Encapsulate(k.PublicKey())
			opened, err2 := k.Decapsulate(ciphertext)
			if err != nil || err2 != nil || !bytes.Equal(shared, opened) {
				t.Error(err, err2)
			}
		})
	}
	group.Wait()
}

// D8: any other length is an error.
func TestLengths(t *testing.T) {
	k := GenerateKey()
	public := k.PublicKey()
	_, ciphertext, err := Encapsulate(public)
	require.NoError(t, err)
	for _, n := range []int{0, 1, 32, PublicKeySize - 1, PublicKeySize + 1, 1 << 20} {
		shared, ciphertext, err := Encapsulate(resized(public, n))
		require.ErrorContains(t, err, "sntrup761: public key is ")
		require.Nil(t, shared)
		require.Nil(t, ciphertext)
	}
	for _, n := range []int{0, 1, 32, CiphertextSize - 1, CiphertextSize + 1, 1 << 20} {
		shared, err := k.Decapsulate(resized(ciphertext, n))
		require.ErrorContains(t, err, "sntrup761: ciphertext is ")
		require.Nil(t, shared)
	}
}

func resized(b []byte, n int) []byte {
	resized := make([]byte, n)
	copy(resized, b)
	return resized
}

// rejection is what Decap gives for a ciphertext that is not one.
func rejection(k *PrivateKey, ciphertext []byte) []byte {
	once := sha512.Sum512(append([]byte{3}, k.rho()...))
	sum := sha512.Sum512(slices.Concat([]byte{0}, once[:32], ciphertext))
	return sum[:32]
}

// D8: a ciphertext that was altered anywhere, or is anything at all, gives the
// secret that only rho leads to.
func TestImplicitRejection(t *testing.T) {
	k := GenerateKey()
	_, ciphertext, err := Encapsulate(k.PublicKey())
	require.NoError(t, err)
	rejected := func(wrong []byte, detail any) {
		t.Helper()
		shared, err := k.Decapsulate(wrong)
		require.NoError(t, err, detail)
		require.Equal(t, rejection(k, wrong), shared, detail)
	}
	for i := 0; i < CiphertextSize; i += 7 {
		wrong := bytes.Clone(ciphertext)
		wrong[i] ^= 1 << (i % 8)
		rejected(wrong, i)
	}
	last := bytes.Clone(ciphertext)
	last[CiphertextSize-1] ^= 0x80
	rejected(last, "last bit")
	for _, b := range []byte{0, 1, 0x55, 0xaa, 0xff} {
		rejected(bytes.Repeat([]byte{b}, CiphertextSize), b)
	}
	for range 20 {
		wrong := make([]byte, CiphertextSize)
		rand.Read(wrong)
		rejected(wrong, "random")
	}
	_, foreign, err := Encapsulate(GenerateKey().PublicKey())
	require.NoError(t, err)
	rejected(foreign, "for another key")
}

// D8: whatever 1158 bytes are a public key.
func TestAnyPublicKey(t *testing.T) {
	public := make([]byte, PublicKeySize)
	for i := range 40 {
		if i < 4 {
			copy(public, bytes.Repeat([]byte{byte(i * 85)}, PublicKeySize))
		} else {
			rand.Read(public)
		}
		_, ciphertext, err := Encapsulate(public)
		require.NoError(t, err)
		require.Len(t, ciphertext, CiphertextSize)
	}
}

// A g without an inverse is followed by another one.
func TestKeyGenerationTriesAgain(t *testing.T) {
	calls := 0
	k := generateKey(func(b []byte) {
		rand.Read(b)
		if calls++; calls <= 2 {
			for i := range b { // each number is 2^29, which is a coefficient of 0
				b[i] = byte(i%4/3) << 5
			}
		}
	})
	require.Equal(t, 5, calls)
	shared, ciphertext, err := Encapsulate(k.PublicKey())
	require.NoError(t, err)
	opened, err := k.Decapsulate(ciphertext)
	require.NoError(t, err)
	require.Equal(t, shared, opened)
}

func TestArgumentsAndResultsAreTheCallers(t *testing.T) {
	k := GenerateKey()
	public := k.PublicKey()
	shared, ciphertext, err := Encapsulate(public)
	require.NoError(t, err)
	require.Equal(t, k.publicKey(), public)
	before := *k
	saved := bytes.Clone(ciphertext)
	opened, err := k.Decapsulate(ciphertext)
	require.NoError(t, err)
	require.Equal(t, shared, opened)
	require.Equal(t, saved, ciphertext)
	clear(public)
	clear(opened)
	require.Equal(t, before, *k)
	again, err := k.Decapsulate(ciphertext)
	require.NoError(t, err)
	require.Equal(t, shared, again)
}

// The results, and what random bytes are read into.
func TestAllocations(t *testing.T) {
	k := GenerateKey()
	public := k.PublicKey()
	_, ciphertext, err := Encapsulate(public)
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { Encapsulate(public) }), 4.0)
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { k.Decapsulate(ciphertext) }), 3.0)
}
