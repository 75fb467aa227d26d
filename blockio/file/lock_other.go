//go:build !unix || solaris || illumos || aix

package file

import "os"

// lock does nothing: the system has no such lock, or one that fits.
func lock(*os.File) error { return nil }
