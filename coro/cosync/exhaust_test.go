package cosync_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gohandoff/coroutine/coro"
)

// programs are those of which every interleaving is tried.
var programs = map[string][][]op{
	"mutex": {
		{opLockA, opUnlockA, opLockA, opUnlockA},
		{opLockA, opUnlockA, opLockA, opUnlockA},
		{opLockA, opUnlockA, opTryA, opUnlockA},
		{opTryA, opUnlockA, opLockA, opLockA},
	},
	"two mutexes": {
		{opLockA, opLockB, opUnlockB, opUnlockA},
		{opLockB, opLockA, opUnlockA, opUnlockB},
		{opLockA, opUnlockA, opLockB, opUnlockB},
		{opLockB, opTryA, opUnlockA, opUnlockB},
	},
	"queue": {
		{opLockA, opWait, opUnlockA, opNext},
		{opLockA, opWait, opNext, opUnlockA},
		{opLockA, opFront, opUnlockA, opAll},
		{opLockA, opNext, opUnlockA, opAll},
	},
	"readers and a writer": {
		{opRLock, opRUnlock, opRLock, opRUnlock},
		{opRLock, opRUnlock, opRLock, opRUnlock},
		{opLock, opUnlock, opLock, opDown},
		{opRLock, opRUnlock, opLock, opUnlock},
	},
	"upgrade": {
		{opRLock, opUp, opDown, opRUnlock},
		{opRLock, opUp, opUnlock, opRLock},
		{opLock, opDown, opUp, opUnlock},
		{opRLock, opRUnlock, opLock, opDown},
	},
	"mutex and rwmutex": {
		{opLockA, opLock, opUnlock, opUnlockA},
		{opRLock, opLockA, opUnlockA, opRUnlock},
		{opRLock, opUp, opLockA, opUnlockA},
		{opLockA, opRLock, opUp, opUnlock},
	},
	"kill a mutex's next": {
		{opLockA, opLockA, opUnlockA, opLockA},
		{opLockA, opUnlockA, opLockB, opUnlockB},
		{opLockA, opUnlockA, opLockA, opUnlockA},
		{opLockA, opUnlockA, opAnd, opKill1, opAnd, opKill2},
	},
	"kill a queue's next": {
		{opLockA, opWait, opUnlockA, opNext},
		{opLockA, opWait, opUnlockA, opWait},
		{opLockA, opNext, opAnd, opKill1, opUnlockA},
		{opAll, opAnd, opKill2, opNext, opAnd, opKill1},
	},
	"kill an rwmutex's next": {
		{opRLock, opUp, opDown, opRUnlock},
		{opRLock, opRUnlock, opLock, opUnlock},
		{opLock, opUnlock, opAnd, opKill1, opKill2},
		{opRLock, opUp, opUnlock, opAnd, opKill2},
	},
	"kill a semaphore's next": {
		{opAcq3, opRel3, opAcq2, opRel2},
		{opAcq1, opRel1, opAcq1, opRel1},
		{opAcq2, opRel2, opAnd, opKill1, opKill2},
		{opTry2, opAcq1, opRel3, opAnd, opKill2},
	},
	"semaphore": {
		{opAcq1, opAcq1, opRel1, opRel1},
		{opAcq3, opRel3, opAcq2, opRel2},
		{opAcq2, opRel2, opTry2, opRel2},
		{opAcq1, opRel1, opAcq3, opRel3},
	},
}

// TestEveryTransition goes to each state that four coroutines of four operations
// can be in, whatever the driver chooses at each yield, one kill by the driver
// included, and makes each choice there. With -short, or under the race
// detector, it stops after the first 200 states of each.
func TestEveryTransition(t *testing.T) {
	for name, progs := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := coro.Direct
			limit := math.MaxInt // the largest has some 20,000 states
			if testing.Short() || raceEnabled {
				limit = 200
			}
			type node struct {
				path  []choice
				kills int
			}
			seen := map[string]bool{}
			todo := []node{{}}
			tried := 0
			for len(todo) > 0 {
				n := todo[0]
				todo = todo[1:]
				for i := range progs {
					for _, kill := range []bool{false, true} {
						if kill && n.kills == 1 {
							continue
						}
						path := append(slices.Clone(n.path), choice{i, kill})
						m := newModel(progs)
						for _, c := range path {
							m.play(c)
						}
						tried++
						if tried%97 == 0 {
							h = coro.Channel // the slower one, now and then
						} else {
							h = coro.Direct
						}
						compare(t, h, progs, path)
						next := node{path, n.kills}
						if kill {
							next.kills++
						}
						// How many kills are left is part of the state.
						if k := fmt.Sprint(next.kills, m.key()); !seen[k] && len(seen) < limit {
							seen[k] = true
							todo = append(todo, next)
						}
					}
				}
			}
			t.Logf("%d states, %d transitions", len(seen), tried)
			if len(seen) == limit {
				t.Logf("stopped at the limit")
			}
		})
	}
}

// TestEveryInterleaving plays every order of the entries of three coroutines of
// two operations, with nothing left out.
func TestEveryInterleaving(t *testing.T) {
	for name, progs := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var short [][]op
			for _, p := range progs[:3] {
				short = append(short, p[:2])
			}
			var visit func(left [3]int, path []choice)
			visit = func(left [3]int, path []choice) {
				if left == [3]int{} {
					compare(t, coro.Direct, short, path)
					return
				}
				for i := range left {
					if left[i] > 0 {
						rest := left
						rest[i]--
						visit(rest, append(slices.Clone(path), choice{co: i}))
					}
				}
			}
			visit([3]int{3, 3, 3}, nil)
		})
	}
}

// FuzzModel makes programs and choices of bytes: two bits of each for who, the
// rest for what.
func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, []byte{0, 1, 2, 3, 0, 1, 2, 3})
	f.Add([]byte{0, 0, 5, 7, 1, 8, 0, 0, 1}, []byte{0, 1, 2, 3, 0xf1, 1, 2, 0, 0, 3, 1})
	f.Add([]byte{9, 13, 9, 13, 14, 11, 12, 10}, []byte{0, 1, 2, 3, 1, 0, 2, 0xf1, 3, 0, 1})
	f.Add([]byte{15, 17, 16, 18, 20, 19, 17, 15}, []byte{3, 2, 1, 0, 3, 0xf2, 1, 0, 3, 2})
	f.Fuzz(func(t *testing.T, ops, choices []byte) {
		if len(ops) > 64 || len(choices) > 128 {
			return
		}
		progs := make([][]op, 4)
		for i, b := range ops {
			progs[i%4] = append(progs[i%4], allOps[int(b)%len(allOps)])
		}
		var path []choice
		for _, c := range choices {
			path = append(path, choice{int(c) % 4, c >= 0xf0})
		}
		h := coro.Direct
		if len(choices)%8 == 7 {
			h = coro.Channel
		}
		compare(t, h, progs, path)
	})
}
