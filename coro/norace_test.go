//go:build !race

package coro_test

const (
	raceEnabled   = false
	manySuspended = 100_000
	deepNesting   = 10_000
)
