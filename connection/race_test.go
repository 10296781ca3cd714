//go:build race

package connection

// Under the race detector a sync.Pool drops things on purpose.
const raceEnabled = true
