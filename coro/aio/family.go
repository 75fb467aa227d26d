package aio

import "sync"

// families guards who is whose child, for all tasks of all loops: a parent and a
// child may be on different loops.
var families sync.Mutex

// A family is a list of tasks that are not finished, oldest first: the children
// of a task, or those of a loop that have no parent.
type family struct{ first, last *Task }

// list returns the tasks of f.
func (f *family) list() []*Task {
	families.Lock()
	defer families.Unlock()
	var ts []*Task
	for t := f.first; t != nil; t = t.next {
		ts = append(ts, t)
	}
	return ts
}

// join makes t a child of parent, or of its loop. The caller holds families.
func (t *Task) join(parent *Task) {
	f := &t.loop.Load().roots
	if parent != nil {
		f = &parent.children
	}
	t.parent, t.in = parent, f
	t.prev, t.next = f.last, nil
	if f.last == nil {
		f.first = t
	} else {
		f.last.next = t
	}
	f.last = t
}

// leave takes t off the list that it is in. The caller holds families.
func (t *Task) leave() {
	if t.prev == nil {
		t.in.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		t.in.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.in, t.prev, t.next = nil, nil, nil
}

// disown is called when t is finished: it leaves, and its children pass to its
// parent. It reports whether t had none.
func (t *Task) disown() (root bool) {
	families.Lock()
	defer families.Unlock()
	if t.in != nil {
		t.leave()
	}
	for c := t.children.first; c != nil; c = t.children.first {
		c.leave()
		c.join(t.parent)
	}
	return t.parent == nil
}
