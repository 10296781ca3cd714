//go:build !unix

package main

import (
	"errors"
	"fmt"
	"os"
)

// background says that there is none.
func background() int {
	fmt.Fprintln(os.Stderr, "whelk: -f is not possible here: start it in the background")
	return failure
}

func isBackground() bool { return false }

func detach() error { return errors.ErrUnsupported }
