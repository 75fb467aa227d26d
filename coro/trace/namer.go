package trace

import (
	"fmt"

	"github.com/gohandoff/coroutine/coro"
)

// A namer turns events into records. Threads are told apart by identity and get
// labels in the order in which they appear, so that the labels are the same on
// each run.
type namer struct {
	labels map[*coro.Thread]string
	taken  map[string]int
}

func (n *namer) thread(t *coro.Thread) string {
	if label, ok := n.labels[t]; ok {
		return label
	}
	if n.labels == nil {
		n.labels = make(map[*coro.Thread]string)
		n.taken = make(map[string]int)
	}
	label := t.Name()
	for {
		n.taken[t.Name()]++
		if k := n.taken[t.Name()]; k > 1 {
			label = fmt.Sprintf("%s~%d", t.Name(), k)
		}
		// A thread may have been given such a name by its program.
		if label == t.Name() || n.taken[label] == 0 {
			break
		}
	}
	if label != t.Name() {
		n.taken[label]++
	}
	n.labels[t] = label
	return label
}

func (n *namer) party(co *coro.Coroutine, thread string) Party {
	if co == nil {
		return Party{Thread: thread, Name: "leader"}
	}
	return Party{Thread: n.thread(co.CreatedOn()), ID: co.ID(), Name: co.Name()}
}

func (n *namer) record(e coro.Event) Record {
	r := Record{Seq: e.Seq, Thread: n.thread(e.Thread), Kind: e.Kind, Detail: e.Detail, Site: e.Place()}
	r.From = n.party(e.From, r.Thread)
	if e.To != nil || ours(e.Kind) {
		r.To = n.party(e.To, r.Thread)
	}
	return r
}
