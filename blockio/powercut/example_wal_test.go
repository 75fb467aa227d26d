package powercut_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/powercut"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
	"github.com/gohandoff/coroutine/coro/cosync"
)

// A wal is a write-ahead log: records, one after the other, that are there after
// a power cut if they were committed. A record is 16 bytes of checksum, length
// and sequence number, and its data. The log ends where a record is not right.
type wal struct {
	d    *blockio.Device
	mu   cosync.Mutex
	end  int64  // where the next record goes
	seq  uint64 // its number, from 1
	bugs bugs
}

// Bugs are planted in the log, to see that they are found.
type bugs struct{ noFlush, noChecksum bool }

const header = 16

// openWAL opens the log on d, and calls replay with each record.
func openWAL(self *coro.Self, d *blockio.Device, b bugs, replay func(seq uint64, data []byte) error) (*wal, error) {
	w := &wal{d: d, seq: 1, bugs: b}
	for {
		data, err := w.next(self)
		if err != nil {
			return nil, err
		}
		if data == nil {
			break
		}
		if err := replay(w.seq, data); err != nil {
			return nil, err
		}
		w.end += header + int64(len(data))
		w.seq++
	}
	// Behind the end may lie what was never committed. It must not become the
	// record after one that has yet to be written.
	if err := d.WriteZeroes(self, w.end, d.Size()-w.end, 0); err != nil {
		return nil, err
	}
	return w, d.Flush(self)
}

// next reads the record at the end, nil if there is none.
func (w *wal) next(self *coro.Self) ([]byte, error) {
	var h [header]byte
	if w.end+header > w.d.Size() {
		return nil, nil
	}
	if err := w.d.ReadAt(self, h[:], w.end); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(h[4:]))
	if binary.LittleEndian.Uint64(h[8:]) != w.seq || n == 0 || n > w.d.Size()-w.end-header {
		return nil, nil
	}
	data := make([]byte, n)
	if err := w.d.ReadAt(self, data, w.end+header); err != nil {
		return nil, err
	}
	if sum := checksum(h[:], data); !w.bugs.noChecksum && binary.LittleEndian.Uint32(h[:]) != sum {
		return nil, nil
	}
	return data, nil
}

// Append writes a record and returns its number. It is not committed yet.
func (w *wal) Append(self *coro.Self, data []byte) (uint64, error) {
	w.mu.Lock(self) // else a record could be written, and committed, before the one in front of it is
	defer w.mu.Unlock(self)
	record := make([]byte, header, header+len(data))
	binary.LittleEndian.PutUint32(record[4:], uint32(len(data)))
	binary.LittleEndian.PutUint64(record[8:], w.seq)
	binary.LittleEndian.PutUint32(record, checksum(record, data))
	if err := w.d.WriteAt(self, append(record, data...), w.end); err != nil {
		return 0, err
	}
	w.end += header + int64(len(data))
	w.seq++
	return w.seq - 1, nil
}

// Commit makes durable what was appended. Many who commit at a time share few
// flushes: the device sees to that.
func (w *wal) Commit(self *coro.Self) error {
	if w.bugs.noFlush {
		return nil
	}
	return w.d.Flush(self)
}

func checksum(h, data []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(h[4:header]), crc32.IEEETable, data)
}

// A record is what the workload notes of each.
type record struct {
	seq  uint64
	data []byte
}

// walCase has three coroutines append and commit at a time.
func walCase(b bugs) powercut.Case {
	return powercut.Case{
		Size: 64 << 10,
		Workload: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
			w, err := openWAL(self, d, b, func(uint64, []byte) error { return errors.New("the log is not empty") })
			if err != nil {
				return err
			}
			for i := range 3 {
				aio.Go(self, func(self *coro.Self) error {
					for n := range 4 {
						data := bytes.Repeat([]byte{byte('a' + i), byte('0' + n)}, 100*(n+1))
						log.Note("begun", string(data))
						seq, err := w.Append(self, data)
						if err != nil {
							return err
						}
						if err := w.Commit(self); err != nil {
							return err
						}
						log.Note("committed", record{seq, data})
					}
					return nil
				})
			}
			return nil
		},
		Check: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
			begun := map[string]bool{}
			for _, data := range powercut.Notes[string](log, "begun") {
				begun[data] = true
			}
			found := map[uint64][]byte{}
			_, err := openWAL(self, d, b, func(seq uint64, data []byte) error {
				if found[seq] = data; !begun[string(data)] {
					return fmt.Errorf("record %d was never written: %.20q…", seq, data)
				}
				return nil
			})
			if err != nil {
				return err
			}
			for _, r := range powercut.Notes[record](log, "committed") {
				if !bytes.Equal(found[r.seq], r.data) {
					return fmt.Errorf("record %d was committed, and is lost", r.seq)
				}
			}
			return nil
		},
	}
}

// A log with checksums that flushes when it commits loses nothing.
func Example_writeAheadLog() {
	result, err := powercut.Run(powercut.Options{Cuts: 100}, walCase(bugs{}))
	fmt.Println(result.Cuts, "power cuts:", err)
	// Output:
	// 100 power cuts: <nil>
}
