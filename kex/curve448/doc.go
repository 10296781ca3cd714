// Package curve448 implements the SSH key exchange method curve448-sha512
// (RFC 8731): Diffie-Hellman on Curve448 (RFC 7748).
//
// The curve is stronger than any other that SSH has, about 224 bits, and slower
// for it. Few peers know the method and it adds nothing against a quantum
// computer, so package [kex] does not list it. It is a package of its own
// because of its arithmetic, which is circl's: only a program that imports it
// links that. Its method goes where others do:
//
//	config.KeyExchanges = append(kex.Default(), curve448.Method())
//
// Like every other method it is stateless and may be used concurrently, and it
// reports values that it refuses as a [kex.Error].
package curve448
