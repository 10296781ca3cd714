// Package mldsa44 adds keys that a quantum computer does not break to package
// hostkey, for those who ask for them: each is one of ML-DSA-44 (FIPS 204) and
// one of Ed25519, and a signature is one by each, so that both have to be broken
// to forge it (draft-miller-sshm-mldsa44-ed25519-composite-sigs,
// draft-ietf-lamps-pq-composite-sigs, section 3).
//
//	string    "ssh-mldsa44-ed25519@openssh.com"
//	string    ML-DSA-44 key, 1312 octets, and Ed25519 key, 32 octets
//
//	string    "ssh-mldsa44-ed25519@openssh.com"
//	string    ML-DSA-44 signature, 2420 octets, and Ed25519 signature, 64 octets
//
//	data --> SHA-512 --.
//	                   v
//	prefix || label || 0 || hash  =  M'  --+--> ML-DSA-44, context: label
//	                                       '--> Ed25519
//
// Neither half of a signature is one of anything else by that half of the key:
// M' names the pair, and the context of ML-DSA does so again.
//
// A client or a server takes such keys, of hosts and of users, when its
// transport.Config has this line:
//
//	KeyFormats: []hostkey.Format{mldsa44.Format()},
//
// A [hostkey.Signer] from [NewSigner] needs no more than to be used. Files of
// known hosts and authorized keys hold such keys as they hold others.
//
// Keys and signers are safe for concurrent use, and keep no slice they were
// given. The lattice is not within the boundary of a FIPS 140 module.
package mldsa44
