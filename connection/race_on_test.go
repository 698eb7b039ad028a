//go:build race

package connection

// The race detector makes sync.Pool drop buffers on purpose.
const raceEnabled = true
