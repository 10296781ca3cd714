package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/internal/bench/report"
)

// A figure compares two samples.
type figure struct {
	name       string
	unit       string
	less       bool // less of the unit is better
	ours, peer sample
}

// A sample does some work once and says how much of the figure's unit that
// was.
type sample func(*bench) (float64, error)

// figureLimit is how long a figure may take before something is taken to hang.
const figureLimit = 10 * time.Minute

// print measures the figure and prints its lines.
func (f *figure) print(w io.Writer, b *bench, o *options) error {
	watchdog := time.AfterFunc(figureLimit, func() {
		debug.SetTraceback("all")
		panic("bench: " + f.name + " hangs")
	})
	defer watchdog.Stop()
	ours, peer, err := f.take(b, o)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		name  string
		turns []float64
	}{{"ours", ours}, {"peer", peer}} {
		if len(side.turns) > 0 {
			fmt.Fprintf(w, "# %s %s: %s\n", f.name, side.name, spread(side.turns, f.unit))
		}
	}
	if o.only != "" {
		return nil
	}
	line := report.Line{Name: f.name, Unit: f.unit, Ours: median(ours), Peer: median(peer)}
	line.Ratio = line.Ours / line.Peer
	if f.less {
		line.Ratio = line.Peer / line.Ours
	}
	_, err = fmt.Fprintln(w, line)
	return err
}

// take takes the turns that count.
func (f *figure) take(b *bench, o *options) (ours, peer []float64, err error) {
	for turn := range o.turns + 1 {
		b.warming = turn == 0
		for _, side := range []struct {
			name   string
			sample sample
			turns  *[]float64
		}{{"ours", f.ours, &ours}, {"peer", f.peer, &peer}} {
			if o.only != "" && o.only != side.name {
				continue
			}
			runtime.GC() // what the turn before left is not this one's to clear
			v, err := side.sample(b)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", side.name, err)
			}
			if v <= 0 {
				return nil, nil, fmt.Errorf("%s: measured %v, which no ratio can be made of", side.name, v)
			}
			if !b.warming {
				*side.turns = append(*side.turns, v)
			}
		}
	}
	return ours, peer, nil
}

// spread describes turns.
func spread(turns []float64, unit string) string {
	return fmt.Sprintf("median %s%s, from %s to %s in %d turns", report.Number(median(turns)), unit,
		report.Number(slices.Min(turns)), report.Number(slices.Max(turns)), len(turns))
}

// median returns the value in the middle, or the mean of the two that are.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
