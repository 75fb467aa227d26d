// Package trace records what the coroutines of a [coro.Thread] do, and shows it:
// as text, as JSON lines, to Perfetto and to "go tool trace", as a diagram, and
// as a page to step through.
//
// # Recorders
//
// A recorder is a [coro.Tracer]; give it to a thread with [coro.WithTracer]. One
// recorder may serve several threads, and [Join] makes one of several.
//
//   - [Ring] keeps the last events in memory that never grows, for less than a
//     tenth of a microsecond a step and no allocation: leave it on, and ask it
//     when something has gone wrong.
//   - [Stream] hands every event to one or more sinks at once: a [Ladder] that
//     draws, a [JSONLWriter], [Slog], or a [Trace], which keeps everything.
//   - [Tasks] shows coroutines to "go tool trace".
//
// # Records
//
// An event holds handles; a [Record] holds words, and stays true when a
// coroutine is renamed or gone. To make one costs more than a switch, so a Ring
// makes them when it is asked, not before; what it shows is the name that a
// coroutine has by then. A Stream makes them at once, but keeps a creation back
// until the next event, as a coroutine gets its name just after New.
//
// # Exporters
//
// [WriteText], [WriteJSONL] (which [ReadJSONL] reads), [WritePerfetto],
// [WriteSVG] and [WriteHTML] write a Trace. The same trace always gives the same
// bytes. There is no time in a trace unless the recorder was given a clock
// ([WithClock]); without one the number of the step takes its place.
//
// Package live, beside this one, serves a Ring over HTTP.
package trace
