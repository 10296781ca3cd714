//go:build !unix

package main

import (
	"golang.org/x/term"

	"github.com/whelk-ssh/whelk/client"
)

// windowOf returns the size of a terminal, or zeros if it has none. Nobody here
// knows it in pixels.
func windowOf(fd int) client.Window {
	width, height, err := term.GetSize(fd)
	if err != nil || width < 0 || height < 0 {
		return client.Window{}
	}
	return client.Window{Columns: uint32(width), Rows: uint32(height)}
}
