// Package bcryptpbkdf implements bcrypt_pbkdf, the function that turns a
// passphrase into the key of a private key file of OpenSSH. It is that of
// OpenBSD's bcrypt_pbkdf(3): PBKDF2 (RFC 8018, section 5.2) in which the
// pseudorandom function is bcrypt over SHA-512, and the bytes of its output are
// spread over the key, so that no part of the key costs less than all of it.
//
//	passphrase --SHA-512--> 64 bytes --.
//	salt, block --SHA-512--> 64 bytes -+-> Blowfish, keyed 64 times over
//	                                            |
//	      "OxychromaticBlowfishSwatDynamite" -> 64 times -> 32 bytes
//
// It does not bound the number of rounds, each of which takes some
// milliseconds for every 32 bytes of key: that is for its caller. It keeps
// nothing that it is given, and may be called concurrently.
package bcryptpbkdf
