package ioshell

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gohandoff/coroutine/cmd/codemo/internal/size"
)

// args are the arguments of a command.
type args struct {
	flags map[byte]string // those given, with their values
	rest  []string
}

func (a args) has(flag byte) bool { _, ok := a.flags[flag]; return ok }

// parse takes flags from the front of words, as getopt does: those in the
// command's options, of which those with a colon have a value.
func parse(c *command, words []string) (args, error) {
	a := args{flags: map[byte]string{}}
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' && !isDigit(words[0][1]) {
		w := words[0][1:]
		words = words[1:]
		for len(w) > 0 {
			f := w[0]
			w = w[1:]
			i := strings.IndexByte(c.options, f)
			if i < 0 || f == ':' {
				return a, fmt.Errorf("there is no option -%c; usage: %s", f, c.usage())
			}
			value := ""
			if strings.HasPrefix(c.options[i+1:], ":") {
				if value = w; value == "" {
					if len(words) == 0 {
						return a, fmt.Errorf("option -%c needs a value; usage: %s", f, c.usage())
					}
					value, words = words[0], words[1:]
				}
				w = ""
			}
			a.flags[f] = value
		}
	}
	if len(words) < c.min || c.max >= 0 && len(words) > c.max {
		return a, fmt.Errorf("got %d arguments; usage: %s", len(words), c.usage())
	}
	a.rest = words
	return a, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// size returns argument i as a number of bytes.
func (a args) size(i int) (int64, error) { return size.Parse(a.rest[i]) }

// pattern returns the byte that a flag gives.
func (a args) pattern(flag byte, otherwise byte) (byte, error) {
	text, ok := a.flags[flag]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 0, 8)
	if err != nil {
		return 0, fmt.Errorf("pattern %q: want a byte, 0 to 255 or 0x00 to 0xff", text)
	}
	return byte(n), nil
}
