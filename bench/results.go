package main

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
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

// peers returns the peers that have results in a section.
func (r *results) peers(section string) []string {
	return slices.DeleteFunc(append(peerNames(), ceiling), func(name string) bool {
		return !slices.ContainsFunc(r.list, func(s *series) bool { return s.Section == section && s.Peer == name })
	})
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
