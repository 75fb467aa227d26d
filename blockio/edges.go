package blockio

// The read half of a read-modify-write.
//
// A write that begins or ends within a block has to store the whole block, so it
// needs what else is in there. It reads that before it writes anything: if the
// read fails, the write fails and nothing has changed. That nobody else changes
// the block meanwhile is seen to by the tracker.

// edges hold the first and the last block of a write, as they are on the medium:
// nil where the write covers the block. Where it begins and ends in the same
// block, only is set, head is that block and tail is nil.
type edges struct {
	head, tail []byte
	last       int64 // where the block begins in which the write ends
	only       bool
}

// readEdges reads the blocks that r, which is serialising if there are any,
// covers in part.
func (r *request) readEdges() (e edges, err error) {
	d := r.d
	end := r.off + r.n
	headless := uint64(r.off)&d.mask != 0
	// Behind the end of the device there is nothing to keep.
	tailless := uint64(end)&d.mask != 0 && end < d.size
	if !headless && !tailless {
		return e, nil
	}
	d.stats.modified++
	first := d.floor(r.off)
	e.last = d.floor(end)
	e.only = e.last == first
	if headless || e.only {
		if e.head, err = r.readBlock(first); err != nil {
			return e, err
		}
	}
	if tailless && !e.only {
		e.tail, err = r.readBlock(e.last)
	}
	return e, err
}

func (r *request) readBlock(off int64) ([]byte, error) {
	d := r.d
	b := d.buffer(int64(d.limits.Alignment))
	return b, r.callRead(b, off)
}

// release gives the buffers back.
func (e *edges) release(d *Device) {
	if e.head != nil {
		d.release(e.head)
	}
	if e.tail != nil {
		d.release(e.tail)
	}
}

// fill puts around the range from, to, which is to be filled by the caller, what
// belongs into b, whose blocks begin at start.
func (e *edges) fill(d *Device, b []byte, start, from, to int64) {
	head := b[:from-start]
	copy(head, e.head)
	rest := b[to-start:]
	if len(rest) == 0 {
		return
	}
	switch block := int(uint64(to) & d.mask); {
	case e.tail != nil:
		copy(rest, e.tail[block:])
	case e.only:
		copy(rest, e.head[block:])
	default:
		clear(rest) // behind the end of the device
	}
}
