package job_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/job"
)

// FuzzBitmap compares a bitmap with a slice of bools: four bytes are an
// operation, the size and the granularity come first.
func FuzzBitmap(f *testing.F) {
	f.Add([]byte{200, 2, 0, 10, 20, 1, 1, 15, 3, 1, 2, 0, 200, 1})
	f.Add([]byte{255, 0, 0, 0, 255, 3, 1, 64, 64, 0})
	f.Add([]byte{0, 3, 0, 0, 1, 1})
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) < 2 {
			return
		}
		size, g := int64(program[0])*5, int64(1)<<(program[1]%5)
		b := job.NewBitmap(size, g)
		slots := make([]bool, (size+g-1)/g)
		for p := program[2:]; len(p) >= 4; p = p[4:] {
			off, n := int64(p[1])*5, int64(p[2])*int64(p[3]%8)
			for i := range slots {
				if n > 0 && min(int64(i+1)*g, size) > off && int64(i)*g < off+n {
					slots[i] = p[0]%2 == 0
				}
			}
			if p[0]%2 == 0 {
				b.Set(off, n)
			} else {
				b.Clear(off, n)
			}
			compareBitmap(t, b, slots, size, g, off, n)
		}
	})
}

// compareBitmap compares all answers of b that concern a range.
func compareBitmap(t *testing.T, b *job.Bitmap, slots []bool, size, g, off, n int64) {
	t.Helper()
	sum, any, all := int64(0), false, true
	for i, set := range slots {
		lo, hi := int64(i)*g, min(int64(i+1)*g, size)
		if set {
			sum += hi - lo
		}
		if n > 0 && hi > off && lo < off+n {
			any, all = any || set, all && set
		}
	}
	if b.Bytes() != sum || b.Any(off, n) != any || b.All(off, n) != all {
		t.Fatalf("%d+%d: Bytes %d, Any %v, All %v; want %d, %v, %v", off, n, b.Bytes(), b.Any(off, n), b.All(off, n), sum, any, all)
	}
	got, ok := b.Next(off, n)
	want, found := blockio.Range{}, false
	for i := (off + g - 1) / g; i < int64(len(slots)); i++ {
		if slots[i] {
			end := i + 1
			for end < int64(len(slots)) && slots[end] && end-i < max(1, n/g) {
				end++
			}
			want, found = blockio.Range{Start: i * g, Length: min(end*g, size) - i*g}, true
			break
		}
	}
	if got != want || ok != found {
		t.Fatalf("Next(%d, %d) is %v, %v; want %v, %v", off, n, got, ok, want, found)
	}
}

func TestBitmapOfAnySizeIsSmall(t *testing.T) {
	for _, x := range []struct{ size, granularity int64 }{
		{0, job.DefaultGranularity},
		{1 << 30, job.DefaultGranularity},
		{4 << 40, job.DefaultGranularity},
		{4<<40 + 1, job.DefaultGranularity},
		{8 << 40, 2 * job.DefaultGranularity},
		{1 << 60, 1 << 34},
	} {
		if got := job.NewBitmap(x.size, 0).Granularity(); got != x.granularity {
			t.Errorf("the granularity for %d bytes is %d, want %d", x.size, got, x.granularity)
		}
	}
}

func TestBitmapRefusesWhatCannotBe(t *testing.T) {
	for _, x := range []struct{ size, granularity int64 }{
		{-1, 0}, {10, 3}, {10, -1}, {1 << 62, 1}, {1 << 62, 1 << 62}, {1 << 32, 1},
	} {
		func() {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.Contains(v, "job: NewBitmap(") {
					t.Errorf("NewBitmap(%d, %d) panicked with %v, want words", x.size, x.granularity, v)
				}
			}()
			job.NewBitmap(x.size, x.granularity)
		}()
	}
}

func TestBitmapTakesAnyRange(t *testing.T) {
	b := job.NewBitmap(10*4096, 4096)
	b.Set(4096, math.MaxInt64)
	b.Clear(math.MinInt64, math.MaxInt64)
	b.Clear(-10, 4096)
	if b.Bytes() != 9*4096 || !b.All(4096, math.MaxInt64) || b.Any(-5, 5) {
		t.Errorf("the set has %d bytes, want %d", b.Bytes(), 9*4096)
	}
	b.Set(-1, 2)
	if b.Bytes() != 10*4096 {
		t.Errorf("the set has %d bytes, want %d", b.Bytes(), 10*4096)
	}
}
