package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
)

// together is how many files are copied between two hosts at a time.
const together = 16

// between copies a file or directory from one host to another by way of this
// machine, where nothing of it is kept.
func (p *program) between(ctx context.Context, from *sftp.Client, name string, to *target) error {
	b := &bridge{p: p, from: from, to: to.files.WithContext(ctx), slots: make(chan struct{}, together)}
	info, err := from.Stat(name)
	if err != nil {
		return err
	}
	b.copy(name, to.in(name), info)
	b.files.Wait()
	for i := len(b.directories) - 1; i >= 0 && p.preserve; i-- {
		p.report(preserve(b.to.SetStat, b.directories[i].path, b.directories[i].info))
	}
	return nil
}

// A bridge is one copy between hosts.
type bridge struct {
	p           *program
	from, to    *sftp.Client
	slots       chan struct{}
	files       sync.WaitGroup
	directories []directory // parents first
}

type directory struct {
	path string
	info fs.FileInfo
}

// maxDepth is how deep directories may be nested.
const maxDepth = 64

func (b *bridge) copy(source, target string, info fs.FileInfo) {
	b.walk(source, target, info, maxDepth)
}

// walk copies what is of a kind that can be copied.
func (b *bridge) walk(source, target string, info fs.FileInfo, depth int) {
	switch {
	case depth == 0:
		b.p.report(fmt.Errorf("%s: directories are nested too deep", source))
	case info.IsDir():
		if err := b.to.MkdirAll(target, info.Mode().Perm()|0o700); err != nil {
			b.p.report(err)
			return
		}
		b.directories = append(b.directories, directory{target, info})
		for entry, err := range b.from.Entries(source) {
			if err != nil {
				b.p.report(err)
				return
			}
			name := strings.TrimSuffix(source, "/") + "/" + entry.Name()
			info, err := b.from.Stat(name)
			if err != nil {
				b.p.report(err)
				continue
			}
			b.walk(name, path.Join(target, entry.Name()), info, depth-1)
		}
	case info.Mode().IsRegular():
		b.slots <- struct{}{}
		b.files.Go(func() {
			defer func() { <-b.slots }()
			b.p.report(b.file(source, target, info))
		})
	default:
		b.p.report(fmt.Errorf("%s: not a regular file", source))
	}
}

// file copies one file.
func (b *bridge) file(source, target string, info fs.FileInfo) error {
	in, err := b.from.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := b.to.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(b.p.measured(in, source, info.Size()))
	if err == nil && b.p.preserve {
		err = preserve(func(_ string, a *sftp.Attributes) error { return out.SetStat(a) }, target, info)
	}
	return errors.Join(err, out.Close())
}

// preserve sets permissions and times as they are in info.
func preserve(set func(string, *sftp.Attributes) error, name string, info fs.FileInfo) error {
	a, ok := info.Sys().(*sftp.Attributes)
	if !ok {
		return nil
	}
	return set(name, &sftp.Attributes{
		Flags: sftp.HasPermissions | sftp.HasTimes, Permissions: uint32(info.Mode().Perm()), Accessed: a.Accessed, Modified: a.Modified,
	})
}

// measured returns a reader of which the progress is shown.
func (p *program) measured(r io.Reader, name string, size int64) io.Reader {
	report := p.transfer().Progress
	if report == nil {
		return r
	}
	return &counter{r: r, progress: sftp.Progress{Name: name, Size: size}, report: func(progress sftp.Progress) {
		p.mu.Lock()
		defer p.mu.Unlock()
		report(progress)
	}}
}

// A counter reports what is read.
type counter struct {
	r        io.Reader
	progress sftp.Progress
	report   func(sftp.Progress)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.progress.Bytes += int64(n)
	c.progress.Done = err != nil
	c.report(c.progress)
	return n, err
}

// runThere has the first host copy to the second, with its own scp.
func (p *program) runThere(ctx context.Context, source, target location) error {
	if p.server != "" {
		return errors.New("-R needs hosts, and -D says that there are none")
	}
	c, err := p.connect(ctx, source.host)
	if err != nil {
		return err
	}
	words := []string{"scp"}
	for flag, given := range map[string]bool{"-p": p.preserve, "-r": p.recursive, "-q": p.quiet} {
		if given {
			words = append(words, flag)
		}
	}
	cmd := c.ssh.Command(client.Quote(append(words, "--", source.path, target.String())...))
	cmd.Stdout, cmd.Stderr = os.Stdout, p.stderr
	return cmd.Run(ctx)
}

// within copies on this machine, which cp(1) does, as with scp.
func (p *program) within(ctx context.Context, source string, to *target) error {
	words := []string{}
	if p.recursive {
		words = append(words, "-r")
	}
	if p.preserve {
		words = append(words, "-p")
	}
	cmd := exec.CommandContext(ctx, "cp", append(words, "--", source, to.path)...)
	cmd.Stderr = p.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cp: %w", err)
	}
	return nil
}

// pacer returns what holds up a copy so that it stays below the limit, or nil.
func (p *program) pacer() func(sftp.Progress) {
	if p.limit == 0 {
		return nil
	}
	var due time.Time
	seen := make(map[string]int64)
	return func(progress sftp.Progress) {
		n := progress.Bytes - seen[progress.Name]
		seen[progress.Name] = progress.Bytes
		if progress.Done {
			delete(seen, progress.Name)
		}
		if now := time.Now(); due.Before(now) {
			due = now
		}
		due = due.Add(time.Duration(float64(n) / float64(p.limit) * float64(time.Second)))
		time.Sleep(time.Until(due))
	}
}
