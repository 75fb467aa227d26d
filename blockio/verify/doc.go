// Package verify compares a driver of package blockio with another one that is
// known to be right, request by request: every write goes to both, every read is
// done by both, and what differs is reported with its offset and both bytes.
//
//	d, err := verify.New(tested, mem.New(tested.Size()))
//
// What one of the two cannot fail to do alone is reported, too: an error on one
// side only.
//
// # What may differ
//
// Where the contract lets drivers differ, nothing is compared: what was discarded,
// and where a write failed or was killed, until it is written again; and what
// BlockStatus says, which is that of the tested driver.
//
// Requests that overlap may be done in any order, which two drivers might do each
// in its own. So here a change waits for earlier requests that overlap it, and
// they for it. A driver that goes wrong only where overlapping requests meet is
// found by package blocktest, not here.
package verify
