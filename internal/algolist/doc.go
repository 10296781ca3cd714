// Package algolist reads lists of algorithm names as ssh_config(5) and
// sshd_config(5) write them, and gives the algorithms for a transport.Config.
//
//	aes128-ctr,aes256-ctr    these and no others, in this order
//	+aes128-cbc              the default list, and these after it
//	-chacha20*,aes192-ctr    the default list without these
//	^aes256-gcm@openssh.com  the default list with these moved to its front
//
// A sign holds for all names up to the next one, so that lists which OpenSSH
// takes mean the same here, and "+a,-b" is possible as well. A name may hold the
// wildcards "*" and "?", in lists of every kind, and then stands for all that it
// fits, in order of preference. An insecure algorithm it takes away and does not
// add: that has to be asked for by its name.
//
// A name that nothing here implements is an [Error], behind a minus too: a slip
// of the pen must not switch on less, or leave on more, than was meant.
//
// What can be named is in the tables of packages cipher, mac, kex and hostkey
// and in the sub-packages of the last two. In FIPS 140-3 mode the tables are
// shorter, and what they leave out, or a sub-package has, cannot be named.
package algolist
