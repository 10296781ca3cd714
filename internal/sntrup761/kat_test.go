package sntrup761

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A drbg is the generator of NIST's PQCgenKAT (rng.c): CTR_DRBG of SP 800-90A
// with AES-256, no derivation function and no personalization.
type drbg struct {
	block   cipher.Block
	counter [aes.BlockSize]byte
}

func newDRBG(seed [48]byte) *drbg {
	d := new(drbg)
	d.key([32]byte{})
	d.update(seed)
	return d
}

func (d *drbg) key(key [32]byte) { d.block, _ = aes.NewCipher(key[:]) }

func (d *drbg) next(b []byte) {
	for i := len(d.counter) - 1; i >= 0; i-- {
		d.counter[i]++
		if d.counter[i] != 0 {
			break
		}
	}
	d.block.Encrypt(b, d.counter[:])
}

func (d *drbg) update(data [48]byte) {
	var b [48]byte
	for i := 0; i < len(b); i += aes.BlockSize {
		d.next(b[i:])
	}
	for i, x := range data {
		b[i] ^= x
	}
	d.key([32]byte(b[:32]))
	d.counter = [aes.BlockSize]byte(b[32:])
}

// read is randombytes.
func (d *drbg) read(b []byte) {
	var block [aes.BlockSize]byte
	for len(b) > 0 {
		d.next(block[:])
		b = b[copy(b, block[:]):]
	}
	d.update([48]byte{})
}

// A draw is how an implementation takes the random bytes of a polynomial from
// its generator, which goes on to another state after each call. The bytes mean
// the same to all, so they understand each other; but their known answers
// differ.
type draw func(d *drbg, b []byte)

// byNumber is the way of the submission to NIST, and of OpenSSH: four bytes
// for each number (urandom32). rho comes in one call in either way.
func byNumber(d *drbg, b []byte) {
	if len(b) != randomSize {
		d.read(b)
		return
	}
	for i := 0; i < len(b); i += 4 {
		d.read(b[i : i+4])
	}
}

// byPolynomial is the way of SUPERCOP from 2021 on, of PQClean and liboqs, and
// of this package.
func byPolynomial(d *drbg, b []byte) { d.read(b) }

// answer returns an entry of a file of known answers.
func answer(t *testing.T, count int, seed [48]byte, take draw) string {
	t.Helper()
	d := newDRBG(seed)
	random := func(b []byte) { take(d, b) }
	k := generateKey(random)
	shared, ciphertext, err := encapsulate(k.PublicKey(), random)
	require.NoError(t, err)
	opened, err := k.Decapsulate(ciphertext)
	require.NoError(t, err)
	require.Equal(t, shared, opened)
	return fmt.Sprintf("count = %d\nseed = %X\npk = %X\nsk = %X\nct = %X\nss = %X\n",
		count, seed, k.PublicKey(), k.bytes, ciphertext, shared)
}

// seeds are those of PQCgenKAT_kem.c.
func seeds(count int) (seeds [][48]byte) {
	var master [48]byte
	for i := range master {
		master[i] = byte(i)
	}
	d := newDRBG(master)
	for range count {
		var seed [48]byte
		d.read(seed[:])
		seeds = append(seeds, seed)
	}
	return seeds
}

// The submission's own answers.
func TestKnownAnswersOfTheSubmission(t *testing.T) {
	file, err := os.ReadFile("testdata/kat_kem.rsp")
	require.NoError(t, err)
	_, want, found := strings.Cut(string(file), "\n\n")
	require.True(t, found)
	got := ""
	for count, seed := range seeds(2) {
		got += answer(t, count, seed, byNumber) + "\n"
	}
	require.Equal(t, want, got)
}

// All hundred answers, by their digests in liboqs (tests/KATs/kem/kats.json,
// "sntrup761": "single", which PQClean's META.yml has too, and "all").
func TestKnownAnswersOfSUPERCOP(t *testing.T) {
	const (
		single = "afc42c3a5b10f4ef69654250097ebda9b9564570f4086744b24a6daf2bd1f89a"
		all    = "36e1e53d4e6e295e8fb804449958ad9a3719aa350e91933c65791b9117382d57"
	)
	var answers []string
	for count, seed := range seeds(100) {
		answers = append(answers, answer(t, count, seed, byPolynomial))
	}
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	require.Equal(t, single, digest(answers[0]))
	require.Equal(t, all, digest(strings.Join(answers, "\n")))
}
