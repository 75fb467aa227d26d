package trace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/gohandoff/coroutine/coro"
)

// The convention for spans.
//
// A package whose work begins at one event and ends at another, with control
// going elsewhere in between, marks the two by their kinds, NAME-begin and
// NAME-end, and has both details begin with the same number: "12 4096 bytes at
// 0", "12 ok". A number may be used again when its span has ended. Exporters
// that can show a span show it; to all others these are events like any.
const (
	beginSuffix = "-begin"
	endSuffix   = "-end"
)

// A Phase tells what an event is to a span.
type Phase uint8

const (
	// NoSpan is an event by itself.
	NoSpan Phase = iota
	// Begin is the first event of a span.
	Begin
	// End is the last one.
	End
)

// A Span names spans of one kind, such as a block device's reads: a package
// keeps one in a variable.
type Span struct {
	begin, end coro.EventKind
}

// NewSpan makes a Span. It panics unless name is a word without spaces, such as
// "block-read".
func NewSpan(name string) Span {
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
		panic(fmt.Sprintf("trace: NewSpan(%q): want a word without spaces", name))
	}
	return Span{coro.EventKind(name + beginSuffix), coro.EventKind(name + endSuffix)}
}

// Begin traces that a span begins, if self's thread has a tracer: id tells it from
// others of its name that have not ended. It does not yield.
func (s Span) Begin(self *coro.Self, id uint64, detail string) {
	if self.Thread().Traced() {
		self.Trace(s.begin, nil, spanDetail(id, detail))
	}
}

// End traces that a span ends. It may be another coroutine that ends it.
func (s Span) End(self *coro.Self, id uint64, detail string) {
	if self.Thread().Traced() {
		self.Trace(s.end, nil, spanDetail(id, detail))
	}
}

func spanDetail(id uint64, detail string) string {
	return strings.TrimSuffix(strconv.FormatUint(id, 10)+" "+detail, " ")
}

// SpanOf tells whether an event begins or ends a span, of which name and number,
// and what else its detail says.
func SpanOf(kind coro.EventKind, detail string) (p Phase, name string, id uint64, rest string) {
	if name, ok := strings.CutSuffix(string(kind), beginSuffix); ok {
		p, kind = Begin, coro.EventKind(name)
	} else if name, ok := strings.CutSuffix(string(kind), endSuffix); ok {
		p, kind = End, coro.EventKind(name)
	}
	number, rest, _ := strings.Cut(detail, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if p == NoSpan || err != nil {
		return NoSpan, "", 0, ""
	}
	return p, string(kind), id, rest
}
