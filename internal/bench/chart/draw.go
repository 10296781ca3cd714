package main

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/whelk-ssh/whelk/internal/bench/report"
)

// Colours of bars and marks.
var (
	ahead  = color.RGBA{R: 0x2c, G: 0x7f, B: 0xb8, A: 0xff} // ours is better
	behind = color.RGBA{R: 0xd9, G: 0x5f, B: 0x0e, A: 0xff}
	mark   = color.RGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff}
)

// Sizes on paper.
const (
	width     = 10 * vg.Inch
	around    = vg.Inch // title and axis
	rowPitch  = 22 * vg.Length(1)
	barHeight = 12 * vg.Length(1)
	markReach = 8 * vg.Length(1) // above and below the middle of a bar
)

// The ends of the axis. A bar that would pass one ends there; its name
// has the ratio beside it.
const (
	least = 0.25
	most  = 16
)

// drawChart writes the chart to a file.
func drawChart(lines []report.Line, path string) error {
	p := plot.New()
	p.Title.Text = "Whelk's figures as ratios to the peer's; right of 1 is in our favour, | is to be reached"
	p.X.Label.Text = "ratio (logarithmic)"
	p.Y.Label.Text = "figure and ratio"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(ticks)
	p.X.Min, p.X.Max = least, most
	p.Y.Min, p.Y.Max = -0.5, float64(len(lines))-0.5
	slices.Reverse(lines) // the first on top
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i] = fmt.Sprintf("%s   %.2f", l.Name, l.Ratio)
	}
	p.NominalY(names...)
	p.Add(bars(lines))
	return p.Save(width, around+rowPitch*vg.Length(len(lines)), path)
}

var ticks = []plot.Tick{
	{Value: 0.25, Label: "0.25"}, {Value: 0.5, Label: "0.5"}, {Value: 1, Label: "1"}, {Value: 2, Label: "2"},
	{Value: 4, Label: "4"}, {Value: 8, Label: "8"}, {Value: 16, Label: "16"},
}

// bars are the rows of the chart, from below.
type bars []report.Line

// Plot implements [plot.Plotter].
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(ratio float64) vg.Length { return x(min(max(ratio, least), most)) }
	one := at(1)
	c.StrokeLine2(draw.LineStyle{Color: mark, Width: vg.Points(0.5)}, one, c.Min.Y, one, c.Max.Y)
	for i, l := range b {
		middle, end := y(float64(i)), at(l.Ratio)
		fill := ahead
		if l.Ratio < 1 {
			fill = behind
		}
		low, high := middle-barHeight/2, middle+barHeight/2
		c.FillPolygon(fill, []vg.Point{{X: one, Y: low}, {X: end, Y: low}, {X: end, Y: high}, {X: one, Y: high}})
		if target, ok := report.Target(l.Name); ok {
			c.StrokeLine2(draw.LineStyle{Color: mark, Width: vg.Points(2)}, at(target), middle-markReach, at(target), middle+markReach)
		}
	}
}
