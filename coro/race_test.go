//go:build race

package coro_test

// The race detector bears 8,128 goroutines at a time.
const (
	raceEnabled   = true
	manySuspended = 5_000
	deepNesting   = 5_000
)
