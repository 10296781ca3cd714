// Package report has the lines in which a benchmark says what it measured, and
// what of it was aimed at.
package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// A Line is one figure:
//
//	BENCH <name> ours=<number><unit> peer=<number><unit> ratio=<number>
type Line struct {
	Name       string
	Unit       string
	Ours, Peer float64
	Ratio      float64 // above 1 in our favour
}

// String returns the line, without an end of line.
func (l Line) String() string {
	return fmt.Sprintf("BENCH %s ours=%s%s peer=%s%s ratio=%.2f",
		l.Name, Number(l.Ours), l.Unit, Number(l.Peer), l.Unit, l.Ratio)
}

// Number returns v with at least three significant digits and no exponent.
func Number(v float64) string {
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if v == 0 || decimals < 0 {
		decimals = 0
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

var linePattern = regexp.MustCompile(`^BENCH (\S+) ours=([0-9.]+)(\S*) peer=([0-9.]+)(\S*) ratio=([0-9.]+)$`)

// Parse takes a line apart. It reports false if the line is not of the form.
func Parse(text string) (Line, bool) {
	found := linePattern.FindStringSubmatch(text)
	if found == nil || found[3] != found[5] {
		return Line{}, false
	}
	l := Line{Name: found[1], Unit: found[3]}
	for i, v := range map[int]*float64{2: &l.Ours, 4: &l.Peer, 6: &l.Ratio} {
		var err error
		if *v, err = strconv.ParseFloat(found[i], 64); err != nil {
			return Line{}, false
		}
	}
	return l, true
}
