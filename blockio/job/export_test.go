package job

// ClearLate plants a bug in mirrors, ClearEarly one in backups, until the
// function that they return is called.
func ClearLate() func()  { clearLate = true; return func() { clearLate = false } }
func ClearEarly() func() { clearEarly = true; return func() { clearEarly = false } }
