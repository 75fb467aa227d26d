package ladder

var (
	Wrap = wrap
	Clip = clip
	Hang = hang
)
