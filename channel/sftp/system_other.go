//go:build !unix

package sftp

import (
	"os"
	"time"
)

// withoutWaiting is no flag here.
const withoutWaiting = 0

// fromSystem adds what the system knows of a file besides, which is nothing
// that version 3 has a field for.
func fromSystem(*Attributes, any) {}

func linksOf(os.FileInfo) uint64 { return 1 }

// chtimes sets the times of an open file, by the name it was opened with.
func chtimes(f *os.File, accessed, modified time.Time) error {
	return os.Chtimes(f.Name(), accessed, modified)
}
