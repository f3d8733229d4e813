package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The chart's measures, in pixels.
const (
	width     = 760
	labels    = 120
	right     = 90
	barHeight = 18
	barStep   = 26
)

// panel is one set of bars on one axis.
type panel struct {
	title, axis string
	bars        []bar
}

type bar struct {
	label, value string
	length       float64
	ours         bool
}

// svg is the chart: bars of what a reader asks first. It brings its own colours for
// light and dark, and takes whatever plain font there is.
func svg(f *figures) string {
	first := panel{title: "A token never seen before (ES256)", axis: "CPU time per request, as a multiple of the bare signature check"}
	further := panel{title: "A token that was seen before (ES256, 2,000 tokens in turn)", axis: "CPU time per request, µs"}
	floor, _ := f.median("FirstSight/alg=ES256/impl=crypto", cpuTime)
	for _, column := range columns() {
		ours := column.Name == "bearerguard"
		if spent, ok := f.median("FirstSight/alg=ES256/impl="+column.Name, cpuTime); ok && floor > 0 {
			first.bars = append(first.bars, bar{column.Name, ratio(spent / floor), spent / floor, ours})
		}
		if spent, ok := f.median("FurtherSight/tokens=2000/alg=ES256/impl="+column.Name, cpuTime); ok {
			further.bars = append(further.bars, bar{column.Name, duration(spent), spent * 1e6, ours})
		}
	}
	var b strings.Builder
	y := 56
	for _, p := range []panel{first, further} {
		y = p.draw(&b, y)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">
<title id="title">What a request costs</title>
<style>
svg { font: 13px sans-serif }
text { fill: #1f2328 } .h { font-size: 18px; font-weight: bold } .t { font-weight: bold } .a { font-size: 11px }
.paper { fill: #fff } .ours { fill: #0969da } .theirs { fill: #8c959f } line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .paper { fill: #0d1117 } .ours { fill: #58a6ff } .theirs { fill: #6e7681 } line { stroke: #30363d }
}
</style>
<rect class="paper" width="%d" height="%d"/>
<text class="h" x="16" y="32">What a request costs</text>
%s</svg>
`, width, y, width, y, width, y, b.String())
}

// draw adds p below y, and returns where it ends.
func (p panel) draw(b *strings.Builder, y int) int {
	longest := 0.0
	for _, bar := range p.bars {
		longest = max(longest, bar.length)
	}
	step := tick(longest)
	end := step * math.Ceil(longest/step)
	x := func(v float64) float64 { return labels + v/max(end, 1e-9)*(width-labels-right) }
	fmt.Fprintf(b, "<text class=\"t\" x=\"16\" y=\"%d\">%s</text>\n", y+14, html.EscapeString(p.title))
	top := y + 26
	bottom := top + barStep*len(p.bars)
	for n := 0; float64(n)*step <= end*1.0001; n++ {
		v := float64(n) * step
		fmt.Fprintf(b, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/><text class=\"a\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%.4g</text>\n",
			x(v), top, x(v), bottom, x(v), bottom+14, v)
	}
	for n, bar := range p.bars {
		class, at := "theirs", top+barStep*n
		if bar.ours {
			class = "ours"
		}
		fmt.Fprintf(b, "<text text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n",
			labels-8, at+17, html.EscapeString(bar.label), class, labels, at+4, max(x(bar.length)-labels, 1), barHeight, x(bar.length)+6, at+17, html.EscapeString(bar.value))
	}
	fmt.Fprintf(b, "<text class=\"a\" x=\"%d\" y=\"%d\">%s</text>\n", labels, bottom+32, html.EscapeString(p.axis))
	return bottom + 56
}

// tick is a round distance that divides the axis into some four to eight parts.
func tick(longest float64) float64 {
	if longest <= 0 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(longest)))
	for _, part := range []float64{1, 0.5, 0.2, 0.1} {
		if longest/(step*part) >= 4 {
			return step * part
		}
	}
	return step * 0.1
}
