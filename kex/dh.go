package kex

import (
	"crypto/rand"
	"errors"
	"math/big"
	"math/bits"

	"filippo.io/bigmod"

	"github.com/whelk-ssh/whelk/wire"
)

// exponentSize is the number of bytes of a private exponent, twice that of the
// longest key that any cipher is as strong as (RFC 4419, section 6.2), and more
// than twice the strength of any group: that of 8192 bits has about 200 (RFC
// 3526, section 8). In a group of a safe prime nothing is lost by an exponent
// shorter than p.
const exponentSize = 512 / 8

// A dhKey is an ephemeral private exponent in a group. It is used once.
type dhKey struct {
	group
	m *bigmod.Modulus
	x [exponentSize]byte
}

// newKey makes a key and its public value g^x mod p. Of the group it must be
// known that p is odd and that g is less.
//
// Package bigmod is slower than math/big where p has more than 2048 bits, by up
// to three and a half times, but the time that math/big takes and the memory it
// looks at depend on x. That x is used once keeps others from averaging over
// many exchanges; it does not keep a neighbour on the same processor from
// watching one.
func (g group) newKey() (k *dhKey, public *big.Int) {
	m, err := bigmod.NewModulus(g.p.Bytes())
	if err != nil {
		panic("kex: a group without a modulus: " + err.Error())
	}
	k = &dhKey{group: g, m: m}
	rand.Read(k.x[:])
	return k, new(big.Int).SetBytes(k.power(g.g))
}

// power returns y^x mod p in as many bytes as p has, for a y that is less than
// p. Only the sizes of p and x show in the time it takes.
func (k *dhKey) power(y *big.Int) []byte {
	base, err := bigmod.NewNat().SetBytes(y.FillBytes(make([]byte, k.m.Size())), k.m)
	if err != nil {
		panic("kex: a number that is not in the group: " + err.Error())
	}
	return bigmod.NewNat().Exp(base, k.x[:], k.m).Bytes(k.m)
}

// secret returns K = peer^x mod p as an mpint, and clears the exponent. That an
// mpint has no leading zeros tells how many of them K began with to whoever can
// measure it; that helps only against an exponent that is used again.
func (k *dhKey) secret(peer *big.Int) ([]byte, error) {
	defer clear(k.x[:])
	if err := k.checkPublic(peer); err != nil {
		return nil, err
	}
	secret := k.power(peer)
	defer clear(secret)
	mpint := wire.AppendUnsigned(nil, secret)
	if len(mpint) == 4 || len(mpint) == 5 && mpint[4] == 1 {
		// Modulo a safe prime, no value that passes the check gives 0 or 1.
		return nil, errors.New("the secret would be 0 or 1 whatever the exponent")
	}
	return mpint, nil
}

// minPublicBits is how many bits of a public value must be set. With fewer its
// exponent could be found by trying; OpenSSH requires as many.
const minPublicBits = 4

// checkPublic refuses the values that are not in the group, and those whose
// powers anybody can tell.
func (g group) checkPublic(y *big.Int) error {
	if !g.within(y) {
		return errors.New("e or f is not between 2 and p-2") // RFC 8268, section 4
	}
	set := 0
	for _, word := range y.Bits() {
		set += bits.OnesCount(uint(word))
	}
	if set < minPublicBits {
		return errors.New("e or f has fewer than four bits set")
	}
	return nil
}

// within reports whether 2 <= v <= p-2.
func (g group) within(v *big.Int) bool {
	two := big.NewInt(2)
	return v.Cmp(two) >= 0 && new(big.Int).Add(v, two).Cmp(g.p) <= 0
}

// GenerateKey makes a modp a [KEM]. Its public values are the contents of the
// mpints e and f of RFC 4253, section 8: what the mpint has behind its length.
func (m modp) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	key, e := m.group().newKey()
	return contents(e), func(contents []byte) ([]byte, error) {
		f, err := parseContents(contents)
		if err != nil {
			return nil, err
		}
		return key.secret(f)
	}, nil
}

// Encapsulate is the server's half. It looks at e before it costs anything.
func (m modp) Encapsulate(public []byte) ([]byte, []byte, error) {
	g := m.group()
	e, err := parseContents(public)
	if err == nil {
		err = g.checkPublic(e)
	}
	if err != nil {
		return nil, nil, err
	}
	key, f := g.newKey()
	k, err := key.secret(e)
	return contents(f), k, err
}

// contents returns v's mpint without its length.
func contents(v *big.Int) []byte { return wire.AppendMPInt(nil, v)[4:] }

// parseContents returns the number whose mpint has these contents.
func parseContents(contents []byte) (*big.Int, error) {
	r := wire.NewReader(wire.AppendString(nil, contents))
	v := r.MPInt()
	return v, r.End()
}
