// Package pattern matches names against the patterns of OpenSSH's files
// (ssh_config(5), PATTERNS). All packages that have such patterns match with
// it, so that one name is in the list of one of them exactly if it is in that
// of another.
//
//	*.example.com     any characters, a dot and more of them included
//	192.0.2.?         one character
//	!a.example.com    in a list: not this one, whatever else is there
//
// Addresses are matched by networks too, as in "192.0.2.0/24,!192.0.2.7".
//
// Characters are bytes, and upper and lower case are two: whoever reads names
// of hosts has both sides through [Lower] first.
//
// What a match costs is at most in proportion to the product of the lengths of
// pattern and name, and for patterns of stars alone to their sum (CVE-2026-0967).
// A caller that does not choose the pattern bounds the name.
//
// Its functions are safe for concurrent use, and keep nothing.
package pattern
