//go:build unix

package main

import (
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/client"
)

// windowOf returns the size of a terminal, or zeros if it has none.
func windowOf(fd int) client.Window {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return client.Window{}
	}
	return client.Window{Columns: uint32(w.Col), Rows: uint32(w.Row), Width: uint32(w.Xpixel), Height: uint32(w.Ypixel)}
}
