package trace

var (
	Wrap     = wrap
	Clip     = clip
	ClipName = clipName
	Hang     = hang
)
