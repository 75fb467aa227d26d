package blockio_test

import (
	"context"
	"fmt"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/mem"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A medium has blocks of 8 bytes, and calls back when something is done.
type medium struct {
	data   []byte
	todo   []func()
	locked bool
	queue  []func()
}

func (m *medium) later(f func()) { m.todo = append(m.todo, f) }

func (m *medium) run() {
	for len(m.todo) > 0 {
		f := m.todo[0]
		m.todo = m.todo[1:]
		f()
	}
}

func (m *medium) read(off int, done func([]byte, error)) {
	m.later(func() { done(append([]byte(nil), m.data[off:off+8]...), nil) })
}

func (m *medium) write(off int, p []byte, done func(error)) {
	m.later(func() {
		copy(m.data[off:], p)
		done(nil)
	})
}

func (m *medium) lock(then func()) {
	if m.locked {
		m.queue = append(m.queue, then)
		return
	}
	m.locked = true
	m.later(then)
}

func (m *medium) unlock() {
	if len(m.queue) == 0 {
		m.locked = false
		return
	}
	then := m.queue[0]
	m.queue = m.queue[1:]
	m.later(then)
}

// A read-modify-write with callbacks: what happens next is always an argument of
// what happens now, and each way out has to unlock.
func Example_callbacks() {
	m := &medium{data: []byte("0123456789abcdef")}
	write := func(p string, off int, done func(error)) {
		block := off / 8 * 8
		m.lock(func() {
			m.read(block, func(old []byte, err error) {
				if err != nil {
					m.unlock()
					done(err)
					return
				}
				copy(old[off-block:], p)
				m.write(block, old, func(err error) {
					m.unlock()
					done(err)
				})
			})
		})
	}
	for i, word := range []string{"one", "two"} {
		write(word, 9+3*i, func(err error) { fmt.Println(string(m.data), err) })
	}
	m.run()
	// Output:
	// 012345678onecdef <nil>
	// 012345678onetwof <nil>
}

// The same in coroutines: what happens next is written below.
func Example_coroutines() {
	loop := aio.NewLoop()
	defer loop.Close()
	loop.Go(func(self *coro.Self) error {
		d, err := blockio.Open(self, mem.New(16, mem.WithAlignment(8)))
		if err != nil {
			return err
		}
		defer d.Close(self)
		var mu cosync.Mutex
		write := func(self *coro.Self, p string, off int64) error {
			block := off / 8 * 8
			mu.Lock(self)
			defer mu.Unlock(self)
			old := make([]byte, 8)
			if err := d.ReadAt(self, old, block); err != nil {
				return err
			}
			copy(old[off-block:], p)
			return d.WriteAt(self, old, block)
		}
		if err := d.WriteAt(self, []byte("0123456789abcdef"), 0); err != nil {
			return err
		}
		var tasks []*aio.Task
		for i, word := range []string{"one", "two"} {
			tasks = append(tasks, aio.Go(self, func(self *coro.Self) error { return write(self, word, 9+3*int64(i)) }))
		}
		for _, t := range tasks {
			if err := t.Wait(self); err != nil {
				return err
			}
		}
		data := make([]byte, 16)
		err = d.ReadAt(self, data, 0)
		fmt.Println(string(data), err)
		return err
	})
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: 012345678onetwof <nil>
}
