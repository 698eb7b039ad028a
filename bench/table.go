package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// table is the figures of one section as people read them: a line for each figure, a column for each peer, and how hawser
// compares with some of them.
type table struct {
	Section string
	Peers   []string
	Ratios  []string // heads of their columns
	Lines   []tableLine
}

type tableLine struct {
	Case, Metric string
	Cells        []string // median (min-max) of each peer
	Ratios       []string
}

// tables makes one of each section that has results.
func (r *results) tables() []table {
	var all []table
	for _, section := range sectionNames() {
		t := r.newTable(section)
		seen := map[[2]string]bool{}
		for _, s := range r.list {
			if line := [2]string{s.Case, s.Metric}; s.Section == section && !seen[line] {
				seen[line] = true
				t.Lines = append(t.Lines, r.newLine(s, t.Peers))
			}
		}
		if len(t.Lines) > 0 {
			all = append(all, t)
		}
	}
	return all
}

func (r *results) newTable(section string) table {
	t := table{Section: section, Peers: r.peers(section)}
	for _, peer := range yardsticks {
		if slices.Contains(t.Peers, peer) {
			t.Ratios = append(t.Ratios, ratioName(peer))
		}
	}
	return t
}

func (r *results) newLine(of *series, peers []string) tableLine {
	l := tableLine{Case: of.Case, Metric: of.Metric}
	for _, peer := range peers {
		cell := "-"
		if s := r.find(of.Section, of.Case, peer, of.Metric); s != nil {
			cell = fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.Min), number(s.Max))
		}
		l.Cells = append(l.Cells, cell)
	}
	ours := r.find(of.Section, of.Case, hawser, of.Metric)
	for _, peer := range yardsticks {
		if slices.Contains(peers, peer) {
			l.Ratios = append(l.Ratios, ours.ratio(peer))
		}
	}
	return l
}

// writeTable prints all tables.
func (r *results) writeTable(w io.Writer) error {
	var b strings.Builder
	for _, t := range r.tables() {
		t.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) write(b *strings.Builder) {
	cases, metrics := 0, 0
	for _, l := range t.Lines {
		cases, metrics = max(cases, len(l.Case)), max(metrics, len(l.Metric))
	}
	fmt.Fprintf(b, "\n%-*s", cases+1+metrics, t.Section+": median (min-max)")
	for _, peer := range t.Peers {
		fmt.Fprintf(b, " %22s", peer)
	}
	for _, ratio := range t.Ratios {
		fmt.Fprintf(b, " %14s", ratio)
	}
	b.WriteByte('\n')
	for _, l := range t.Lines {
		fmt.Fprintf(b, "%-*s %-*s", cases, l.Case, metrics, l.Metric)
		for _, cell := range l.Cells {
			fmt.Fprintf(b, " %22s", cell)
		}
		for _, ratio := range l.Ratios {
			fmt.Fprintf(b, " %14s", ratio)
		}
		b.WriteByte('\n')
	}
}
