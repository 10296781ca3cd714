// Package knownhosts verifies host keys with the known_hosts files of OpenSSH
// (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). It goes on where package hostkey
// ends: that package says that a server holds a key, this one whether the key
// is the one the host had before.
//
//	marker       @revoked, @cert-authority, or none
//	hosts        patterns, separated by commas, or one hash
//	key format
//	key          in base64
//	comment
//
//	@revoked * ssh-ed25519 AAAAC3...          nobody may use this key
//	@cert-authority *.example.com ssh-rsa ... signs certificates of these hosts
//	example.com,192.0.2.7 ssh-ed25519 AAA...  either name
//	[example.com]:2222 ssh-ed25519 AAAAC3...  a port other than 22
//	*.example.com,!a.example.com ssh-rsa ...  all but one
//	|1|SALT|HASH ssh-ed25519 AAAAC3...        a name that nobody can read
//
// A [Verifier] reads its files each time it is asked, so that it sees what
// other programs write, and does nothing with a line of another host but skip
// it. A line that is malformed is reported to Config.Warn and counts for
// nothing. A key of a format that package hostkey does not know is compared
// like others.
//
//	presented --> revoked? --------------------------------> ErrRevoked
//	              certificate of an authority? ------------> accepted
//	              key of the name, and of the address? ----> accepted
//	              other keys of the name or the address? --> ErrChanged
//	              in an authenticated answer of DNS? ------> accepted
//	              Policy: Ask, add, or refuse -------------> ErrUnknown
//
// A certificate that does not count is as good as its key. Whether it counts is
// what a [hostkey.Authority] of the lines marked @cert-authority decides; what is
// revoked is in the files, and beyond them in what Config.Revoked knows.
//
// # Writing
//
// A host is added by one write at the end of the first file. Taking keys out
// replaces the file at once, and keeps its mode, its owner and the symbolic
// links that lead to it, though not access control lists. All else in a file
// stays as it is. Writers of this package exclude each other by a lock on the
// file, between processes as well; programs that take no lock, as OpenSSH's do
// not, are found out, and the work is done again.
//
// # Where it is stricter than OpenSSH
//
// A revoked key is refused whatever the policy, at every port of the host, and
// when a certificate of it is revoked. A host with a key of any format in the
// files is no new host when it presents one of another format. A host is not
// accepted as new without asking unless it could be written to the file, or if
// DNS has other fingerprints for it. What DNS says comes after the files, and
// a fingerprint by SHA-1 is nothing to trust.
//
// It looks up nothing in DNS by itself, and runs no command for keys.
//
// # Concurrency
//
// A Verifier is safe for concurrent use. A context ends waiting for locks and
// for those who are asked; reading and writing the files is not interrupted.
package knownhosts
