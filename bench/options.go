package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/kex"
)

// options is what the flags say.
type options struct {
	sections    []string
	suites      []suite
	peers       []string
	ceiling     bool
	kex         []string // of all peers; more than the first are for logins
	hostKeys    []string // kinds; more than the first are for logins
	repetitions int
	bytes       int64
	channels    []int
	writes      []int // bytes
	logins      int
	trips       int
	opens       int
	connections []int
	delays      []int // milliseconds there and back
	files       int
	args        []string // the command line
	json        bool
	report      string
	profile     string
}

// quickly are the flags of -quick; what the command line says goes before.
var quickly = map[string]string{
	"n": "1", "bytes": "2097152", "channels": "1,100", "writes": "32768,64", "logins": "8", "trips": "200", "opens": "200",
	"connections": "20", "delays": "2", "files": "20", "ciphers": "aes128-gcm,aes128-ctr+etm",
	"kex": "curve25519-sha256", "hostkeys": "ed25519",
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{args: args}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	quick := f.Bool("quick", false, "tiny sizes, one repetition: does it work at all")
	lists := o.define(f)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if *quick {
		given := map[string]bool{}
		f.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range quickly {
			if !given[name] {
				if err := f.Set(name, value); err != nil {
					return nil, err
				}
			}
		}
	}
	if o.repetitions < 1 || o.bytes < 1 || o.logins < 1 || o.trips < 1 || o.opens < 1 || o.files < 1 {
		return nil, errors.New("-n, -bytes, -logins, -trips, -opens and -files are at least 1")
	}
	return o, lists.parse(o)
}

// lists are the flags that are taken apart when all are read.
type lists struct {
	sections, suites, peers, kex, hostKeys *string
	channels, writes, connections, delays  *string
}

func (o *options) define(f *flag.FlagSet) *lists {
	f.BoolVar(&o.ceiling, "ceiling", false, "measure bulk without SSH, too: framing, cipher and loopback TCP; a column says how much of it is reached")
	f.IntVar(&o.repetitions, "n", 5, "repetitions")
	f.Int64Var(&o.bytes, "bytes", 512<<20, "bytes of a bulk transfer")
	f.IntVar(&o.logins, "logins", 400, "logins of one measurement")
	f.IntVar(&o.trips, "trips", 20000, "one-byte round trips of one measurement")
	f.IntVar(&o.opens, "opens", 20000, "channels that one measurement opens and closes")
	f.IntVar(&o.files, "files", 10000, "small files of sftp")
	f.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	f.StringVar(&o.report, "report", "", "existing `directory` for a page with charts, index.html")
	f.StringVar(&o.profile, "profile", "", "existing `directory` for CPU and heap profiles of the Go processes")
	return &lists{
		sections:    f.String("sections", strings.Join(sectionNames(), ","), "what to measure"),
		suites:      f.String("ciphers", defaultSuites, "`list` of ciphers of bulk, with their MACs as in aes256-ctr+hmac-sha2-512; "+allSuites+" is all that are built; other sections take the first"),
		peers:       f.String("peers", strings.Join(peerNames(), ","), "whom to measure"),
		kex:         f.String("kex", defaultKex, "`list` of key exchanges of logins; other sections take the first"),
		hostKeys:    f.String("hostkeys", strings.Join(hostKeyKinds(), ","), "`list` of kinds of host keys of logins; other sections take the first"),
		channels:    f.String("channels", "1,8,100", "`list` of numbers of channels that carry bulk at once"),
		writes:      f.String("writes", "32768,1024,64", "`list` of sizes of writes of bulk over channels, in bytes"),
		connections: f.String("connections", "1000,5000", "`list` of numbers of idle connections"),
		delays:      f.String("delays", "20,50,100,200", "`list` of round trip times of delay, in milliseconds"),
	}
}

// defaultKex is the key exchanges of logins unless told otherwise.
var defaultKex = strings.Join([]string{kex.Curve25519, kex.MLKEM768X25519, kex.ECDHP256, kex.DHGroup14}, ",")

// parse takes the lists apart and checks what they say.
func (l *lists) parse(o *options) (err error) {
	for _, list := range []struct {
		what  string
		text  string
		known []string
		names *[]string
	}{
		{"section", *l.sections, sectionNames(), &o.sections},
		{"peer", *l.peers, peerNames(), &o.peers},
		{"key exchange", *l.kex, kexNames(), &o.kex},
		{"kind of host key", *l.hostKeys, hostKeyKinds(), &o.hostKeys},
	} {
		*list.names = strings.Split(list.text, ",")
		for _, name := range *list.names {
			if !slices.Contains(list.known, name) {
				return fmt.Errorf("no %s %q; there are %s", list.what, name, strings.Join(list.known, ","))
			}
		}
	}
	for _, list := range []struct {
		flag, text string
		numbers    *[]int
	}{
		{"channels", *l.channels, &o.channels}, {"writes", *l.writes, &o.writes},
		{"connections", *l.connections, &o.connections}, {"delays", *l.delays, &o.delays},
	} {
		if *list.numbers, err = numbers(list.flag, list.text); err != nil {
			return err
		}
	}
	o.suites, err = parseSuites(*l.suites)
	return err
}

// numbers takes apart the list of a flag.
func numbers(name, list string) ([]int, error) {
	var all []int
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-%s: %q is not a number of 1 or more", name, text)
		}
		all = append(all, n)
	}
	return all, nil
}

// kexNames are all that are built.
func kexNames() []string {
	var names []string
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		names = append(names, m.Name)
	}
	return names
}
