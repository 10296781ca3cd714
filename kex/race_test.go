//go:build race

package kex

// The race detector makes arithmetic ten times slower and has nothing to find
// in it: there, an eighth of the repetitions do.
const repetitions = 1
