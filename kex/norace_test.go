//go:build !race

package kex

// raceEnabled thins the long loops: the race detector makes them many times slower and they have one goroutine each.
const raceEnabled = false
