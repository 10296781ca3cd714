package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/whelk-ssh/whelk/channel/sftp"
)

// copyAll copies the sources to the target. Of one that cannot be copied it
// reports the failure, and goes on with the next.
func (p *program) copyAll(ctx context.Context) error {
	target, err := parseLocation(p.words[len(p.words)-1])
	if err != nil {
		return err
	}
	sources := p.words[:len(p.words)-1]
	to, err := p.target(ctx, target, len(sources) > 1)
	if err != nil {
		return err
	}
	for _, text := range sources {
		source, err := parseLocation(text)
		if err == nil {
			err = p.copy(ctx, source, to)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		p.report(err)
	}
	return nil
}

// A target is where to copy to.
type target struct {
	location
	files     *sftp.Client // or nil for this machine
	directory bool         // it is one, and sources go into it
}

// target looks at where to copy to, which has to be a directory for several
// sources.
func (p *program) target(ctx context.Context, l location, several bool) (*target, error) {
	t := &target{location: l}
	stat := os.Stat
	if l.host != "" && !p.direct {
		c, err := p.connect(ctx, l.host)
		if err != nil {
			return nil, err
		}
		t.files = c.files
		if t.path, err = expand(c.files, l.path); err != nil {
			return nil, err
		}
		stat = c.files.WithContext(ctx).Stat
	}
	if l.host != "" && p.direct {
		return t, nil // it is the other host that looks
	}
	info, err := stat(t.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t.directory = err == nil && info.IsDir()
	if !t.directory && (several || strings.HasSuffix(l.path, "/") && !p.recursive) {
		return nil, fmt.Errorf("%s: not a directory", l)
	}
	return t, nil
}

// expand returns a path that may begin with "~", as the server has it.
func expand(c *sftp.Client, name string) (string, error) {
	if !strings.HasPrefix(name, "~") {
		return name, nil
	}
	return c.ExpandPath(name)
}

// in returns the path at the target for a source.
func (t *target) in(source string) string {
	name := inside(source)
	switch {
	case !t.directory || name == ".":
		return t.path
	case t.host != "":
		return strings.TrimSuffix(t.path, "/") + "/" + name
	}
	return filepath.Join(t.path, name)
}

// copy copies one source, or all that a pattern stands for.
func (p *program) copy(ctx context.Context, source location, to *target) error {
	if source.host == "" {
		if to.host != "" && to.files == nil { // -R, which is for hosts
			c, err := p.connect(ctx, to.host)
			if err != nil {
				return err
			}
			to.files = c.files
		}
		return p.fromHere(ctx, source.path, to)
	}
	if p.direct && to.host != "" {
		return p.runThere(ctx, source, to.location)
	}
	c, err := p.connect(ctx, source.host)
	if err != nil {
		return err
	}
	files := c.files.WithContext(ctx)
	pattern, err := expand(files, source.path)
	if err != nil {
		return err
	}
	names, err := files.Glob(pattern)
	if err != nil && !errors.Is(err, path.ErrBadPattern) {
		return err
	}
	if len(names) == 0 {
		names = []string{pattern} // it may be no pattern, and its failure has a reason
	}
	if len(names) > 1 && !to.directory {
		return fmt.Errorf("%s: not a directory", to)
	}
	for _, name := range names {
		p.report(p.fromThere(ctx, files, name, to))
	}
	return nil
}

// transfer returns how to copy.
func (p *program) transfer() *sftp.Transfer {
	t := &sftp.Transfer{
		Preserve: p.preserve, FollowLinks: true,
		Skipped: func(name string, _ fs.FileMode) { p.report(fmt.Errorf("%s: not a regular file", name)) },
	}
	pace := p.pacer()
	if p.meter != nil || pace != nil {
		t.Progress = func(progress sftp.Progress) {
			if p.meter != nil {
				p.meter.show(progress)
			}
			if pace != nil {
				pace(progress)
			}
		}
	}
	return t
}

// fromHere copies a local file or directory.
func (p *program) fromHere(ctx context.Context, source string, to *target) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if err := p.mayCopy(source, info); err != nil {
		return err
	}
	if to.host != "" {
		return to.files.Put(ctx, source, to.in(source), p.transfer())
	}
	return p.within(ctx, source, to)
}

// mayCopy refuses directories without -r, and what is neither.
func (p *program) mayCopy(name string, info fs.FileInfo) error {
	if info.IsDir() && !p.recursive {
		return fmt.Errorf("%s: not a regular file: -r copies directories", name)
	}
	return nil
}

// fromThere copies a file or directory of a host.
func (p *program) fromThere(ctx context.Context, files *sftp.Client, name string, to *target) error {
	info, err := files.Stat(name)
	if err != nil {
		return err
	}
	if err := p.mayCopy(name, info); err != nil {
		return err
	}
	if to.host == "" {
		return files.Get(ctx, name, to.in(name), p.transfer())
	}
	if p.hosts[to.host].files.Same(files) {
		if err := differ(files, name, to.in(name)); err != nil {
			return err
		}
	}
	return p.between(ctx, files, name, to)
}

// differ fails if the two paths of a host are those of one file, which would be
// emptied before it is read.
func differ(files *sftp.Client, from, to string) error {
	first, err := files.RealPath(from)
	if err != nil {
		return err
	}
	if second, err := files.RealPath(to); err == nil && first == second {
		return fmt.Errorf("%s and %s are the same file", from, to)
	}
	return nil
}
