// Package sshconfig reads the configuration of an SSH client as ssh(1) does:
// the files of ssh_config(5), and what they say about one destination.
//
//	options (-o)  -->  ~/.ssh/config  -->  /etc/ssh/ssh_config     first pass
//	                         |                    |
//	                      Include              Include
//	                         |
//	              HostName, CanonicalizeHostname                   the host's name
//	                         |
//	              the files once more, Match final                 final pass
//	                         |
//	              defaults, tokens  -->  Settings                  what ssh -G prints
//
// Of each keyword the first value counts, but for the few whose values add up.
// A block applies if Host or Match says so, of the name that was asked for, or
// in the final pass of the one that came of it.
//
// Names, order and output are those of OpenSSH 10: [Settings.WriteTo] prints
// what "ssh -G" prints. Where OpenSSH prints a mistake and goes on, this package
// goes on without; where it gives up, Evaluate fails with an [*Error] that has
// file and line. Unlike OpenSSH it looks for mistakes in the names of algorithms
// only where they apply, so that the block of another host may have some that
// are unknown here.
//
// It reads the files it is told to, and those that they include. It starts no
// program and asks no name server: what Match exec and CanonicalizeHostname
// want is done by functions of the caller's, and refused without.
//
// A Config may be used by many goroutines at once, as may Settings, which do not
// change.
package sshconfig
