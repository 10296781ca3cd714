//go:build !linux

package main

import "github.com/whelk-ssh/whelk/channel"

// modes returns none: the remote terminal has those its system gives a new one.
func modes(int) channel.Modes { return nil }
