package kex

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of a file of groups.
const (
	maxModuliLine   = 8 << 10 // bytes; the largest modulus takes 2 KiB
	maxModuliGroups = 16 << 10
)

// Numbers in a file of groups, see moduli(5) of OpenSSH.
const (
	moduliFields    = 7
	moduliSafePrime = 2    // type: p and (p-1)/2 are prime
	moduliComposite = 0x01 // test: p has been found not to be a prime
)

var errModuliLine = errors.New("kex: not a line of a moduli file")

// ParseModuli reads the groups of a file in the format of OpenSSH's /etc/ssh/moduli: a line a group, of time, type,
// tests, trials, size, generator and modulus. Groups that are not of safe primes, that were not tested or have failed a
// test, and those of sizes that NewGroup refuses are left out. An error names the line. The primes are not proved
// again: that takes a second for each; see Group.Prove.
func ParseModuli(r io.Reader) ([]Group, error) {
	var groups []Group
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxModuliLine)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		g, ok, err := parseModulus(line)
		if err == nil && len(groups) == maxModuliGroups {
			err = errors.New("too many groups")
		}
		if err != nil {
			return nil, fmt.Errorf("moduli line %d: %w", n, err)
		}
		if ok {
			groups = append(groups, g)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("moduli line %d: %w", n, err)
	}
	return groups, nil
}

// parseModulus reads a line; ok is false for a group that is not to be used.
func parseModulus(line string) (g Group, ok bool, err error) {
	fields := strings.Fields(line)
	if len(fields) != moduliFields {
		return Group{}, false, errModuliLine
	}
	var numbers [4]uint64 // type, tests, trials, size
	for i := range numbers {
		if numbers[i], err = strconv.ParseUint(fields[1+i], 10, 32); err != nil {
			return Group{}, false, errModuliLine
		}
	}
	generator, errG := parseHex(fields[5])
	modulus, errP := parseHex(fields[6])
	if errG != nil || errP != nil {
		return Group{}, false, errModuliLine
	}
	kind, tests, size := numbers[0], numbers[1], numbers[3]
	if kind != moduliSafePrime || tests&moduliComposite != 0 || tests == 0 || size+1 < MinGroupBits || size+1 > MaxGroupBits {
		return Group{}, false, nil
	}
	g, err = NewGroup(modulus, generator)
	if err == nil && uint64(g.Bits()) != size+1 { // the file counts from the bit below the highest
		err = errModuliLine
	}
	return g, err == nil, err
}

func parseHex(s string) ([]byte, error) {
	if len(s)%2 == 1 {
		s = "0" + s
	}
	return hex.DecodeString(s)
}
