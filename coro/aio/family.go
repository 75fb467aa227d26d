package aio

import "sync"

// families guards who is whose child, and who is on which loop, for all tasks of
// all loops: a parent and a child may be on different ones. Under it is also
// Task.cause, which only the line of control of the task's loop changes.
var families sync.Mutex

// A family is a list of tasks that are not finished, in the order in which they
// joined: the children of a task, or the tasks on a loop.
type family struct{ first, last *Task }

// link is the place of a task in one kind of list.
type link struct {
	in         *family
	prev, next *Task
}

// A kind of list is told by which link of a task it uses.
func asChild(t *Task) *link { return &t.sibling }
func onLoop(t *Task) *link  { return &t.mate }

// list returns the tasks of f.
func (f *family) list(kind func(*Task) *link) []*Task {
	families.Lock()
	defer families.Unlock()
	var ts []*Task
	for t := f.first; t != nil; t = kind(t).next {
		ts = append(ts, t)
	}
	return ts
}

// add puts t at the end of f. The caller holds families.
func (f *family) add(t *Task, kind func(*Task) *link) {
	*kind(t) = link{in: f, prev: f.last}
	if f.last == nil {
		f.first = t
	} else {
		kind(f.last).next = t
	}
	f.last = t
}

// leave takes t off the list that it is in, if it is in one. The caller holds
// families.
func (t *Task) leave(kind func(*Task) *link) {
	k := kind(t)
	if k.in == nil {
		return
	}
	if k.prev == nil {
		k.in.first = k.next
	} else {
		kind(k.prev).next = k.next
	}
	if k.next == nil {
		k.in.last = k.prev
	} else {
		kind(k.next).prev = k.prev
	}
	*k = link{}
}

// enroll makes t a child of parent, if that is not nil, and one of the tasks on
// l. The child of a task that is being cancelled is cancelled, too.
func (t *Task) enroll(l *Loop, parent *Task) {
	families.Lock()
	defer families.Unlock()
	t.parent = parent
	if parent != nil {
		parent.children.add(t, asChild)
		t.cause = parent.cause
		t.shielded = parent.shielded
	}
	l.tasks.add(t, onLoop)
}

// disown is called when t is finished: it leaves, and its children pass to its
// parent. Those to whom a parent that is being cancelled has fallen are returned:
// the parent may have looked for its children before.
func (t *Task) disown() (cancel []*Task, cause error) {
	families.Lock()
	defer families.Unlock()
	t.leave(asChild)
	t.leave(onLoop)
	for c := t.children.first; c != nil; c = t.children.first {
		c.leave(asChild)
		c.parent = t.parent
		if t.parent == nil {
			continue
		}
		t.parent.children.add(c, asChild)
		if t.parent.cause != nil && c.cause == nil {
			cancel = append(cancel, c)
			cause = t.parent.cause
		}
	}
	return cancel, cause
}

// Detach makes the task a child of nobody: it is not cancelled with its parent.
// It returns t.
func (t *Task) Detach() *Task {
	families.Lock()
	defer families.Unlock()
	t.leave(asChild)
	t.parent = nil
	return t
}

// move makes the task one of another loop.
func (t *Task) move(to *Loop) {
	families.Lock()
	defer families.Unlock()
	if t.mate.in != nil { // not finished
		t.leave(onLoop)
		to.tasks.add(t, onLoop)
	}
}
