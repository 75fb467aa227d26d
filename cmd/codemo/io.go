package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gohandoff/coroutine/blockio/file"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/ioshell"
	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
	"github.com/gohandoff/coroutine/coro"
	"github.com/gohandoff/coroutine/coro/aio"
)

type ioFlags struct {
	handoff  coro.Handoff
	commands []string
	create   size.Value
	readOnly bool
	direct   bool
	noTimes  bool
	cow      bool
	trace    string
	layers   layers
}

func newIO() *cobra.Command {
	f := ioFlags{create: -1}
	cmd := &cobra.Command{
		Use:   "io FILE",
		Short: "Read, write and examine a file by hand, as with qemu-io",
		Long: `io does commands on a file or block device: those given with -c, or else the
lines of standard input. "codemo io -c help FILE" lists them; they are those
of qemu-io.

aio_read and aio_write start a request, in a coroutine of its own, and go on;
what became of them is told by aio_flush, or at the end, in the order of their
start.

A command that fails says so, and the next one is done; the exit code is 1 then.

` + faultHelp,
		Example: `  codemo io --create 1M -c 'write -P 0xab 4k 8k' -c 'read -v 4k 32' disk.img
  codemo io -c 'aio_write 0 64k' -c 'aio_write 64k 64k' -c aio_flush disk.img
  codemo io --fault write:n=2:errno=ENOSPC -c 'write 0 4k' -c 'write 4k 4k' a
  echo map | codemo io --read-only disk.img`,
		Args: files("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.readOnly && f.create >= 0 {
				return usagef("--read-only and --create: want one of them")
			}
			return runIO(cmd, args[0], f)
		},
	}
	handoffFlag(cmd, &f.handoff)
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.commands, "command", "c", nil, "do `COMMAND`; may be given several times")
	fl.Var(&f.create, "create", "make the file, `SIZE` long, if it is not there")
	fl.Lookup("create").DefValue = ""
	fl.BoolVarP(&f.readOnly, "read-only", "r", false, "change nothing")
	fl.BoolVar(&f.direct, "direct-io", false, "go around the page cache")
	fl.StringVar(&f.trace, "trace", "", traceUsage)
	fl.BoolVar(&f.noTimes, "no-times", false, "leave out how long it took, so that the output is the same on each run")
	cowFlag(cmd, &f.cow)
	f.layers.flags(cmd)
	return cmd
}

func runIO(cmd *cobra.Command, path string, f ioFlags) error {
	return tracedLoop(f.trace, f.handoff, []string{path}, func(self *coro.Self) error { return f.do(cmd, self, path) })
}

// do opens the file and does the commands.
func (f *ioFlags) do(cmd *cobra.Command, self *coro.Self, path string) (err error) {
	opts := file.Options{ReadOnly: f.readOnly, DirectIO: f.direct, Create: f.create >= 0, Size: max(0, int64(f.create))}
	dev, err := openAs(self, path, opts, f.cow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close(self)) }()
	if err := f.layers.insert(self, dev); err != nil {
		return err
	}
	// The limit keeps a slip of the finger from taking all memory.
	s := &ioshell.Shell{Device: dev, Out: cmd.OutOrStdout(), Times: !f.noTimes, Limit: 1 << 30}
	next := given(f.commands)
	if f.commands == nil {
		next = lines(cmd.InOrStdin(), cmd.OutOrStdout())
	}
	for {
		line, err := next(self)
		if err == nil {
			err = s.Do(self, line)
		}
		if err == io.EOF || err == ioshell.ErrQuit {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := s.Finish(self); err != nil {
		return err
	}
	if s.Failed() {
		return errors.New("io: at least one command failed")
	}
	return nil
}

// given returns one command after the other.
func given(commands []string) func(*coro.Self) (string, error) {
	return func(*coro.Self) (string, error) {
		if len(commands) == 0 {
			return "", io.EOF
		}
		line := commands[0]
		commands = commands[1:]
		return line, nil
	}
}

// lines returns one line of in after the other. They are read by a worker, so
// that requests in flight go on while somebody thinks of the next command.
func lines(in io.Reader, out io.Writer) func(*coro.Self) (string, error) {
	scanner := bufio.NewScanner(in)
	prompt := isTerminal(out)
	return func(self *coro.Self) (string, error) {
		if prompt {
			fmt.Fprint(out, "codemo io> ")
		}
		return aio.Offload(self, func() (string, error) {
			if scanner.Scan() {
				return scanner.Text(), nil
			}
			if errors.Is(scanner.Err(), bufio.ErrTooLong) {
				return "", fmt.Errorf("reading commands: a line is longer than %d bytes", bufio.MaxScanTokenSize)
			}
			if err := scanner.Err(); err != nil {
				return "", fmt.Errorf("reading commands: %w", err)
			}
			return "", io.EOF
		})
	}
}
