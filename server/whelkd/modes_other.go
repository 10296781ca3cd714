//go:build unix && !linux

package main

import (
	"os"
	"time"

	"github.com/whelk-ssh/whelk/channel"
)

// sendBreak does nothing: a pseudo-terminal is no line.
func sendBreak(*os.File, time.Duration) error { return nil }

// setModes leaves the terminal as it is.
func setModes(*os.File, channel.Modes) error { return nil }
