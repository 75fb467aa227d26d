package browser_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

// recorded traces body.
func recorded(t *testing.T, body func(th *coro.Thread)) *trace.Trace {
	t.Helper()
	tr := new(trace.Trace)
	s := trace.NewStream(tr)
	th := coro.NewThread(coro.WithTracer(s))
	body(th)
	if err := th.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestViews looks at several pages in one browser: to start one takes seconds.
func TestViews(t *testing.T) {
	ctx := browser(t)
	for name, look := range map[string]func(t *testing.T, ctx context.Context){
		"empty": emptyPage, "kinds": kindsOfPage, "zoom": zoomKeepsTheSelectedStep, "picture": pictureOfPage,
	} {
		t.Run(name, func(t *testing.T) { look(t, ctx) })
	}
}

func emptyPage(t *testing.T, ctx context.Context) {
	show(t, ctx, new(trace.Trace))
	want(t, ctx, "#what", "This trace has no steps")
	if !eval[bool](t, ctx, "document.getElementById('near').hidden && document.getElementById('called').hidden") {
		t.Error("headings of nothing are shown")
	}
	run(t, ctx, chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent("+"), click("#last"))
	want(t, ctx, "#what", "This trace has no steps")
}

// The two ends of a span are one kind to choose, and what does not move control is
// dashed, as the legend says.
func kindsOfPage(t *testing.T, ctx context.Context) {
	show(t, ctx, recorded(t, func(th *coro.Thread) {
		read := trace.NewSpan("read")
		th.Enter(th.New(func(self *coro.Self) {
			read.Begin(self, 1, "")
			read.End(self, 1, "")
		}).SetName("\u202ereversed"))
	}))
	want(t, ctx, "#what", "leader → \ufffdreversed: create")
	if got := eval[int](t, ctx, "document.querySelectorAll('#kinds button').length"); got != 4 {
		t.Errorf("kinds to choose: got %d, want create, enter, read and terminate", got)
	}
	want(t, ctx, `[data-kind="read"]`, "read 2")
	run(t, ctx, click("#next"), click(`[data-kind="read"]`), click("#next"))
	want(t, ctx, "#what", "terminate")
	run(t, ctx, click(`[data-kind="read"]`), click("#prev"))
	want(t, ctx, "#what", "read-end")
}

func zoomKeepsTheSelectedStep(t *testing.T, ctx context.Context) {
	page(t, ctx, 20, 400)
	run(t, ctx, chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.ArrowLeft+kb.ArrowLeft+kb.ArrowLeft))
	const at = "timeline.xOf(timeline.selected())"
	before := eval[float64](t, ctx, at)
	run(t, ctx, chromedp.KeyEvent("+"))
	if got := eval[float64](t, ctx, at); got < before-1 || got > before+1 {
		t.Errorf("the selected step goes from %v to %v", before, got)
	}
	run(t, ctx, chromedp.KeyEvent("+++++++"))
	if !eval[bool](t, ctx, at+" < document.getElementById('timeline').clientWidth && "+at+" > 150") {
		t.Error("the selected step is not in view")
	}
}

// Where there is no room for arrows, what ended badly is red all the same, and a
// canvas that gets another size is not empty until the next frame.
func pictureOfPage(t *testing.T, ctx context.Context) {
	show(t, ctx, recorded(t, func(th *coro.Thread) {
		for i := range 300 {
			th.Enter(th.New(func(self *coro.Self) { self.Yield() }).SetName(fmt.Sprint(i)))
		}
	}))
	run(t, ctx, click("#dense"))
	const pixel = `(x, y) => { const r = devicePixelRatio || 1; timeline.draw();
		return Array.from(document.getElementById('timeline').getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data) }`
	// Close kills the newest first, so the leader's lane is 0 and the first kill is of lane 300.
	got := eval[[]int](t, ctx, fmt.Sprintf("(%s)(timeline.xOf(900), timeline.yOf(300))", pixel))
	if got[0] < got[1]+80 || got[0] < got[2]+80 {
		t.Errorf("the place of a kill is %v, want red", got)
	}

	eval[bool](t, ctx, `(() => { requestAnimationFrame(() => {
		document.querySelector('main').style.gridTemplateColumns = '1fr 300px';
		requestAnimationFrame(() => { window.seen = document.getElementById('timeline').getContext('2d').getImageData(2, 2, 1, 1).data[3] });
	}); return true })()`)
	for eval[bool](t, ctx, "window.seen === undefined") {
	}
	if got := eval[int](t, ctx, "window.seen"); got != 255 {
		t.Errorf("after a change of size the canvas has an alpha of %d, want 255", got)
	}
}
