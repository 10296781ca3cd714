// Package hostkey implements SSH public keys and signatures, and the files
// that hold keys. It goes on where package kex ends: that one agrees on a
// secret with somebody, and a signature says with whom.
//
//	  NewSigner, ReadPrivateKeyFile                 ParsePublicKey
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
//	ssh-rsa               rsa-sha2-512, rsa-sha2-256,      RFC 8332
//	                      ssh-rsa, insecure                RFC 4253
//	ssh-dss               ssh-dss, insecure, to verify     RFC 4253
//
//	format and algorithm of security keys                  OpenSSH PROTOCOL.u2f
//	sk-ssh-ed25519@openssh.com
//	sk-ecdsa-sha2-nistp256@openssh.com, which signs with
//	webauthn-sk-ecdsa-sha2-nistp256@openssh.com too
//
//	of certificates, of all of these                       OpenSSH PROTOCOL.certkeys
//	NAME-cert-v01@openssh.com
//
// The same keys identify hosts (RFC 4253, section 8) and users (RFC 4252,
// section 7). Parsing a key says nothing about whose it is: that is for a
// [Verifier], of which package [github.com/whelk-ssh/whelk/hostkey/knownhosts]
// has the usual one and [Pin] returns the strictest, and on a server for
// whoever reads [AuthorizedKeys].
//
// # Security keys
//
// A [SecurityKey] verifies a signature only if somebody touched the device that
// made it. [Require] says what else it takes, or that it does not take that.
//
// # Certificates
//
// A [Certificate] is parsed with the signature of its authority, and verifies
// signatures by its key. That says nothing yet: none equals the key in it, and
// no file lists one. An [Authority] says whose are believed and about whom, and
// returns what they restrict. Their algorithms are in [Optional].
//
//	line of authorized keys    certificate of a user
//	           |                        |
//	     Restrictions  <--Narrow--  Authority.CheckUser <- KRL: is it revoked?
//	           |
//	Permissions: what a server holds the user to
//
// A [KRL] revokes keys and certificates. An [SSHSIG] is a signature of a file,
// and [AllowedSigners] say whose are believed.
//
// # Algorithms that have to be asked for
//
// [PublicKey.Verify] refuses the algorithms in [Insecure], and so does a Signer
// from [NewSigner] when it is to sign. The function [Verify] takes the name of
// the algorithm that was agreed on, and that is where asking for one by name
// ends; [InsecureSHA1] is how a Signer is asked.
//
// # Formats of other packages
//
// Some keys need a library that few programs want. The packages
// [github.com/whelk-ssh/whelk/hostkey/ed448] and
// [github.com/whelk-ssh/whelk/hostkey/mldsa44] each have a function that returns
// a [Format], a value that says how such keys are parsed. There is no table that
// they enter themselves into when they are imported: what a program takes
// depends on what it passes, which whoever reads it can see.
//
// A Format is passed in one place, the KeyFormats of a transport.Config, which
// is to ask for it: its algorithm, which has its name, is offered and taken
// behind those of [Default]. A file of known hosts or authorized keys needs no
// Format, since its keys are compared and verify nothing; and neither does a
// Signer, which knows its own key.
//
// # Files of private keys
//
//	format                          read     written by          encryption
//	OpenSSH (PROTOCOL.key)          yes      MarshalPrivateKey,  bcrypt and each of
//	                                         MarshalEncrypted... KeyFileCiphers
//	PuTTY, PPK 3 and 2              yes      MarshalPPK, in 3    Argon2, SHA-1 in 2; AES-CBC
//	PKCS#8 (RFC 5208)               yes      package x509        PBES2: PBKDF2 or scrypt;
//	                                                             AES-CBC, 3DES
//	PKCS#1, SEC 1                   yes      package x509        DEK-Info: MD5; AES-CBC, 3DES
//	RFC 4716, a public key          yes      MarshalRFC4716      none
//
// [ReadPrivateKeyFile] reads any of the first four and asks for a passphrase if
// that takes one; [ParsePrivateKey] does with bytes. [CreateKeyFile] writes a
// file that nobody else could ever read, and never over another;
// [ReplaceKeyFile] is for who means to. What a file asks for, in rounds and in
// memory, is bounded. Passphrases and what they open are overwritten when they
// have been used, as far as Go lets a program do that: numbers of package
// math/big and copies by the collector of garbage stay.
//
// With GODEBUG=fips140=only, nothing but PKCS#8 with PBKDF2 is decrypted.
//
// # What it does not do
//
// It makes no DSA signatures and drives no security keys: a device that signs
// is a [Signer] of somebody else's, and the file of one gives a [DeviceKey],
// which says so.
//
// # Concurrency, buffers, cancellation
//
// Keys and signers are safe for concurrent use. No key and no signer keeps a
// byte slice it was given, and each slice returned belongs to the caller; only
// a [Signature] from [ParseSignature] aliases its input, and the fields of a
// [Certificate] are its own. A signature by a key
// in memory takes less than a few milliseconds and is not interrupted.
package hostkey
