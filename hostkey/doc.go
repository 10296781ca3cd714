// Package hostkey implements SSH public keys and signatures, and the files
// that hold keys. It goes on where package kex ends: that one agrees on a
// secret with somebody, and a signature says with whom.
//
//	            NewSigner, ParsePrivateKey          ParsePublicKey
//	                       |                              |
//	                    Signer                        PublicKey <- Verifier: may it
//	                       |                              |        speak for the host?
//	data, algorithm --> Sign --> Signature --(peer)--> Verify
//
//	key format            signature algorithms             source
//	ssh-ed25519           ssh-ed25519                      RFC 8709
//	ecdsa-sha2-nistp256   ecdsa-sha2-nistp256              RFC 5656
//	ecdsa-sha2-nistp384   ecdsa-sha2-nistp384
//	ecdsa-sha2-nistp521   ecdsa-sha2-nistp521
//	ssh-rsa               rsa-sha2-512, rsa-sha2-256       RFC 8332
//
// The same keys identify hosts (RFC 4253, section 8) and users (RFC 4252,
// section 7). Parsing a key says nothing about whose it is: that is for a
// [Verifier], of which package [github.com/whelk-ssh/whelk/hostkey/knownhosts]
// has the usual one and [Pin] returns the strictest, and on a server for
// whoever reads [AuthorizedKeys].
//
// # What it does not do
//
// It neither makes nor verifies SHA-1 signatures ("ssh-rsa" as an algorithm),
// and knows no DSA. Certificates, security keys, Ed448 and encrypted private
// keys are not supported: they give an [*UnknownKeyTypeError] or a
// [*PassphraseError].
//
// # Concurrency, buffers, cancellation
//
// Keys and signers are safe for concurrent use. No key and no signer keeps a
// byte slice it was given, and each slice returned belongs to the caller; only
// a [Signature] from [ParseSignature] aliases its input. A signature by a key
// in memory takes less than a few milliseconds and is not interrupted.
package hostkey
