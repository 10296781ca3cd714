package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

// transferSize is what is moved each way, in bytes.
const transferSize = 256 << 20

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit status.
func run(args []string) int {
	if len(args) > 0 {
		if err := farEnd(args, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
			return 2
		}
		return 0
	}
	if !isUnix {
		fmt.Fprintln(os.Stderr, "demo: this needs a Unix: whelkd runs commands with its shell and signals")
		return 1
	}
	// The signals stay caught to the end: a second one must not interrupt the
	// tidying that the first began.
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	defer stop()
	d := &demo{report: newReport(os.Stdout), size: transferSize}
	d.run(ctx)
	if ctx.Err() != nil || d.failures > 0 {
		return 1
	}
	return 0
}
