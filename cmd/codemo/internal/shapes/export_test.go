package shapes

// SmallFiles has the shapes make small files, as it does not matter to a test how
// long they take.
func SmallFiles() { fileSize, copySize = 1<<20, 1<<20 }
