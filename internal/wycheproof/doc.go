// Package wycheproof gives tests the vectors of Project Wycheproof
// (https://github.com/C2SP/wycheproof): inputs made to break implementations
// of cryptography, each with what a correct one makes of it.
//
// They are not part of this module, nor required by its go.mod. They are a
// module of their own, of which one version is pinned here by its hash. The
// first [Load] of a process has the go command fetch it into the module cache,
// where later processes find it:
//
//	Load --> go mod download --> module cache --> hash as pinned? --> decode
//	              |                                    |
//	              v no network                         v no
//	         skip; with CI=true fail                 fail
//
// Whoever raises the version reads the new vectors and corrects the counts
// that the tests assert.
//
// # Concurrency
//
// Everything here may be called concurrently.
package wycheproof
