package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/gohandoff/coroutine/coro"
)

// FormatJSONL is what the first line of a trace as JSON lines has as its
// "format"; its "version" is [VersionJSONL].
const FormatJSONL = "coroutine-trace"

// VersionJSONL is the version of the schema that docs/tracing.md tells. Fields
// may be added without a new version: readers skip those they do not know.
const VersionJSONL = 1

// ErrFormat: what was read is not a trace as JSON lines, or of a version to come.
var ErrFormat = errors.New("trace: not a coroutine trace")

type jsonHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Title   string `json:"title,omitempty"`
	Timed   bool   `json:"timed,omitempty"`
	Dropped uint64 `json:"dropped,omitempty"`
}

type jsonRecord struct {
	Seq    uint64         `json:"seq,omitempty"`
	Time   int64          `json:"ns,omitempty"`
	Thread string         `json:"thread"`
	Kind   coro.EventKind `json:"kind"`
	From   *jsonParty     `json:"from,omitempty"`
	To     *jsonParty     `json:"to,omitempty"`
	Detail string         `json:"detail,omitempty"`
	Site   string         `json:"site,omitempty"`
}

type jsonParty struct {
	ID     uint64 `json:"id"`
	Name   string `json:"name"`
	Thread string `json:"thread,omitempty"` // where it is not the record's
}

func toJSON(p Party, thread string) *jsonParty {
	if !p.Valid() {
		return nil
	}
	j := &jsonParty{ID: p.ID, Name: p.Name}
	if p.Thread != thread {
		j.Thread = p.Thread
	}
	return j
}

func (j *jsonParty) party(thread string) Party {
	if j == nil {
		return Party{}
	}
	if j.Thread != "" {
		thread = j.Thread
	}
	p := Party{Thread: thread, ID: j.ID, Name: j.Name}
	switch {
	case p.Name != "":
	case p.ID == 0:
		p.Name = "leader"
	default:
		p.Name = fmt.Sprintf("#%d", p.ID)
	}
	return p
}

// A JSONLWriter writes records as JSON lines, as they come: a [Sink]. Close it
// to write what it has buffered.
type JSONLWriter struct {
	w   *bufio.Writer
	enc *json.Encoder
	err error
}

// NewJSONLWriter makes a writer and writes the header, with title and whether the
// recorder has a clock.
func NewJSONLWriter(w io.Writer, title string, timed bool) *JSONLWriter {
	needs(w != nil, "NewJSONLWriter", "the io.Writer")
	return newJSONLWriter(w, jsonHeader{Title: title, Timed: timed})
}

func newJSONLWriter(w io.Writer, h jsonHeader) *JSONLWriter {
	j := &JSONLWriter{w: bufio.NewWriter(w)}
	j.enc = json.NewEncoder(j.w)
	j.enc.SetEscapeHTML(false)
	h.Format, h.Version = FormatJSONL, VersionJSONL
	j.err = j.enc.Encode(h)
	return j
}

// WriteRecord implements [Sink].
func (j *JSONLWriter) WriteRecord(r Record) error {
	if j.err == nil {
		j.err = j.enc.Encode(jsonRecord{
			Seq: r.Seq, Time: int64(r.Time), Thread: r.Thread, Kind: r.Kind,
			From: toJSON(r.From, r.Thread), To: toJSON(r.To, r.Thread), Detail: r.Detail, Site: r.Site,
		})
	}
	return j.err
}

// Close writes what is buffered, and returns the first error there was. It does
// not close the underlying writer.
func (j *JSONLWriter) Close() error {
	if err := j.w.Flush(); j.err == nil {
		j.err = err
	}
	return j.err
}

// WriteJSONL writes a trace as JSON lines: a header, then a line for each record.
func WriteJSONL(w io.Writer, t *Trace) error {
	needsBoth("WriteJSONL", w, t)
	j := newJSONLWriter(w, jsonHeader{Title: t.Title, Timed: t.Timed, Dropped: t.Dropped})
	for _, r := range t.Records {
		j.WriteRecord(r) // Close returns the first error
	}
	return j.Close()
}

// ReadJSONL reads what [WriteJSONL] wrote. Its error tells the line, and wraps
// [ErrFormat] if the first one is no header of such a trace. A last line that is
// cut short, as by a program that was killed, is an error that wraps
// [io.ErrUnexpectedEOF]; the trace up to there is returned with it. A party that
// has no name gets one of its number.
func ReadJSONL(r io.Reader) (*Trace, error) {
	needs(r != nil, "ReadJSONL", "the io.Reader")
	lines := lineReader{r: bufio.NewReader(r)}
	var h jsonHeader
	switch err := lines.next(&h); {
	case err == io.EOF:
		return nil, fmt.Errorf("%w: line 1: it is empty: %w", ErrFormat, io.ErrUnexpectedEOF)
	case err != nil:
		return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, lines.n, err)
	case h.Format != FormatJSONL:
		return nil, fmt.Errorf("%w: line %d: format is %q, want %q", ErrFormat, lines.n, h.Format, FormatJSONL)
	case h.Version > VersionJSONL:
		return nil, fmt.Errorf("%w: line %d: version is %d, and this program reads up to %d; one that is newer wrote it", ErrFormat, lines.n, h.Version, VersionJSONL)
	case h.Version < 1:
		return nil, fmt.Errorf("%w: line %d: version is %d, want 1", ErrFormat, lines.n, h.Version)
	}
	t := &Trace{Title: h.Title, Timed: h.Timed, Dropped: h.Dropped}
	for {
		var j jsonRecord
		err := lines.next(&j)
		if err == io.EOF {
			return t, nil
		}
		if err == nil && j.Kind == "" {
			err = errors.New("it has no kind")
		}
		if err != nil {
			return t, fmt.Errorf("trace: line %d: %w", lines.n, err)
		}
		t.Records = append(t.Records, Record{
			Seq: j.Seq, Time: time.Duration(j.Time), Thread: j.Thread, Kind: j.Kind,
			From: j.From.party(j.Thread), To: j.To.party(j.Thread), Detail: j.Detail, Site: j.Site,
		})
	}
}

// A lineReader reads one value from each line that is not blank.
type lineReader struct {
	r *bufio.Reader
	n int // the line that was read last
}

func (l *lineReader) next(v any) error {
	for {
		line, err := l.r.ReadBytes('\n')
		last := err == io.EOF
		if err != nil && !last {
			return err
		}
		l.n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			if last {
				return io.EOF
			}
			continue
		}
		err = json.Unmarshal(line, v)
		if _, e := l.r.Peek(1); err != nil && e == io.EOF {
			// A decoder alone tells what is cut short from what is wrong.
			if e := json.NewDecoder(bytes.NewReader(line)).Decode(v); errors.Is(e, io.ErrUnexpectedEOF) {
				return e
			}
		}
		return inWords(err)
	}
}

// inWords says what is wrong with a line without the names of Go's types, which are
// nobody's business who wrote it.
func inWords(err error) error {
	wrong := (*json.UnmarshalTypeError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	want := "an object"
	switch wrong.Type.Kind() {
	case reflect.String:
		want = "a string"
	case reflect.Bool:
		want = "true or false"
	case reflect.Uint64:
		want = "a whole number from 0"
	case reflect.Int, reflect.Int64:
		want = "a whole number"
	}
	field := wrong.Field
	if field == "" {
		field = "it"
	}
	return fmt.Errorf("%s is %s, want %s", field, wrong.Value, want)
}
