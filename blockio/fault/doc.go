// Package fault is a filter for block devices that has requests go wrong where
// rules say so: to see that what stands on a device copes.
//
//	// ExampleNew
//	onLoop(func(self *coro.Self) error {
//		rule, err := fault.Parse("write:n=2:errno=ENOSPC")
//		if err != nil {
//			return err
//		}
//		driver, err := fault.New(mem.New(1<<20), rule)
//		if err != nil {
//			return err
//		}
//		d, err := blockio.Open(self, driver, blockio.WithName("disk"))
//		if err != nil {
//			return err
//		}
//		for off := range int64(3) {
//			fmt.Println(d.WriteAt(self, []byte("x"), off))
//		}
//		fmt.Println(driver.Events())
//		return d.Close(self)
//	})
//
// # Rules
//
// A [Rule] says which requests it is about (the operation, the offset), which of
// these it has go wrong (the n-th, each n-th, all from the n-th on, each with some
// chance), and how: with an error, after a part of a read was filled or of a write
// was stored, late, or not before a test lets it go on. [Parse] reads it from a
// string, as the command line has it, and String gives that back.
//
// All rules count each request that they are about. Those that fire, in their
// order, each add a delay and a breakpoint; the first with an error ends the
// request, and those behind it do not fire.
//
// Requests are those that the [blockio.Device] makes of its driver: one large
// write may be several, an unaligned one is also two reads.
//
// # Breakpoints
//
// A rule with a breakpoint holds the request, before anything is done, until it
// is released:
//
//	// ExampleDriver_Wait
//	onLoop(func(self *coro.Self) error {
//		driver, err := fault.New(mem.New(1<<20), fault.MustParse("write:n=1:break=first"))
//		if err != nil {
//			return err
//		}
//		d, err := blockio.Open(self, driver)
//		if err != nil {
//			return err
//		}
//		writer := aio.Go(self, func(self *coro.Self) error {
//			defer fmt.Println("written")
//			return d.WriteAt(self, []byte("x"), 0)
//		})
//		if err := driver.Wait(self, "first"); err != nil {
//			return err
//		}
//		fmt.Println("held:", driver.Held("first"))
//		driver.Release(self, "first")
//		return writer.Wait(self)
//	})
//
// # Concurrency
//
// A [Driver] belongs to the loop of its device, with all its methods.
package fault
