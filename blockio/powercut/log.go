package powercut

// A Log is what a workload notes for Check, in a memory that no power cut
// reaches: what it is about to do, and what was confirmed. It belongs to the
// loop. After the cut it takes nothing more, whatever deferred calls may do.
type Log struct {
	power *Power
	notes map[string][]any
}

// Note notes v under a name. Later changes of what v points to are seen by
// Check, so note values.
func (l *Log) Note(name string, v any) {
	if l.power.off {
		return
	}
	if l.notes == nil {
		l.notes = map[string][]any{}
	}
	l.notes[name] = append(l.notes[name], v)
}

// Len returns how many notes there are under a name.
func (l *Log) Len(name string) int { return len(l.notes[name]) }

// Notes returns what was noted under a name, in order. It panics if one of them
// is not a T.
func Notes[T any](l *Log, name string) []T {
	vs := make([]T, 0, len(l.notes[name]))
	for _, v := range l.notes[name] {
		vs = append(vs, v.(T))
	}
	return vs
}
