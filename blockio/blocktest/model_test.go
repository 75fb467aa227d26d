package blocktest_test

import (
	"testing"

	"github.com/gohandoff/coroutine/blockio/blocktest"
)

func TestModelAllowsWhatMayBeRead(t *testing.T) {
	check := func(t *testing.T, r *blocktest.Read, data string, want bool) {
		t.Helper()
		if err := r.End([]byte(data)); (err == nil) != want {
			t.Errorf("reading %q: got error %v, want success: %v", data, err, want)
		}
	}
	write := func(m *blocktest.Model, data string) *blocktest.Write { return m.Write(0, []byte(data)) }

	t.Run("nothing was written", func(t *testing.T) {
		var m blocktest.Model
		check(t, m.Read(0, 2), "\x00\x00", true)
		check(t, m.Read(0, 2), "\x00a", false)
	})
	t.Run("one after the other", func(t *testing.T) {
		var m blocktest.Model
		write(&m, "aa").End()
		write(&m, "bb").End()
		check(t, m.Read(0, 2), "ab", false)
		check(t, m.Read(0, 2), "bb", true)
	})
	t.Run("two at a time", func(t *testing.T) {
		var m blocktest.Model
		write(&m, "oo").End()
		a, b := write(&m, "aa"), write(&m, "bb")
		check(t, m.Read(0, 2), "oo", true)
		a.End()
		check(t, m.Read(0, 2), "ob", false)
		check(t, m.Read(0, 2), "ab", true)
		b.End()
		check(t, m.Read(0, 2), "ba", true) // and from now on it is
		check(t, m.Read(0, 2), "ab", false)
	})
	t.Run("while it is read", func(t *testing.T) {
		var m blocktest.Model
		r := m.Read(0, 2)
		write(&m, "aa").End()
		write(&m, "bb").End()
		check(t, r, "\x00a", true)
		r = m.Read(0, 1)
		write(&m, "cc").End()
		check(t, r, "a", false)
	})
	t.Run("one that failed", func(t *testing.T) {
		var m blocktest.Model
		write(&m, "aa").End()
		write(&m, "bb").Abort()
		check(t, m.Read(0, 2), "ab", true)
		write(&m, "cc").End()
		check(t, m.Read(0, 2), "cb", false)
	})
	t.Run("discarded", func(t *testing.T) {
		var m blocktest.Model
		write(&m, "aa").End()
		m.Discard(0, 2).End()
		check(t, m.Read(0, 2), "xy", true)
		check(t, m.Read(0, 2), "xz", false)
		check(t, m.Read(0, 2), "xy", true)
	})
	t.Run("in part", func(t *testing.T) {
		var m blocktest.Model
		write(&m, "aaaa").End()
		m.Zero(1, 2).End()
		check(t, m.Read(0, 4), "a\x00\x00a", true)
		check(t, m.Read(2, 2), "\x00\x00", false)
	})
}
