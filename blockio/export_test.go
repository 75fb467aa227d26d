package blockio

// Waits reports whether on is what a request parks on.
func Waits(on any) bool {
	_, ok := on.(*request)
	return ok
}
