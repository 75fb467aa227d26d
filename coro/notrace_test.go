//go:build coro_notrace

package coro_test

import (
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

// A build that cannot watch must say so, rather than watch nothing in silence.
func TestNoTraceRefusesToWatch(t *testing.T) {
	for name, option := range map[string]coro.Option{
		"WithTracer":         coro.WithTracer(new(deafTracer)),
		"WithSites":          coro.WithSites(),
		"WithAbandonReports": coro.WithAbandonReports(func(coro.Abandoned) {}),
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "coro: "+name+": built without it") {
					t.Errorf("%s: panic %q, want one that says that it is not there", name, got)
				}
			}()
			coro.NewThread(option)
		}()
	}
	if coro.NewThread(coro.WithTracer(nil)).Traced() {
		t.Error("a thread without a tracer is traced")
	}
}
