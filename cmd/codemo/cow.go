package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/cow"
	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
)

func newCow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cow COMMAND",
		Short: "Make, examine, commit and rebase overlays",
		Long: `cow works on overlays: files that keep what is written to a disk, and show the
rest through from another file, the backing, which is only read. "codemo io
--cow" and "codemo map --cow" read and write them.

No command takes a file for an overlay because of what it contains: whoever can
write to a disk could write a header there that names any file as its backing.
Whether a backing is an overlay itself is said when the overlay is made.`,
		Example: `  codemo cow create --backing base.img disk.cow
  codemo io --cow -c 'write -P 0xab 64k 4k' disk.cow
  codemo cow commit disk.cow`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCowCreate(), newCowInfo(), newCowCheck(), newCowCommit(), newCowRebase())
	return cmd
}

func newCowCreate() *cobra.Command {
	bytes, cluster := size.Value(0), size.Value(cow.DefaultClusterSize)
	backing, isCow := "", false
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Make an overlay",
		Long: `create makes an overlay; the file must not be there yet. The path of a backing
is kept as it is given; a relative one begins at the folder of the overlay.`,
		Example: `  codemo cow create --backing base.img disk.cow
  codemo cow create --size 10G disk.cow`,
		Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if backing == "" && !cmd.Flags().Changed("size") {
				return usagef("want --backing, --size, or both")
			}
			return onLoop(nil, func(self *coro.Self) (err error) {
				opts := cow.CreateOptions{Size: int64(bytes), ClusterSize: int(cluster), BackingName: backing, BackingIsOverlay: isCow}
				if backing != "" {
					opts.Backing, err = openCowBacking(self, args[0], backing, isCow, file.Options{ReadOnly: true}, nil)
					if err != nil {
						return err
					}
					defer func() { err = errors.Join(err, opts.Backing.Close(self)) }()
					hintCow(self, cmd.ErrOrStderr(), backing, opts.Backing, isCow)
				}
				dev, err := openDevice(self, args[0], file.Options{Create: true, Exclusive: true})
				if err != nil {
					return err
				}
				defer func() {
					err = errors.Join(err, dev.Close(self))
					if err != nil { // it was not there before
						err = errors.Join(err, os.Remove(args[0]))
					}
				}()
				return cow.Create(self, dev, opts)
			})
		},
	}
	fl := cmd.Flags()
	fl.Var(&bytes, "size", "make it `SIZE` large; the default is the backing's")
	fl.Var(&cluster, "cluster-size", "what is copied at a time, a `SIZE`")
	fl.StringVar(&backing, "backing", "", "show `FILE` through")
	fl.BoolVar(&isCow, "backing-is-cow", false, "the backing is an overlay itself")
	return cmd
}

func newCowInfo() *cobra.Command {
	return &cobra.Command{
		Use: "info FILE", Short: "Describe an overlay, as JSON", Long: "info prints what the header of an overlay says, as JSON.",
		Example: "  codemo cow info disk.cow", Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var info cow.Info
			err := onStorage(args[0], true, func(self *coro.Self, dev *blockio.Device) (err error) {
				info, err = cow.ReadInfo(self, dev)
				return err
			})
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), info)
		},
	}
}

func newCowCheck() *cobra.Command {
	repair := false
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Look for damage and leaks in an overlay",
		Long: `check reads all tables of an overlay, and prints what it found as JSON. With
--repair, space that a power cut has leaked is given back. The exit code is 1 if
anything is corrupt.`,
		Example: "  codemo cow check --repair disk.cow", Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var r cow.CheckResult
			err := onStorage(args[0], !repair, func(self *coro.Self, dev *blockio.Device) (err error) {
				r, err = cow.Check(self, dev, cow.CheckOptions{Repair: repair})
				return err
			})
			if err != nil && r.Corruptions == 0 {
				return err
			}
			return errors.Join(append([]error{printJSON(cmd.OutOrStdout(), r), err}, r.Corrupt...)...)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "give leaked space back")
	return cmd
}

func newCowCommit() *cobra.Command {
	return &cobra.Command{
		Use: "commit FILE", Short: "Write an overlay down into its backing, and empty it",
		Long: `commit writes what the overlay has into its backing, and empties the overlay. It
can be interrupted at any time, and repeated.`,
		Example: "  codemo cow commit disk.cow", Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
			defer stop()
			return onLoop(nil, func(self *coro.Self) (err error) {
				dev, err := openCow(self, args[0], file.Options{}, cowBackingWritable, nil)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, dev.Close(self)) }()
				o := dev.Driver().(*cow.Overlay)
				if o.Backing() == nil {
					return fmt.Errorf("%s has no backing to be committed to", args[0])
				}
				r, err := cow.Commit(self, dev, o.Backing(), cow.Progress{Context: ctx})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "committed %d bytes of data and %d of zeroes\n", r.Data, r.Zeroes)
				return err
			})
		},
	}
}

func newCowRebase() *cobra.Command {
	backing, isCow, unsafe := "", false, false
	cmd := &cobra.Command{
		Use: "rebase FILE", Short: "Put an overlay on another backing",
		Long: `rebase puts an overlay on another backing, or on none with --backing "". What it
reads as stays the same: where the two differ, the overlay gets a copy. With
--unsafe only the name is changed, and the old backing need not be there.`,
		Example: `  codemo cow rebase --backing new.img disk.cow
  codemo cow rebase --backing "" disk.cow`,
		Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("backing") {
				return usagef("want --backing")
			}
			if backing == "" && isCow {
				return usagef("--backing-is-cow: --backing \"\" is none, which is no overlay")
			}
			ctx, stop := interruptible(cmd.Context(), cmd.ErrOrStderr())
			defer stop()
			return onLoop(nil, func(self *coro.Self) (err error) {
				mode := cowBackingReadOnly
				if unsafe {
					mode = cowBackingLeftOut
				}
				dev, err := openCow(self, args[0], file.Options{}, mode, nil)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, dev.Close(self)) }()
				var next *blockio.Device
				if backing != "" {
					chain, err := cowChain(nil).on(args[0])
					if err != nil {
						return err
					}
					if next, err = openCowBacking(self, args[0], backing, isCow, file.Options{ReadOnly: true}, chain); err != nil {
						return err
					}
					hintCow(self, cmd.ErrOrStderr(), backing, next, isCow)
				}
				_, err = cow.Rebase(self, dev, next, cow.RebaseOptions{Name: backing, IsOverlay: isCow, Unsafe: unsafe, Progress: cow.Progress{Context: ctx}})
				if err != nil && next != nil {
					err = errors.Join(err, next.Close(self))
				}
				return err
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&backing, "backing", "", "show `FILE` through; none if it is empty")
	fl.BoolVar(&isCow, "backing-is-cow", false, "the backing is an overlay itself")
	fl.BoolVar(&unsafe, "unsafe", false, "change the name only")
	return cmd
}

func printJSON(out io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

// onStorage calls f with the storage of an overlay.
func onStorage(path string, readOnly bool, f func(self *coro.Self, dev *blockio.Device) error) error {
	return onLoop(nil, func(self *coro.Self) (err error) {
		dev, err := openDevice(self, path, file.Options{ReadOnly: readOnly})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dev.Close(self)) }()
		return f(self, dev)
	})
}

// How openCow opens the backing.
const (
	cowBackingReadOnly = iota
	cowBackingWritable
	cowBackingLeftOut
)

// maxCowDepth is how many overlays may stand on each other: each takes memory and
// open files.
const maxCowDepth = 64

// A cowChain is the files of overlays that stand on each other, the uppermost first.
type cowChain []fs.FileInfo

// on returns the chain with the file at path below, which must not be above
// itself already.
func (c cowChain) on(path string) (cowChain, error) {
	st, err := os.Stat(path)
	if err != nil {
		return c, nil // opening it tells
	}
	for _, above := range c {
		if os.SameFile(above, st) {
			return nil, fmt.Errorf("%s would stand on itself", path)
		}
	}
	if len(c) > maxCowDepth {
		return nil, fmt.Errorf("%s: more than %d overlays on each other", path, maxCowDepth)
	}
	return append(c[:len(c):len(c)], st), nil
}

// openCow opens an overlay with what it stands on. above are the overlays that
// stand on it.
func openCow(self *coro.Self, path string, opts file.Options, mode int, above cowChain) (_ *blockio.Device, err error) {
	chain, err := above.on(path)
	if err != nil {
		return nil, err
	}
	storage, err := openDevice(self, path, opts)
	if err != nil {
		return nil, err
	}
	var backing *blockio.Device
	defer func() {
		if err != nil {
			if backing != nil {
				err = errors.Join(err, backing.Close(self))
			}
			err = errors.Join(err, storage.Close(self))
		}
	}()
	info, err := cow.ReadInfo(self, storage)
	if err != nil {
		return nil, err
	}
	if info.HasBacking && mode != cowBackingLeftOut {
		below := file.Options{ReadOnly: mode != cowBackingWritable, DirectIO: opts.DirectIO}
		if backing, err = openCowBacking(self, path, info.Backing, info.BackingIsOverlay, below, chain); err != nil {
			return nil, err
		}
	}
	o, err := cow.Open(self, storage, backing, cow.Options{ReadOnly: opts.ReadOnly, WithoutBacking: mode == cowBackingLeftOut})
	if err != nil {
		return nil, err
	}
	return blockio.Open(self, o, blockio.WithName(path))
}

// openCowBacking opens the backing of an overlay at path, the last of the chain.
func openCowBacking(self *coro.Self, path, name string, isCow bool, opts file.Options, chain cowChain) (dev *blockio.Device, err error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(path), name)
	}
	if isCow {
		dev, err = openCow(self, name, opts, cowBackingReadOnly, chain)
	} else if _, err = chain.on(name); err == nil {
		dev, err = openDevice(self, name, opts)
	}
	if said := (backingError{}); err != nil && !errors.As(err, &said) {
		err = backingError{path, err} // the one right above it
	}
	return dev, err
}

// A backingError is what is wrong with the backing of an overlay.
type backingError struct {
	overlay string
	error
}

func (e backingError) Error() string { return fmt.Sprintf("backing of %s: %v", e.overlay, e.error) }
func (e backingError) Unwrap() error { return e.error }

// hintCow says so if what is to be shown through as it is looks like an overlay:
// nothing is taken for one, but to forget the flag is a likely slip.
func hintCow(self *coro.Self, warn io.Writer, backing string, dev *blockio.Device, isCow bool) {
	if isCow {
		return
	}
	if _, err := cow.ReadInfo(self, dev); err == nil {
		fmt.Fprintf(warn, "codemo: --backing %s: looks like an overlay, and is shown through byte for byte; --backing-is-cow shows the disk in it\n", backing)
	}
}

// cowFlag gives cmd the flag that has it take its file for an overlay.
func cowFlag(cmd *cobra.Command, on *bool) {
	cmd.Flags().BoolVar(on, "cow", false, "the file is an overlay, as \"codemo cow\" makes them; never guessed")
}

// openAs opens a file, or with isCow the overlay in it.
func openAs(self *coro.Self, path string, opts file.Options, isCow bool) (*blockio.Device, error) {
	if isCow {
		return openCow(self, path, opts, cowBackingReadOnly, nil)
	}
	return openDevice(self, path, opts)
}
