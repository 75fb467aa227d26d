package file

// SetFdatasync has do take the place of the system call, until restore is called.
func SetFdatasync(do func(fd int) error) (restore func()) {
	was := fdatasync
	fdatasync = do
	return func() { fdatasync = was }
}
