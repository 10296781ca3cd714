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
// Certificate authorities are recognised and never trusted: a line marked
// @cert-authority is skipped, one that lists a certificate as a key is
// malformed, and a host that presents a certificate is refused.
//
// Where it is stricter than OpenSSH: a host with a key of any format in the
// files is no new host when it presents one of another format, and a host is
// not accepted as new unless it could be written to the file.
//
// A Verifier is safe for concurrent use. Several programs may add to one file
// at a time: each line is one write at the end of it. Reading and writing the
// files is not interrupted by a context.
package knownhosts
