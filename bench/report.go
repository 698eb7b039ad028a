package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// series is one figure of one peer in one case, once a repetition.
type series struct {
	Section string             `json:"section"`
	Case    string             `json:"case"`
	Peer    string             `json:"peer"`
	Metric  string             `json:"metric"` // with its unit
	More    bool               `json:"more_is_better"`
	Median  float64            `json:"median"`
	Min     float64            `json:"min"`
	Max     float64            `json:"max"`
	Ratios  map[string]float64 `json:"ratio_to,omitempty"` // of the medians, to those of other peers
	Values  []float64          `json:"values"`
}

// results are all series in the order in which they first came.
type results struct{ list []*series }

// add puts a value to its series.
func (r *results) add(section, name, peer, metric string, more bool, value float64) {
	s := r.find(section, name, peer, metric)
	if s == nil {
		s = &series{Section: section, Case: name, Peer: peer, Metric: metric, More: more}
		r.list = append(r.list, s)
	}
	s.Values = append(s.Values, value)
}

func (r *results) find(section, name, peer, metric string) *series {
	for _, s := range r.list {
		if s.Section == section && s.Case == name && s.Peer == peer && s.Metric == metric {
			return s
		}
	}
	return nil
}

// yardsticks are the peers that others are compared with.
var yardsticks = [...]string{xcrypto, openssh, ceiling}

// finish computes what is derived from the values.
func (r *results) finish() {
	for _, s := range r.list {
		sorted := slices.Sorted(slices.Values(s.Values))
		s.Min, s.Max, s.Median = sorted[0], sorted[len(sorted)-1], median(sorted)
	}
	for _, s := range r.list {
		s.Ratios = map[string]float64{}
		for _, peer := range yardsticks {
			if o := r.find(s.Section, s.Case, peer, s.Metric); o != nil && o.Median != 0 {
				s.Ratios[peer] = s.Median / o.Median
			}
		}
	}
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// writeJSON prints all series as one array.
func (r *results) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if r.list == nil {
		r.list = []*series{}
	}
	return encoder.Encode(r.list)
}

// writeTable prints a line for each figure, a column for each peer, and how hawser compares with some of them.
func (r *results) writeTable(w io.Writer) error {
	var b strings.Builder
	var peers []string
	section := ""
	for _, s := range r.list {
		if r.list[slices.IndexFunc(r.list, func(o *series) bool { return sameLine(o, s) })] != s {
			continue // its line is printed already
		}
		if s.Section != section {
			section, peers = s.Section, r.peers(s.Section)
			writeHead(&b, section, peers)
		}
		r.writeLine(&b, s, peers)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func sameLine(a, b *series) bool {
	return a.Section == b.Section && a.Case == b.Case && a.Metric == b.Metric
}

// peers returns the peers that have results in a section.
func (r *results) peers(section string) []string {
	return slices.DeleteFunc(append(peerNames(), ceiling), func(name string) bool {
		return !slices.ContainsFunc(r.list, func(s *series) bool { return s.Section == section && s.Peer == name })
	})
}

func writeHead(b *strings.Builder, section string, peers []string) {
	fmt.Fprintf(b, "\n%-42s", section+": median (min-max)")
	for _, peer := range peers {
		fmt.Fprintf(b, " %22s", peer)
	}
	for _, peer := range yardsticks {
		if slices.Contains(peers, peer) {
			fmt.Fprintf(b, " %14s", ratioName(peer))
		}
	}
	fmt.Fprintln(b)
}

func (r *results) writeLine(b *strings.Builder, line *series, peers []string) {
	fmt.Fprintf(b, "%-24s %-17s", line.Case, line.Metric)
	for _, peer := range peers {
		cell := "-"
		if s := r.find(line.Section, line.Case, peer, line.Metric); s != nil {
			cell = fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.Min), number(s.Max))
		}
		fmt.Fprintf(b, " %22s", cell)
	}
	ours := r.find(line.Section, line.Case, hawser, line.Metric)
	for _, peer := range yardsticks {
		if slices.Contains(peers, peer) {
			fmt.Fprintf(b, " %14s", ours.ratio(peer))
		}
	}
	fmt.Fprintln(b)
}

// ratioName is the head of a column of ratios.
func ratioName(peer string) string {
	if peer == ceiling {
		return "of ceiling"
	}
	return hawser + "/" + peer
}

// ratio is how a series compares with a peer's, for people.
func (s *series) ratio(peer string) string {
	if s == nil || s.Ratios[peer] == 0 {
		return "-"
	}
	return strconv.FormatFloat(s.Ratios[peer], 'f', 2, 64)
}

// number prints three significant digits, or whole numbers above.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
