package trace

var (
	Wrap = wrap
	Clip = clip
	Hang = hang
)
