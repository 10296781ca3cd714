package main

import (
	"fmt"
	"io"
	"path"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/whelk-ssh/whelk/channel/sftp"
)

// A meter shows how far a copy is: a bar for the file that is being copied, or
// of several the one that was first, and a line for each that is complete.
type meter struct {
	w io.Writer

	mu      sync.Mutex
	current string
	bar     *progressbar.ProgressBar
}

// show shows the progress of one file.
func (m *meter) show(p sftp.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case p.Done:
		m.wipe()
		fmt.Fprintf(m.w, "%-40.40s %3d%% %12d bytes\n", oneLine(path.Base(p.Name)), p.Percent(), p.Bytes)
		if p.Name == m.current {
			m.current, m.bar = "", nil
		}
		return
	case m.current == "":
		m.current = p.Name
		m.bar = progressbar.NewOptions64(max(p.Size, 1),
			progressbar.OptionSetWriter(m.w),
			progressbar.OptionSetDescription(fmt.Sprintf("%-30.30s", oneLine(path.Base(p.Name)))),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	if p.Name == m.current {
		_ = m.bar.Set64(min(p.Bytes, max(p.Size, 1))) // a terminal that is gone shows nothing
	}
}

// clear takes the bar away, for something else to be written.
func (m *meter) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wipe()
}

func (m *meter) wipe() {
	if m.bar != nil {
		_ = m.bar.Clear()
	}
}
