//go:build unix && !linux && !solaris && !illumos && !aix

package file

import "os"

// lockOpenFile takes the lock of a writer.
func lockOpenFile(f *os.File) error { return flock(f) }
