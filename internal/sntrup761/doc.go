// Package sntrup761 implements Streamlined NTRU Prime with the parameters p =
// 761, q = 4591 and w = 286, the key encapsulation mechanism that RFC 9941
// pairs with X25519.
//
// It follows "NTRU Prime: round 3" (Bernstein, Brumley, Chen,
// Chuengsatiansup, Lange, Marotzke, Peng, Tuveri, van Vredendaal, Yang;
// submission to NIST of 2020-10-07), which the comments here call "round 3".
// The names of its functions are in the comments too: KeyGen, Encap, Decap,
// Hide, Rounded, Short.
//
// # How it works
//
// A polynomial is small if its coefficients are -1, 0 and 1, and short if
// exactly w of them are not 0. Division is what an attacker cannot do without
// knowing how the public key was made of small polynomials: R/q is the field
// (Z/q)[x]/(x^p - x - 1), and R/3 the ring with 3 instead of q.
//
//	key generation    g small, invertible in R/3; f short
//	                  public key   h = g/(3f)     in R/q
//	                  private key  f, 1/g in R/3
//	encapsulation     r short
//	                  c = Round(h·r)              each coefficient to a multiple of 3
//	                  C = c || Hash(r, h)         the ciphertext
//	                  K = Hash(r, C)
//	decapsulation     3f·c = g·r + 3f·error       in R/q, and without wrapping in R
//	                  r = (3f·c mod 3)·(1/g)      in R/3
//	                  C again from r: the same, or K = Hash(a secret, C)
//
// The last line is implicit rejection: a ciphertext that nobody made by
// encapsulation gives a secret nobody else has, and no error.
//
// # How it computes
//
//	product.go     products, by a number theoretic transform modulo a prime of 23 bits
//	inverse.go     1/(3f) in R/q, by division steps on two coefficients per word
//	trits.go       1/g in R/3, by division steps on 64 coefficients per word
//	sort.go        a short polynomial: w non-zero coefficients, shuffled by sorting
//	code.go        polynomials as bytes
//
// # Timing
//
// No branch, no index and no operand of a division depends on a secret:
// private keys, r, random bytes and all that is computed of them. Key
// generation shows how many g it tried, which says nothing about the one it
// kept. Lengths, moduli and what the peer sent are no secrets. This takes for
// granted that the processor multiplies in constant time.
//
// # Concurrency and buffers
//
// Everything here may be called concurrently. Results are the caller's;
// arguments are not kept.
package sntrup761
