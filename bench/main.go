// Command bench is the ruler: it measures hawser against golang.org/x/crypto/ssh, and against OpenSSH where that is
// installed, each client and each server in a process of its own, the runs interleaved. README.md says how to read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Exit statuses.
const (
	exitFailed = 1 // a measurement failed
	exitUsage  = 2
)

func main() {
	if len(os.Args) == 3 && isChild(os.Args[1]) {
		os.Exit(runChild(os.Args[1], os.Args[2]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options is what the flags say.
type options struct {
	sections    []string
	suites      []suite
	peers       []string
	kex         string
	repetitions int
	bytes       int64
	logins      int
	trips       int
	connections []int
	delays      []int // milliseconds there and back
	json        bool
	profile     string
}

// sectionNames are the measurements, in the order in which they run.
var sectionNames = []string{"bulk", "logins", "roundtrip", "idle", "delay"}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	sections := f.String("sections", strings.Join(sectionNames, ","), "what to measure")
	suites := f.String("ciphers", defaultSuites(), "ciphers of bulk; also built: "+strings.Join(otherSuites(), ","))
	peers := f.String("peers", "hawser,x,openssh", "whom to measure")
	quick := f.Bool("quick", false, "tiny sizes, one repetition: does it work at all")
	f.StringVar(&o.kex, "kex", "curve25519-sha256", "key exchange of all peers")
	f.IntVar(&o.repetitions, "n", 5, "repetitions")
	f.Int64Var(&o.bytes, "bytes", 512<<20, "bytes of a bulk transfer")
	f.IntVar(&o.logins, "logins", 400, "logins of one measurement")
	f.IntVar(&o.trips, "trips", 20000, "one-byte round trips of one measurement")
	connections := f.String("connections", "500,1000", "numbers of idle connections")
	delays := f.String("delays", "50,100", "round trip times of delay, in milliseconds; its cipher is the first of -ciphers")
	f.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	f.StringVar(&o.profile, "profile", "", "existing directory for CPU and heap profiles of the Go processes")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *quick {
		o.repetitions, o.bytes, o.logins, o.trips, *connections = 1, 8<<20, 16, 200, "20"
		*delays = "2"
	}
	if err := o.finish(f.Args(), *sections, *suites, *peers); err != nil {
		return o, err
	}
	var err error
	if o.connections, err = numbers("connections", *connections); err == nil {
		o.delays, err = numbers("delays", *delays)
	}
	return o, err
}

// numbers takes apart the list of a flag.
func numbers(name, list string) ([]int, error) {
	var all []int
	for _, text := range strings.Split(list, ",") {
		var n int
		if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 1 {
			return nil, fmt.Errorf("-%s: %q is not a number of 1 or more", name, text)
		}
		all = append(all, n)
	}
	return all, nil
}

// finish takes the lists apart and checks what the flags say.
func (o *options) finish(rest []string, sections, suites, peers string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if o.repetitions < 1 || o.bytes < 1 || o.logins < 1 || o.trips < 1 {
		return errors.New("-n, -bytes, -logins and -trips are at least 1")
	}
	o.sections, o.peers = strings.Split(sections, ","), strings.Split(peers, ",")
	for _, name := range o.sections {
		if !slices.Contains(sectionNames, name) {
			return fmt.Errorf("no section %q; there are %s", name, strings.Join(sectionNames, ","))
		}
	}
	for _, name := range o.peers {
		if !slices.Contains(peerNames(), name) {
			return fmt.Errorf("no peer %q; there are %s", name, strings.Join(peerNames(), ","))
		}
	}
	for _, name := range strings.Split(suites, ",") {
		s, err := findSuite(name)
		if err != nil {
			return err
		}
		o.suites = append(o.suites, s)
	}
	return nil
}

// run measures and prints; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	b, err := newBench(o, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	defer b.close()
	failed := b.measure(ctx)
	if o.json {
		err = b.results.writeJSON(stdout)
	} else {
		err = b.results.writeTable(stdout)
	}
	if err != nil || failed > 0 || ctx.Err() != nil {
		fmt.Fprintf(stderr, "bench: %d measurements failed\n", failed)
		return exitFailed
	}
	return 0
}

// bench is one invocation.
type bench struct {
	*options
	dir      string // keys and configurations, removed at the end
	progress io.Writer
	results  results
}

func newBench(o *options, progress io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "hawser-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, dir: dir, progress: progress}
	if err := writeKeys(dir); err != nil {
		b.close()
		return nil, err
	}
	if reason := opensshMissing(); reason != "" && slices.Contains(b.peers, openssh) {
		fmt.Fprintf(progress, "without OpenSSH: %s\n", reason)
		b.peers = slices.DeleteFunc(b.peers, func(p string) bool { return p == openssh })
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// step is one measurement of one peer; it is repeated, in turn with the others.
type step struct {
	section, name, peer string
	run                 func(ctx context.Context) (string, error)
}

// measure runs all steps, the repetitions outermost, so that what disturbs the machine for a while disturbs every peer
// alike. It returns how many runs failed.
func (b *bench) measure(ctx context.Context) (failed int) {
	var steps []step
	for _, section := range b.sections {
		switch section {
		case "bulk":
			steps = append(steps, b.bulkSteps()...)
		case "logins":
			steps = append(steps, b.loginSteps()...)
		case "roundtrip":
			steps = append(steps, b.tripSteps()...)
		case "idle":
			steps = append(steps, b.idleSteps()...)
		case "delay":
			steps = append(steps, b.delaySteps()...)
		}
	}
	for i := range b.repetitions * len(steps) {
		s := steps[i%len(steps)]
		if ctx.Err() != nil {
			return failed
		}
		outcome, err := s.run(ctx)
		if err != nil {
			failed++
			outcome = "FAILED: " + err.Error()
		}
		fmt.Fprintf(b.progress, "[%d/%d] %s %s %s: %s\n", i+1, b.repetitions*len(steps), s.section, s.name, s.peer, outcome)
	}
	return failed
}
