package job

import (
	"fmt"
	"sync"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/internal/tree"
)

// targets are the jobs that go on in this process, by what they copy to: two that
// copied to the same device would each say that it is a copy.
var targets = struct {
	sync.Mutex
	of map[*blockio.Device]*job
}{of: map[*blockio.Device]*job{}}

// claimTarget enters the job into targets.
func (j *job) claimTarget() error {
	targets.Lock()
	defer targets.Unlock()
	if other := targets.of[j.dst]; other != nil {
		return fmt.Errorf("target: %w: it is that of a %s of %s", ErrBusy, other.kind, other.src.Name())
	}
	for up := targets.of[j.src]; up != nil; up = targets.of[up.src] {
		if up.src == j.dst {
			return fmt.Errorf("target: %w: a %s copies it to %s", ErrBusy, up.kind, up.dst.Name())
		}
	}
	targets.of[j.dst] = j
	return nil
}

// leaveTarget takes it out, if it is there.
func (j *job) leaveTarget() {
	targets.Lock()
	defer targets.Unlock()
	if targets.of[j.dst] == j {
		delete(targets.of, j.dst)
	}
}

// apart checks that neither device stands on the other: a write to one would be a
// write to the other, and after a pivot, it would stand on itself.
func apart(src, dst *blockio.Device) error {
	from, to := bare(src.Driver()), bare(dst.Driver())
	switch {
	case tree.Has(to, from):
		return fmt.Errorf("%w: the target stands on the source", blockio.ErrSameDevice)
	case tree.Has(from, to):
		return fmt.Errorf("%w: the source stands on the target", blockio.ErrSameDevice)
	}
	return nil
}

// bare returns what is below the filters of jobs.
func bare(driver blockio.Driver) blockio.Driver {
	for {
		l, ok := driver.(layer)
		if !ok {
			return driver
		}
		driver = l.under()
	}
}
