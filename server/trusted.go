package server

import (
	"fmt"
	"os"
)

// OpenTrusted opens a file that nobody could have changed but its owner, who is
// root or the user of this process: others may write neither to it nor to a
// directory above it, save for those like /tmp where only the owner of a file may
// replace it (StrictModes of sshd_config(5)). Symbolic links are followed first,
// and the Name of the file is where they led.
func OpenTrusted(path string) (*os.File, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return f, nil
}
