//go:build !race

package channel

const (
	raceEnabled = false
	slowdown    = 1
)
