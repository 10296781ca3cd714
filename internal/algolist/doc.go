// Package algolist reads lists of algorithm names as ssh_config(5) and
// sshd_config(5) write them, and gives the algorithms for a transport.Config.
//
//	aes128-ctr,aes256-ctr    these and no others, in this order
//	+aes128-cbc              the default list, and these after it
//	-chacha20*,aes192-ctr    the default list without these
//	^aes256-gcm@openssh.com  the default list with these moved to its front
//
// A sign holds for all names up to the next one, so that lists which OpenSSH
// takes mean the same here, and "+a,-b" is possible as well. Names to take away
// may hold the wildcards "*" and "?". A name that nothing here implements is an
// error: a slip of the pen must not switch on less, or leave on more, than was
// meant.
package algolist
