package coro_test

import "testing"

// FuzzProgram turns bytes into a program and compares the model with both
// handoffs. The corpus in testdata/fuzz holds programs that once failed.
func FuzzProgram(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x05\x01\x14\x00\x01\x14\x00\x01\x20\x01\x05\x01\x14\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<10 {
			t.Skip("longer than any program")
		}
		if err := compareProgram(decodeProgram(data)); err != nil {
			t.Fatal(err)
		}
	})
}
