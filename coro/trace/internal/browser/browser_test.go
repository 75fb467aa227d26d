// Package browser_test looks at the page of a trace in a browser. It is a folder
// of its own so that nobody who imports package trace meets what drives one.
package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"go.uber.org/goleak"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// browser starts a headless Chromium, which ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	file := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			file = p
			break
		}
	}
	if file == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium: CI installs it")
		}
		t.Skip("no Chromium here: install it to test the page")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(file), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1200, 800), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("ending the browser: %v", err)
		}
	})
	return ctx
}

// page writes a trace of n coroutines that pass control on, steps times, and
// opens it from its file.
func page(t *testing.T, ctx context.Context, n, steps int) {
	t.Helper()
	recorded := &trace.Trace{Title: "baton"}
	s := trace.NewStream(recorded, trace.WithClock(func() time.Duration { return time.Duration(len(recorded.Records)) * time.Microsecond }))
	th := coro.NewThread(coro.WithTracer(s), coro.WithSites())
	all := make([]*coro.Coroutine, n)
	for i := range all {
		all[i] = th.New(func(self *coro.Self) {
			for {
				if i == 0 && n > 1 {
					self.Enter(all[1])
				}
				self.Yield()
			}
		}).SetName(fmt.Sprintf("worker-%03d", i+1))
	}
	for i := range steps {
		th.Enter(all[i%n])
	}
	if err := th.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	show(t, ctx, recorded)
}

// show opens the page of a trace from its file.
func show(t *testing.T, ctx context.Context, recorded *trace.Trace) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := trace.WriteHTML(f, recorded); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.Navigate("file://"+file)) // returns when the page has loaded
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, js string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// click presses the mouse in the middle of an element, where whatever lies over
// it would be hit instead. Positions are asked for by script: what the driver
// knows of a document's nodes depends on the browser's version.
func click(selector string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (v chromedp.Void, err error) {
		at, err := chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => {
			const r = document.querySelector(%q).getBoundingClientRect();
			return [r.x + r.width / 2, r.y + r.height / 2] })()`, selector))(ctx, target)
		if err != nil {
			return v, err
		}
		return chromedp.MouseClickXY(at[0], at[1])(ctx, target)
	}
}

func text(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	return strings.Join(strings.Fields(eval[string](t, ctx, fmt.Sprintf("document.querySelector(%q).innerText", selector))), " ")
}

func want(t *testing.T, ctx context.Context, selector, part string) {
	t.Helper()
	if got := text(t, ctx, selector); !strings.Contains(got, part) {
		t.Errorf("%s: got %q, want it to have %q", selector, got, part)
	}
}

func TestPage(t *testing.T) {
	ctx := browser(t)
	page(t, ctx, 5, 10)
	want(t, ctx, "#summary", "5 coroutines · ")
	want(t, ctx, "#what", "leader → worker-001: create")

	// Steps by keys and by buttons.
	run(t, ctx, chromedp.KeyEvent(kb.ArrowRight), click("#next"))
	want(t, ctx, "#what", "leader → worker-003: create")
	run(t, ctx, click("#prev"))
	want(t, ctx, "#what", "leader → worker-002: create")
	want(t, ctx, "#facts", "browser/browser_test.go:")
	run(t, ctx, chromedp.KeyEvent(kb.End))
	want(t, ctx, "#what", "worker-001 → leader: terminate")
	run(t, ctx, chromedp.KeyEvent(kb.Home))

	// A click on a place selects what is there, with its callers: event 6 is
	// worker-001 entering worker-002.
	at := eval[[]float64](t, ctx, `(() => { const r = document.getElementById('timeline').getBoundingClientRect();
		return [r.x + timeline.xOf(6), r.y + timeline.yOf(2)] })()`)
	run(t, ctx, chromedp.MouseClickXY(at[0], at[1]))
	want(t, ctx, "#what", "worker-001 → worker-002: enter")
	want(t, ctx, "#callers", "worker-001 leader")

	// Zoom in, out, and to fit.
	before := eval[float64](t, ctx, "timeline.zoom()")
	run(t, ctx, chromedp.KeyEvent("+"), click("#in"))
	if got := eval[float64](t, ctx, "timeline.zoom()"); got <= before {
		t.Errorf("zoom in: got %v, want more than %v", got, before)
	}
	run(t, ctx, click("#fit"))
	if got := eval[float64](t, ctx, "timeline.zoom()"); got != before {
		t.Errorf("fit: got %v, want %v", got, before)
	}

	// A kind that is filtered out is stepped over.
	run(t, ctx, click(`[data-kind="create"]`), click("#first"))
	want(t, ctx, "#what", "leader → worker-001: enter")

	// Few lanes share the room, and a long title is not cut while there is some.
	if got := eval[float64](t, ctx, "timeline.row()"); got < 60 {
		t.Errorf("rows of six lanes: got %v pixels, want 60 or more", got)
	}
	if got := eval[bool](t, ctx, `(() => { const h = document.querySelector('h1');
		h.textContent = 'a title of many words '.repeat(7); return h.scrollHeight <= h.clientHeight && h.scrollWidth <= h.clientWidth })()`); !got {
		t.Error("a title of 150 letters is cut")
	}
	if got := eval[bool](t, ctx, "document.getElementById('dense').hidden"); !got {
		t.Error("six lanes: the button for all at once is shown")
	}

	// Dark and light.
	ground := func() string {
		return eval[string](t, ctx, "getComputedStyle(document.body).backgroundColor")
	}
	was := ground()
	run(t, ctx, click("#theme"))
	if got := ground(); got == was {
		t.Errorf("ground after a click on the theme: got %s again", got)
	}
	run(t, ctx, click("#axis"))
	if got := eval[string](t, ctx, "document.getElementById('axis').getAttribute('aria-pressed')"); got != "true" {
		t.Errorf("axis of time: pressed is %q", got)
	}
}

func TestSearch(t *testing.T) {
	ctx := browser(t)
	page(t, ctx, 500, 1000)
	run(t, ctx, chromedp.KeyEvent("/"))
	// The driver's slash is typed even though the page has taken its key.
	if got := eval[string](t, ctx, "(() => { const e = document.activeElement; e.value = ''; return e.id })()"); got != "search" {
		t.Errorf("focus after a slash: got %q, want the search", got)
	}
	run(t, ctx, chromedp.KeyEvent("worker-45"))
	want(t, ctx, "#found", "10 of 501")
	if got := eval[float64](t, ctx, "timeline.scroll()"); got == 0 {
		t.Error("the lanes found have not been scrolled to")
	}
	run(t, ctx, chromedp.KeyEvent("7"+kb.Enter))
	want(t, ctx, "#what", "worker-457")
	const inView = "timeline.yOf(457) > 0 && timeline.yOf(457) < document.getElementById('timeline').clientHeight"
	if !eval[bool](t, ctx, inView) {
		t.Error("the lane that was gone to is not in view")
	}
	// All lanes at once, and back to a row for each, with what is selected in it.
	run(t, ctx, click("#dense"))
	if got := eval[float64](t, ctx, "timeline.row() * 501 + timeline.yOf(0) - document.getElementById('timeline').clientHeight"); got > 1 {
		t.Errorf("all lanes: they go on for %v pixels below the edge", got)
	}
	run(t, ctx, click("#dense"))
	if !eval[bool](t, ctx, inView) {
		t.Error("the lane selected is not in view after all lanes were shown")
	}
	run(t, ctx, click("#search"), chromedp.KeyEvent(kb.Escape))
	if got := text(t, ctx, "#found"); got != "" {
		t.Errorf("found after Escape: got %q", got)
	}
}

// TestStaysFluid draws a hundred thousand events at every zoom. The bound is a
// tenfold of what a slow machine takes: it finds work that grows with the trace.
func TestStaysFluid(t *testing.T) {
	ctx := browser(t)
	page(t, ctx, 500, 50_000)
	want(t, ctx, "#summary", "101,")
	ms := eval[[]float64](t, ctx, `(() => { const all = [];
		for (let i = 0; i < 20; i++) {
			const t = performance.now();
			for (let k = 0; k < 5; k++) timeline.draw();
			all.push((performance.now() - t) / 5);
			document.getElementById('in').click();
		}
		return all })()`)
	for i, d := range ms {
		if d > 160 {
			t.Errorf("a frame at zoom %d: %.1f ms, want at most 160", i, d)
		}
	}
	t.Logf("frames: %.1f ms", ms)

	all := eval[[]float64](t, ctx, `(() => { const all = [];
		document.getElementById('fit').click(); document.getElementById('dense').click();
		for (let i = 0; i < 10; i++) {
			const t = performance.now();
			for (let k = 0; k < 5; k++) timeline.draw();
			all.push((performance.now() - t) / 5);
			document.getElementById('in').click();
		}
		return all })()`)
	for i, d := range all {
		if d > 400 {
			t.Errorf("a frame of all lanes at zoom %d: %.1f ms, want at most 400", i, d)
		}
	}
	t.Logf("frames of all lanes: %.1f ms", all)
}
