package aio_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

var errBoom = errors.New("boom")

// Every place at which a program can end badly, with every way to do so. Run
// passes it on, everything else is unwound, and the loop can be run again.
func TestBadEndings(t *testing.T) {
	places := []struct {
		name string
		set  func(l *aio.Loop, bad func())
	}{
		{"task", func(l *aio.Loop, bad func()) {
			l.Go(func(*coro.Self) error { bad(); return nil })
		}},
		{"task that slept", func(l *aio.Loop, bad func()) {
			l.Go(func(self *coro.Self) error { aio.Sleep(self, time.Microsecond); bad(); return nil })
		}},
		{"child task", func(l *aio.Loop, bad func()) {
			l.Go(func(self *coro.Self) error {
				aio.Go(self, func(*coro.Self) error { bad(); return nil })
				aio.Sleep(self, time.Hour)
				return nil
			})
		}},
		{"bottom half", func(l *aio.Loop, bad func()) { l.Post(bad) }},
		{"bare coroutine", func(l *aio.Loop, bad func()) {
			l.Schedule(l.Thread().New(func(self *coro.Self) { aio.Yield(self); bad() }))
		}},
		{"body of Timeout", func(l *aio.Loop, bad func()) {
			l.Go(func(self *coro.Self) error {
				return aio.Timeout(self, time.Hour, func(self *coro.Self) error { bad(); return nil })
			})
		}},
		{"body of Timeout that slept", func(l *aio.Loop, bad func()) {
			l.Go(func(self *coro.Self) error {
				return aio.Timeout(self, time.Hour, func(self *coro.Self) error {
					aio.Sleep(self, time.Microsecond)
					bad()
					return nil
				})
			})
		}},
		{"offloaded work", func(l *aio.Loop, bad func()) {
			l.Go(func(self *coro.Self) error {
				_, err := aio.Offload(self, func() (int, error) { bad(); return 0, nil })
				return err
			})
		}},
		{"deferred call of a task that was cancelled while it slept", func(l *aio.Loop, bad func()) {
			task := l.Go(func(self *coro.Self) error {
				defer bad()
				aio.Sleep(self, time.Hour)
				return nil
			})
			l.Go(func(*coro.Self) error { task.Cancel(nil); return nil })
		}},
		{"policy", func(l *aio.Loop, bad func()) {
			policies[l].bad = bad
			l.Post(func() {})
			l.Post(func() {})
		}},
	}
	ways := []struct {
		name string
		bad  func()
	}{
		{"panic", func() { panic(errBoom) }},
		{"Goexit", func() { goexit() }},
	}
	for _, p := range places {
		for _, w := range ways {
			t.Run(p.name+"/"+w.name, func(t *testing.T) {
				eachHandoff(t, func(t *testing.T, loop newLoop) {
					policy := new(badPolicy)
					l := loop(aio.WithPolicy(policy))
					policies[l] = policy
					defer delete(policies, l)
					happened := false
					unwound := 0
					for range 2 {
						// One that is older than the bad one, one younger.
						l.Go(func(self *coro.Self) error {
							defer func() { unwound++ }()
							aio.Sleep(self, time.Hour)
							return nil
						})
						if !happened {
							p.set(l, func() { happened = true; policy.bad = nil; w.bad() })
						}
						happened = true
					}
					happened = false
					exited, v := exits(func() { t.Errorf("Run returned %v", l.Run(context.Background())) })
					if !happened {
						t.Fatal("it did not happen")
					}
					err, _ := v.(error)
					if w.name == "panic" && !errors.Is(err, errBoom) || w.name == "Goexit" && !exited {
						t.Errorf("Run: exited %v, panicked %v", exited, v)
					}
					if n := l.Thread().Live(); n != 0 {
						t.Errorf("live coroutines: got %d, want 0", n)
					}
					l.Go(sleepFor(0))
					run(t, l)
				})
			})
		}
	}
}

// A badPolicy ends badly once.
type badPolicy struct{ bad func() }

func (p *badPolicy) Next(int) int {
	if p.bad != nil {
		p.bad()
	}
	return 0
}

var policies = map[*aio.Loop]*badPolicy{}

func TestAPanicThatIsWaitedForIsTheWaitersBusiness(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		l.Go(func(self *coro.Self) error {
			bad := aio.Go(self, func(self *coro.Self) error { aio.Yield(self); panic(errBoom) })
			p, ok := caught(func() { _ = bad.Wait(self) }).(*coro.PanicError)
			if !ok || !errors.Is(p, errBoom) {
				t.Errorf("Wait: got %v", p)
			}
			wantIs(t, bad.Err(), errBoom)
			return nil
		})
		run(t, l)
	})
}

func TestTwoPanicsOnTheWayOut(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop()
		for range 3 {
			l.Schedule(l.Thread().New(func(self *coro.Self) {
				defer func() { panic("another") }()
				aio.Sleep(self, time.Hour)
			}))
		}
		l.Post(func() { l.Post(func() { panic("second") }); panic(errBoom) })
		if _, v := exits(func() { _ = l.Run(context.Background()) }); v == nil {
			t.Error("Run did not panic")
		}
		l.Go(sleepFor(0))
		run(t, l)
	})
}

func TestADeferredCallThatWaitsWhileCancelledIsDiagnosed(t *testing.T) {
	waits := map[string]func(self *coro.Self){
		"Yield":      aio.Yield,
		"Sleep":      func(self *coro.Self) { aio.Sleep(self, time.Second) },
		"Sleeper":    func(self *coro.Self) { new(aio.Sleeper).Sleep(self, time.Second) },
		"Timeout":    func(self *coro.Self) { _ = aio.Timeout(self, time.Second, stuck) },
		"Offload":    func(self *coro.Self) { aio.Offload(self, func() (int, error) { panic("done") }) },
		"Reschedule": func(self *coro.Self) { aio.Reschedule(self, elsewhere) },
		"Wait": func(self *coro.Self) {
			_ = aio.LoopOf(self).Go(sleepFor(time.Second)).Wait(self)
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, loop newLoop) {
				l := loop(virtual())
				elsewhere = loop()
				task := l.Go(func(self *coro.Self) error {
					defer wait(self)
					aio.Sleep(self, time.Hour)
					return nil
				})
				l.Go(func(self *coro.Self) error {
					task.Cancel(nil)
					p, ok := caught(func() { _ = task.Wait(self) }).(*coro.PanicError)
					if !ok || !errors.Is(p, coro.ErrKilledYield) {
						t.Errorf("got %v, want a panic for %q", p, coro.ErrKilledYield)
					}
					return nil
				})
				run(t, l)
			})
		})
	}
}

var elsewhere *aio.Loop

func TestATaskThatRecoversFromBeingCancelledIsUnwoundAgain(t *testing.T) {
	eachHandoff(t, func(t *testing.T, loop newLoop) {
		l := loop(virtual())
		tries := 0
		task := l.Go(func(self *coro.Self) error {
			for {
				func() {
					defer func() { _ = recover() }()
					tries++
					switch tries % 3 {
					case 0:
						aio.Yield(self)
					case 1:
						aio.Sleep(self, time.Hour)
					case 2:
						aio.Offload(self, func() (int, error) { return 0, nil })
					}
				}()
				if tries == 10 {
					aio.Yield(self)
				}
			}
		})
		l.Go(func(self *coro.Self) error { task.Cancel(errBoom); return nil })
		run(t, l)
		wantIs(t, task.Err(), errBoom)
		if tries < 10 {
			t.Errorf("tries: got %d, want 10", tries)
		}
	})
}

func TestMisuse(t *testing.T) {
	uses := map[string]func(self *coro.Self){
		"Yield":      aio.Yield,
		"Sleep":      func(self *coro.Self) { aio.Sleep(self, time.Second) },
		"Sleep 0":    func(self *coro.Self) { aio.Sleep(self, 0) },
		"Sleeper":    func(self *coro.Self) { new(aio.Sleeper).Sleep(self, time.Second) },
		"Timeout":    func(self *coro.Self) { _ = aio.Timeout(self, time.Second, stuck) },
		"Offload":    func(self *coro.Self) { aio.Offload(self, func() (int, error) { return 0, nil }) },
		"Reschedule": func(self *coro.Self) { aio.Reschedule(self, elsewhere) },
		"Wait":       func(self *coro.Self) { _ = elsewhereTask.Wait(self) },
		"WaitAny":    func(self *coro.Self) { aio.WaitAny(self, elsewhereTask, elsewhereTask) },
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			eachHandoff(t, func(t *testing.T, loop newLoop) {
				l := loop()
				elsewhere = loop()
				elsewhereTask = elsewhere.Go(sleepFor(0))
				wantMisuse(t, coro.ErrNil, func() { use(nil) })
				wantMisuse(t, coro.ErrNil, func() { use(new(coro.Self)) })
				wantMisuse(t, coro.ErrNoCaller, func() { use(l.Thread().Leader()) })
				wantMisuse(t, aio.ErrNoLoop, func() {
					thread := coro.NewThread()
					defer thread.Close()
					use(thread.Leader())
				})
				l.Go(func(self *coro.Self) error {
					self.Enter(self.New(func(inner *coro.Self) {
						wantMisuse(t, coro.ErrOutside, func() { use(self) })
					}))
					// The state is intact.
					aio.Yield(self)
					return nil
				})
				run(t, l)
				run(t, elsewhere)
			})
		})
	}
}

var elsewhereTask *aio.Task

func TestNilFunctions(t *testing.T) {
	l := loopsOn(t, coro.Channel)()
	wantMisuse(t, coro.ErrNilEntry, func() { l.Go(nil) })
	wantMisuse(t, aio.ErrNilFunc, func() { l.Post(nil) })
	l.Go(func(self *coro.Self) error {
		wantMisuse(t, coro.ErrNilEntry, func() { aio.Go(self, nil) })
		wantMisuse(t, aio.ErrNilFunc, func() { aio.Offload[int](self, nil) })
		return nil
	})
	run(t, l)
}

// Nothing is left after Run, whatever it ends by.
func TestNothingIsLeft(t *testing.T) {
	for _, h := range []coro.Handoff{coro.Channel, coro.Direct} {
		for name, end := range map[string]func(l *aio.Loop, cancel func()){
			"nothing left": func(*aio.Loop, func()) {},
			"ctx": func(l *aio.Loop, cancel func()) {
				l.Go(func(self *coro.Self) error { cancel(); aio.Sleep(self, time.Hour); return nil })
			},
			"deadlock": func(l *aio.Loop, _ func()) { l.Go(stuck) },
			"panic":    func(l *aio.Loop, _ func()) { l.Post(func() { panic(errBoom) }) },
			"Goexit":   func(l *aio.Loop, _ func()) { l.Post(goexit) },
		} {
			t.Run(h.String()+"/"+name, func(t *testing.T) {
				before := runtime.NumGoroutine()
				l := aio.NewLoop(aio.WithIsolated(), aio.WithThread(coro.WithHandoff(h), coro.WithPool(0)))
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				for range 5 {
					l.Go(func(self *coro.Self) error {
						aio.Go(self, sleepFor(time.Millisecond))
						_, err := aio.Offload(self, func() (int, error) { return 0, nil })
						return err
					})
				}
				end(l, cancel)
				exits(func() { _ = l.Run(ctx) })
				cancel()
				for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
					if time.Now().After(deadline) {
						t.Fatalf("goroutines: got %d, want %d", runtime.NumGoroutine(), before)
					}
				}
				if err := l.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
	}
}
