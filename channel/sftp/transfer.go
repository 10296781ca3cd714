package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// A Transfer says how [Client.Get] and [Client.Put] copy. The zero Transfer, or
// none, copies the contents of files and directories and their permissions but
// for those that a umask keeps back.
type Transfer struct {
	// Progress, if set, is called when more of a file has arrived, and once
	// at its end. There is one call at a time, which holds up the copying.
	Progress func(Progress)

	// Skipped, if set, is called for each file in a tree that is left out: it
	// is neither a file nor a directory, or a symbolic link that is not to be
	// followed. There is one call at a time of this, Failed and Progress.
	Skipped func(name string, mode fs.FileMode)

	// Failed, if set, is called for each failure when it happens. Others in
	// the tree are copied all the same.
	Failed func(error)

	// Resume continues files that are there in part: what is there is taken
	// for the beginning of what is to come, which nobody checks.
	Resume bool

	// Preserve sets the times and permissions of what is copied, and these
	// against the umask. It never sets setuid, setgid and sticky bits.
	Preserve bool

	// FollowLinks copies what symbolic links in a tree lead to. What is named
	// in the call is followed without it.
	FollowLinks bool

	// Parallel is how many files of a tree are copied at a time; 64 if zero.
	Parallel int
}

// Progress is how far a file has been copied.
type Progress struct {
	Name  string // the source's path
	Bytes int64  // that are copied
	Size  int64  // that there are to be
	Done  bool   // nothing comes after this; whether it was a failure Failed knows
}

// Percent returns how much of the file is copied, from 0 to 100.
func (p Progress) Percent() int {
	if p.Size <= 0 || p.Bytes >= p.Size {
		return 100
	}
	return int(float64(p.Bytes) / float64(p.Size) * 100)
}

// The bounds of a transfer.
const (
	parallelFiles = 64
	parallelDirs  = 8   // listed at a time
	maxErrors     = 100 // kept of what a tree fails with
)

// A job is one Get or Put.
type job struct {
	Transfer
	c     *Client
	files chan struct{} // slots
	dirs  chan struct{}
	work  sync.WaitGroup
	reads atomic.Int64 // files that are being read from the server

	mu     sync.Mutex // held during callbacks
	errs   []error
	more   int            // errors that were not kept
	finish []func() error // what is left to do for each directory, parents first
}

func (c *Client) newJob(ctx context.Context, t *Transfer) *job {
	j := &job{c: c.WithContext(ctx), dirs: make(chan struct{}, parallelDirs)}
	if t != nil {
		j.Transfer = *t
	}
	if j.Parallel <= 0 {
		j.Parallel = parallelFiles
	}
	if most := c.limits.Handles; most > 2*parallelDirs {
		j.Parallel = int(min(uint64(j.Parallel), most-parallelDirs)) // listings need theirs
	}
	j.files = make(chan struct{}, j.Parallel)
	return j
}

// file runs copying one file in the background, once it has a slot.
func (j *job) file(copy func() error) {
	j.files <- struct{}{}
	j.work.Go(func() {
		defer func() { <-j.files }()
		j.fail(copy())
	})
}

// directory runs listing one directory in the background.
func (j *job) directory(list func() error) {
	j.work.Go(func() {
		j.dirs <- struct{}{}
		defer func() { <-j.dirs }()
		j.fail(list())
	})
}

// fail keeps what went wrong.
func (j *job) fail(err error) {
	if err == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.Failed != nil {
		j.Failed(err)
	}
	if len(j.errs) == maxErrors {
		j.more++
		return
	}
	j.errs = append(j.errs, err)
}

// stopped reports whether there is no point in going on.
func (j *job) stopped() bool {
	if j.c.ctx.Err() != nil {
		return true
	}
	j.c.conn.mu.Lock()
	defer j.c.conn.mu.Unlock()
	return j.c.conn.err != nil
}

// skip leaves out what is no file.
func (j *job) skip(name string, mode fs.FileMode) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.Skipped != nil {
		j.Skipped(name, mode)
	}
}

// atEnd has f called when the tree is complete: what is in a directory changes
// its time, and may need its permissions.
func (j *job) atEnd(f func() error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.finish = append(j.finish, f)
}

// wait waits for all of it and returns what went wrong.
func (j *job) wait() error {
	j.work.Wait()
	for i := len(j.finish) - 1; i >= 0; i-- {
		if j.stopped() {
			break
		}
		j.fail(j.finish[i]())
	}
	if err := j.c.ctx.Err(); err != nil {
		return context.Cause(j.c.ctx)
	}
	if j.more > 0 {
		j.errs = append(j.errs, fmt.Errorf("sftp: and %d other files", j.more))
	}
	if len(j.errs) == 1 {
		return j.errs[0]
	}
	return errors.Join(j.errs...)
}

// meter returns what counts the bytes of one file, and what reports its end.
func (j *job) meter(name string, have, size int64) (count func(int64), done func()) {
	if j.Progress == nil {
		return func(int64) {}, func() {}
	}
	p := Progress{Name: name, Bytes: have, Size: size}
	report := func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.Progress(p)
	}
	return func(n int64) { p.Bytes += n; report() }, func() { p.Done = true; report() }
}

// timesOf returns the times of a file, as far as they are known.
func timesOf(info fs.FileInfo) (accessed, modified time.Time) {
	accessed, modified = info.ModTime(), info.ModTime()
	if a, ok := info.Sys().(*Attributes); ok {
		accessed = time.Unix(int64(a.Accessed), 0)
	}
	return accessed, modified
}
