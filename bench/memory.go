package main

import (
	"runtime"
	"runtime/debug"
)

// memory is what a process holds.
type memory struct {
	Heap       float64 // bytes in use; 0 where only the system's figure is known
	Stacks     float64 // bytes in use
	Resident   float64 // bytes in RAM
	Goroutines float64
}

func (m memory) minus(o memory) memory {
	return memory{m.Heap - o.Heap, m.Stacks - o.Stacks, m.Resident - o.Resident, m.Goroutines - o.Goroutines}
}

// ownMemory looks at this process after collections: two, to empty the pools, and one more, as each shrinks the stacks
// by half at most. What is free then goes back to the system.
func ownMemory() memory {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{
		Heap: float64(m.HeapInuse), Stacks: float64(m.StackInuse), Resident: residentBytes(),
		Goroutines: float64(runtime.NumGoroutine()),
	}
}
