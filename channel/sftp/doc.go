// Package sftp implements the SSH file transfer protocol, version 3, with the
// extensions of OpenSSH, in both roles.
package sftp
