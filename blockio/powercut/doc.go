// Package powercut has the power fail while code that stands on package blockio
// works, at each place where it can, and looks whether what is left is in order.
//
// [Test] takes three functions: one that lays out a device, one that works on it
// and notes what was confirmed, and one that opens what a power cut has left and
// compares. Run does the same without package testing.
//
//	// ExampleRun
//	result, err := powercut.Run(powercut.Options{Cuts: 200}, powercut.Case{
//		Size: 64 << 10,
//		Workload: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
//			for n := uint64(1); n <= 10; n++ {
//				if err := d.WriteAt(self, binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
//					return err
//				}
//				if err := d.Flush(self); err != nil {
//					return err
//				}
//				log.Note("confirmed", n)
//			}
//			return nil
//		},
//		Check: func(self *coro.Self, d *blockio.Device, log *powercut.Log) error {
//			p := make([]byte, 8)
//			if err := d.ReadAt(self, p, 0); err != nil {
//				return err
//			}
//			if got, want := binary.LittleEndian.Uint64(p), uint64(log.Len("confirmed")); got < want {
//				return fmt.Errorf("the device has %d, but %d was confirmed", got, want)
//			}
//			return nil
//		},
//	})
//	fmt.Println(result.Cuts, "cuts:", err)
//
// # The medium
//
// A [Disk] keeps apart what is durable and what is not. What was written is there
// for every reader at once, and durable when a Flush that was called after the
// write had returned has returned, or when the write had the flag FUA. At a cut,
// of all the rest anything may be left: by seed, each change is kept or lost as a
// whole, or each of its sectors is, or those up to some point are kept. So later
// ones may be there and earlier ones not. A sector is never torn. What is in
// flight at the cut is either as well, and so is a flush. After the cut, every
// call fails with [ErrPowerCut], until [Disk.Reopen] makes a new disk of what is
// left.
//
// Zeroes are a change like a write. A discard leaves what was there, or zeroes.
// Resizes are kept in order: if one is, those before it are.
//
// # Steps
//
// Every change and every flush is a step, and a cut can come in each of them, or
// after the last. A workload of n steps has n+1 cuts. Run tries all of them, for
// one seed after the other, until it has had as many as it was asked for. The
// seed decides in which order the loop takes what is ready, how long each request
// is in flight, and what a cut leaves. If Check writes, as the recovery of a log
// may, the power fails there once more.
//
// # What it cannot find
//
// It tries what it is given: a workload that never does two things at a time has
// no races. It does not know of media that lie about a flush, or tear a sector.
// docs/testing-storage.md says more.
//
// # Concurrency
//
// Run works on the calling goroutine, with a loop and a virtual clock of its own
// for each cut. A [Power] and its disks belong to one loop.
package powercut
