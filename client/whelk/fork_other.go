//go:build !unix

package main

import (
	"fmt"
	"os"
)

// runForked fails: there is no background to go to.
func runForked([]string) int {
	fmt.Fprintln(os.Stderr, "whelk: -f: this system has no way to go into the background: start whelk there")
	return failure
}

func isForked() bool { return false }

func detach() {}
