// Command chart draws the lines that bench prints as horizontal bars, one for
// each figure, in a file of SVG:
//
//	chart figures.svg <lines
//
// The axis is logarithmic: a bar to the right of 1 is in our favour. A mark
// across a bar is the ratio that the figure is to reach.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/whelk-ssh/whelk/internal/bench/report"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader) error {
	if len(args) != 1 {
		return errors.New("usage: chart file.svg <lines")
	}
	lines, err := read(in)
	if err != nil {
		return err
	}
	return drawChart(lines, args[0])
}

// read returns the figures among the lines of in.
func read(in io.Reader) (lines []report.Line, err error) {
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		if l, ok := report.Parse(scanner.Text()); ok {
			lines = append(lines, l)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("chart: there is no line with a figure in the input")
	}
	return lines, nil
}
