// Command whelkcp copies files between machines. It takes the flags of scp(1)
// and behaves like it:
//
//	whelkcp [-346ABCpqRrTv] [-c cipher] [-D sftp_server_path] [-F ssh_config]
//	        [-i identity_file] [-J destination] [-l limit] [-o ssh_option]
//	        [-P port] source ... target
//
// A source or target is a local path, [user@]host:[path] or
// scp://[user@]host[:port][/path]. A local path with a colon in it is told from
// a host by a slash before the colon, as in ./a:b. Paths on a host begin in the
// home directory, may be patterns for sources (with *, ? and []), and may begin
// with ~ where the server knows home directories.
//
// It exits with 0 if everything was copied and with 1 if anything was not, and
// says of each file why, in one line.
//
// It speaks SFTP and nothing else: -O is an error. Files of a tree are copied
// many at a time, and each with many requests under way. Between two hosts they
// go by way of this machine, as with -3; -R has the first host run scp. Whatever
// a server says its files are called, nothing is written outside of the target.
//
// Hosts are looked up in the configuration files of ssh(1), and all that
// -o takes there is taken here: see package client/sshconfig, and whelk for how
// hosts are verified and users authenticated.
//
// While it copies it shows how far it is if standard output is a terminal, unless
// there is -q. With -v it says what was negotiated, and with -vv each step. The
// limit of -l is in Kbit/s. -D copies from and to a server that is a program of
// this machine, in place of every host. -T is taken and changes nothing: names
// are checked all the same.
package main
