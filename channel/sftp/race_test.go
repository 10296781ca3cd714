//go:build race

package sftp

// Under the race detector a sync.Pool drops things on purpose.
const raceEnabled = true
