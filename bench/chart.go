package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// chart is horizontal bars from zero: a group for each case, a bar for each peer. Lengths are the units of its viewBox.
type chart struct {
	Title, Hint   string
	Width, Height int
	Ticks         []tick
	Groups        []group
}

type tick struct {
	X, Label float64
}

// group is the bars of one case, under a line that names it.
type group struct {
	Label, Ratio string
	Y            int // base line of the label
	Bars         []bar
}

type bar struct {
	Peer, Value, Range string
	Y                  int // upper edge
	Length             float64
	Low, High          float64 // ends of the line from minimum to maximum
	Text               float64 // begin of the value
}

// Measures of a chart.
const (
	chartWidth  = 560
	chartNames  = 72 // for the names of the peers
	chartValues = 64 // for the figure behind the longest bar
	barPitch    = 15
	labelHeight = 20
	groupGap    = 10
	axisHeight  = 22
)

// newChart draws series of one metric: all of one variant of the cases.
func newChart(title string, list []*series) chart {
	c := chart{Title: title, Hint: "less is better", Width: chartWidth, Height: axisHeight}
	if list[0].More {
		c.Hint = "more is better"
	}
	top := 0.0
	for _, s := range list {
		top = max(top, s.Max)
	}
	scale := (chartWidth - chartNames - chartValues) / max(top, math.SmallestNonzeroFloat32)
	for _, label := range roundSteps(top) {
		c.Ticks = append(c.Ticks, tick{X: chartNames + label*scale, Label: label})
	}
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(s *series) bool { return s.Case != list[0].Case })
		if n < 0 {
			n = len(list)
		}
		c.addGroup(list[:n], scale)
		list = list[n:]
	}
	return c
}

func (c *chart) addGroup(list []*series, scale float64) {
	base, _ := splitCase(list[0].Case)
	g := group{Label: base, Y: c.Height + labelHeight - 6}
	y := c.Height + labelHeight
	for _, s := range list {
		if s.Peer == hawser {
			g.Ratio = s.comparison()
		}
		g.Bars = append(g.Bars, bar{
			Peer: s.Peer, Value: number(s.Median), Range: number(s.Min) + " to " + number(s.Max), Y: y,
			Length: max(s.Median*scale, 0), Low: chartNames + s.Min*scale, High: chartNames + s.Max*scale,
			Text: chartNames + max(s.Max*scale, 0) + 6,
		})
		y += barPitch
	}
	c.Height = y + groupGap
	c.Groups = append(c.Groups, g)
}

// comparison says in words how hawser's figure compares.
func (s *series) comparison() string {
	var words []string
	for _, peer := range yardsticks {
		switch ratio := s.ratio(peer); {
		case ratio == "-":
		case peer == ceiling:
			words = append(words, ratio+" of ceiling")
		default:
			words = append(words, ratio+" × "+peer)
		}
	}
	return strings.Join(words, ", ")
}

// roundSteps are four to eight round numbers from zero up to top.
func roundSteps(top float64) []float64 {
	if top <= 0 {
		return []float64{0}
	}
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	step := unit / 2
	for _, parts := range []float64{5, 2, 1} {
		if top/(parts*unit) >= 3 {
			step = parts * unit
			break
		}
	}
	var steps []float64
	for i := 0.0; i*step <= top; i++ {
		steps = append(steps, i*step)
	}
	return steps
}

// String is the label of a tick.
func (t tick) String() string { return strconv.FormatFloat(t.Label, 'f', -1, 64) }

// splitCase takes a case apart into what names it within a chart, and what charts differ by: the direction, or what
// stands behind the last comma.
func splitCase(name string) (base, variant string) {
	for _, direction := range []work{workUp, workDown} {
		if base, ok := strings.CutSuffix(name, " "+string(direction)); ok {
			return base, string(direction)
		}
	}
	if i := strings.LastIndex(name, ", "); i >= 0 {
		return name[:i], name[i+2:]
	}
	return name, ""
}

// charts makes one of each metric and variant of a section; those of CPU time and of the clients' memory come apart.
func (r *results) charts(section string) (first, more []chart) {
	lists := map[[2]string][]*series{}
	var order [][2]string
	for _, s := range r.list {
		if s.Section != section || s.Max <= 0 {
			continue
		}
		_, variant := splitCase(s.Case)
		key := [2]string{s.Metric, variant}
		if lists[key] == nil {
			order = append(order, key)
		}
		lists[key] = append(lists[key], s)
	}
	for _, key := range order {
		title := key[0]
		if key[1] != "" {
			title += ", " + key[1]
		}
		c := newChart(title, r.byCase(lists[key]))
		if strings.Contains(key[0], "CPU") || strings.HasPrefix(key[0], "client") {
			more = append(more, c)
		} else {
			first = append(first, c)
		}
	}
	return first, more
}

// byCase sorts series by case, in the order in which cases first came, and by peer.
func (r *results) byCase(list []*series) []*series {
	var cases []string
	for _, s := range list {
		if !slices.Contains(cases, s.Case) {
			cases = append(cases, s.Case)
		}
	}
	peers := append(peerNames(), ceiling)
	slices.SortStableFunc(list, func(a, b *series) int {
		if d := slices.Index(cases, a.Case) - slices.Index(cases, b.Case); d != 0 {
			return d
		}
		return slices.Index(peers, a.Peer) - slices.Index(peers, b.Peer)
	})
	return list
}
