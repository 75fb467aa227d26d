// Package job copies block devices while they are in use: a [Mirror] until the
// copy has caught up, a [Backup] as they were at its start. It is written with
// what package blockio offers to everybody, a [blockio.Filter] that is put
// beneath the device with [blockio.Device.Replace].
//
// # Model
//
//	coroutines that use the source
//	     │
//	source Device                         target Device
//	     │                                     ▲
//	  filter ── marks, or copies, or both ─────┤
//	     │                                     │
//	the driver ───── read by the crew ─────────┘
//
// A job puts a filter between the source and its driver, in a moment in which
// nothing is in flight there. From then on it sees each write. A crew of
// coroutines copies what a [Bitmap] says is to be copied, a chunk after another,
// each in a [blockio.Device.Do] of the source: drained sections of the source hold
// the crew as they hold requests, and find nothing in flight.
//
// # Mirror
//
// In passive mode a write goes to the source, and its range is marked when it is
// done, to be copied again. In active mode a write returns when it is on both
// sides, and what is not copied yet is left to the crew. By default a mirror is
// passive until all was copied once, and active from then on, so that it always
// catches up. Then the source pivots to the target's driver, or the mirror stops
// and the target is a copy of that moment.
//
// # Backup
//
// A write waits until what it will overwrite has been copied, if it has not been
// yet. So the target ends as the source was at the start.
//
// # Errors
//
// A job that fails has an [*Error], which names both devices. Whatever fails on
// the target, the source goes on undisturbed: the filter hands everything
// through, and is taken off again. The same happens if the task is cancelled that
// started the job, of which its coroutines are children.
//
// # Memory
//
// A job belongs to the loop of both of its devices. It takes Coroutines times
// Chunk bytes and, unless a finer one is asked for, a bitmap of at most 8 MiB, a
// backup the former twice. A write needs none besides.
//
// # Limits
//
// While a job goes on, the source cannot be resized ([ErrBusy]), and nobody else
// may write to the target, which cannot be that of another job. Jobs of one source
// may be stacked, but none of them can pivot while there is another one. The
// target of one may be the source of the next, but not in a ring.
//
// More is told in docs/mirror.md.
package job
