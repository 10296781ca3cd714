// Package ed448 adds keys and signatures of Ed448 (RFC 8709, RFC 8032) to
// package hostkey, for those who ask for them: neither the standard library nor
// x/crypto has the curve, and a program without this package does not link it.
//
//	string    "ssh-ed448"                    string    "ssh-ed448"
//	string    key, 57 octets                 string    signature, 114 octets
//
// A client or a server takes such keys, of hosts and of users, when its
// transport.Config has this line:
//
//	KeyFormats: []hostkey.Format{ed448.Format()},
//
// A [hostkey.Signer] from [NewSigner] needs no more than to be used. Files of
// known hosts and authorized keys hold such keys as they hold others.
//
// The signature covers the data without a context and without hashing them
// before. Keys and signers are safe for concurrent use, and keep no slice they
// were given. Nothing here is within the boundary of a FIPS 140 module.
package ed448
