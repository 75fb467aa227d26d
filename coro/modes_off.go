//go:build coro_notrace

package coro

const hasModes = false
