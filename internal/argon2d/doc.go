// Package argon2d implements Argon2d (RFC 9106), the variant of Argon2 that
// golang.org/x/crypto/argon2 does not export. PuTTY can write private key files
// with it.
//
// Memory is a matrix of blocks of 1 KiB, with a row for each lane. Each block is
// computed from the one before it in its row and another, which the content of
// the former picks: that is what tells Argon2d from its relatives, and lets
// whoever shares a cache with the program learn something of the passphrase. A
// program that decrypts its user's file shares that with nobody who matters.
//
//	lane 0   B B B B B | B B B B x      x = G(the block before, B of any lane)
//	lane 1   B B B B B | B B . . .
//	          slice 0     slice 1       slices 2 and 3, and then the next pass
//
// Lanes are computed one after another, in portable code. It keeps nothing that
// it is given, and may be called concurrently.
package argon2d
