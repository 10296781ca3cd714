// Command whelk runs a command or a shell on another machine. It takes the
// flags of ssh(1) and behaves like it:
//
//	whelk [-46aCknNqTtVvx] [-c ciphers] [-E file] [-i key] [-l user] [-m macs]
//	      [-o keyword=value] [-p port] [-Q query] destination [command ...]
//
// A destination is host, user@host or ssh://user@host:port. Flags may follow
// it, and be bundled as getopt(3) has it.
//
// It exits with the status of the remote command, and with 255 if there is
// none: because of an error, of which it says what to do in one line, or
// because a signal killed the command.
//
// It reads no configuration file; -o takes those keywords of ssh_config(5) that
// it has a use for, and any other is an error. Hosts are verified with
// known_hosts files and unknown ones refused, unless StrictHostKeyChecking is
// accept-new. Keys are read from files without passphrase, passwords from the
// terminal.
//
// With -v it says what was negotiated, with -vv it shows each message but those
// that carry data, and with -vvv all of them.
package main
