// Package interop runs Whelk against the SSH implementations of the machine,
// in both roles. It has tests only.
//
// Behaviour is tried on pairs of a client and a server, each either Whelk's or
// OpenSSH's. Where the pair of OpenSSH's own two runs the same case, it shows
// that what the case expects is what OpenSSH does:
//
//	           sshd           whelkd
//	ssh      control            x
//	whelk      x                x
//	library    x                x       package client, in the test's process
//
// Algorithms are tried on every peer there is, each with our client and our
// server, and the table of that is in README.md: see TestMatrix. Besides
// OpenSSH the peers are Dropbear, Paramiko, Twisted Conch and
// golang.org/x/crypto/ssh. The last three are libraries, which programs in the
// directory peers make a client and a server; there package server runs in the
// test's process.
//
// Every test starts servers of its own, on free ports of the loopback
// interface, with keys made for the run and no configuration file; they let in
// the user who runs the tests. What a server or a client leaves behind, a
// process, a file descriptor or a goroutine, fails the test.
//
// Programs at the other end of a connection that make data or check it are the
// test binary itself, which the environment variable WHELK_INTEROP_ROLE tells
// what to do.
//
// A peer that is not installed is skipped, unless the environment variable CI
// is "true". The flag -short leaves out what moves much data. To the file that
// the variable WHELK_INTEROP_REPORT names, one line is appended:
//
//	interop: 512 cases ran, 0 skipped
//
// which counts the cases in which at least one end is not Whelk's.
package interop
