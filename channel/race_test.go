//go:build race

package channel

// Under the race detector a sync.Pool drops things on purpose.
const raceEnabled = true

// slowdown divides what is repeated a million times.
const slowdown = 20
