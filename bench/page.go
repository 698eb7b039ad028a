package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pageFile is the name of the report in its directory.
const pageFile = "index.html"

//go:embed page.html
var pageTemplate string

// page is a report: everything that was measured on one page that needs nothing else.
type page struct {
	Date, Command string
	Repetitions   int
	Machine       []fact
	Summary       []summary
	Sections      []pageSection
}

type pageSection struct {
	Name, What string
	First      []chart
	More       []chart // on demand
	Table      table
}

// summary is what came out of one chart's worth of figures, as factors: above 1 hawser is ahead.
type summary struct {
	Section, Metric string
	X, OpenSSH      span
	Ceiling         span
}

// span is the least and the most of some factors; zero without any.
type span struct{ Least, Most float64 }

// writeReport writes the page to a directory.
func (b *bench) writeReport() error {
	f, err := os.Create(filepath.Join(b.report, pageFile))
	if err != nil {
		return err
	}
	p := page{
		Date: time.Now().Format(time.DateOnly), Command: "go run ./bench " + strings.Join(b.args, " "),
		Repetitions: b.repetitions, Machine: machine(), Summary: b.results.summaries(), Sections: b.results.pageSections(),
	}
	if err := p.write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (p *page) write(w io.Writer) error {
	t, err := template.New(pageFile).Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

func (r *results) pageSections() []pageSection {
	var all []pageSection
	for _, t := range r.tables() {
		s := pageSection{Name: t.Section, Table: t}
		for _, known := range sections {
			if known.name == t.Section {
				s.What = known.what
			}
		}
		s.First, s.More = r.charts(t.Section)
		all = append(all, s)
	}
	return all
}

// summaries has a line for each metric that the charts show first.
func (r *results) summaries() []summary {
	var all []summary
	for _, section := range sectionNames() {
		for _, s := range r.list {
			if s.Section != section || s.Peer != hawser || strings.HasPrefix(s.Metric, "client") && !strings.Contains(s.Metric, "CPU") {
				continue
			}
			at := -1
			for i := range all {
				if all[i].Section == section && all[i].Metric == s.Metric {
					at = i
				}
			}
			if at < 0 {
				at = len(all)
				all = append(all, summary{Section: section, Metric: s.Metric})
			}
			all[at].X.add(s.factor(xcrypto))
			all[at].OpenSSH.add(s.factor(openssh))
			if s.More {
				all[at].Ceiling.add(s.factor(ceiling))
			}
		}
	}
	return all
}

// factor is how many times better a figure is than a peer's, 0 where that is not known.
func (s *series) factor(peer string) float64 {
	ratio := s.Ratios[peer]
	if s.More || ratio == 0 {
		return ratio
	}
	return 1 / ratio
}

func (s *span) add(factor float64) {
	switch {
	case factor == 0:
	case s.Most == 0:
		s.Least, s.Most = factor, factor
	default:
		s.Least, s.Most = min(s.Least, factor), max(s.Most, factor)
	}
}

// String is the span for people.
func (s span) String() string {
	least, most := number(s.Least), number(s.Most)
	switch {
	case s.Most == 0:
		return "–"
	case least == most:
		return least
	}
	return fmt.Sprintf("%s to %s", least, most)
}

// Class tells the page how a span is to be coloured.
func (s span) Class() string {
	switch {
	case s.Most == 0:
		return "none"
	case s.Least >= 1:
		return "ahead"
	case s.Most < 1:
		return "behind"
	}
	return "mixed"
}
