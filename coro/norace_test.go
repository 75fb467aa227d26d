//go:build !race

package coro_test

const (
	manySuspended = 100_000
	deepNesting   = 10_000
)
