package coro

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

const modulePath = "github.com/gohandoff/coroutine"

// isMachinery reports whether a function is part of what moves control, or of a
// library that parks on behalf of its caller: not what a reader of a message
// wants to see as the place where something happened.
func isMachinery(function string) bool {
	for _, p := range [...]string{
		modulePath + "/coro.", modulePath + "/coro/cosync.", modulePath + "/coro/aio.",
		modulePath + "/internal/handoff.", "iter.", "runtime.",
	} {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// callerPC returns the program counter of the innermost frame outside the
// machinery, 0 if there is none.
func callerPC() uintptr {
	var pcs [24]uintptr
	n := runtime.Callers(3, pcs[:])
	for _, pc := range pcs[:n] {
		// pc is a return address: the call is before it. FuncForPC knows of
		// inlining, and allocates nothing, which CallersFrames does.
		if f := runtime.FuncForPC(pc - 1); f != nil && !isMachinery(f.Name()) {
			return pc
		}
	}
	return 0
}

// here is callerPC where sites are kept, else 0.
func (t *Thread) here() uintptr {
	if !t.in(modeSites) {
		return 0
	}
	return callerPC()
}

// frames symbolises pcs and drops the machinery at both ends: that which parked
// or panicked, and that which started the goroutine.
func frames(pcs []uintptr) []runtime.Frame {
	if len(pcs) == 0 {
		return nil
	}
	var all []runtime.Frame
	it := runtime.CallersFrames(pcs)
	for {
		f, more := it.Next()
		if f.Function == modulePath+"/coro.(*runner).Run" || f.Function == "runtime.goexit" || f.Function == "runtime.main" {
			break
		}
		if len(all) > 0 || !isMachinery(f.Function) {
			all = append(all, f)
		}
		if !more {
			break
		}
	}
	for len(all) > 0 && isMachinery(all[len(all)-1].Function) {
		all = all[:len(all)-1]
	}
	return all
}

// stackHere returns the stack of the calling goroutine.
func stackHere() []uintptr {
	pcs := make([]uintptr, 128)
	return pcs[:runtime.Callers(2, pcs)]
}

// place gives a frame as "dir/file.go:12 (pkg.func)": short enough for a line,
// and the same on every machine.
func place(f runtime.Frame) string {
	if f.File == "" {
		return "unknown place"
	}
	return fmt.Sprintf("%s:%d (%s)", shortFile(f.File), f.Line, f.Function[strings.LastIndexByte(f.Function, '/')+1:])
}

func shortFile(file string) string {
	return path.Join(path.Base(path.Dir(file)), path.Base(file))
}

// placeOf gives the place of the innermost frame of a stack that is not
// machinery.
func placeOf(pcs []uintptr) string {
	if fs := frames(pcs); len(fs) > 0 {
		return place(fs[0])
	}
	return "unknown place"
}

func placeOfPC(pc uintptr) string { return placeOf([]uintptr{pc}) }

// createdAt says where s was created: the New if sites are kept, else where the
// entry function begins, which costs nothing to keep.
func (s *Self) createdAt() string {
	if pc := s.site(); pc != 0 {
		return placeOfPC(pc)
	}
	if s.id == 0 {
		return ""
	}
	f := runtime.FuncForPC(s.pc)
	if f == nil {
		return "unknown place"
	}
	name := f.Name()[strings.LastIndexByte(f.Name(), '/')+1:]
	if method, ok := strings.CutSuffix(name, "-fm"); ok {
		return "entry " + method // a method value begins in no file
	}
	file, line := f.FileLine(f.Entry())
	return fmt.Sprintf("entry %s at %s:%d", name, shortFile(file), line)
}

// A level is one member of a chain of callers, with its stack.
type level struct {
	self  *Self
	stack []uintptr
}

// chain returns the running self and its callers, innermost first, each with
// the stack of its own goroutine, which it is asked for where it waits.
func (self *Self) chain() []level {
	levels := []level{{self, stackHere()}}
	self.askCallers(&levels)
	return levels
}

func (self *Self) askCallers(levels *[]level) {
	if self.w == nil {
		return
	}
	by := self.by()
	asked := self.w.AskBack(func() {
		*levels = append(*levels, level{by, stackHere()})
		by.askCallers(levels)
	})
	if !asked {
		// Locked to an OS thread: names only.
		*levels = append(*levels, by.chainOfNames()...)
	}
}
