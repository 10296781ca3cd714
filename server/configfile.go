package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What reading a file and all that it includes may take.
const (
	maxConfigDepth = 16 // files including one another, as in sshd
	maxConfigFiles = 256
	maxConfigSize  = 4 << 20 // bytes in all
)

// A ConfigFile is what an sshd_config(5) file says: keywords and values, some
// of them for connections that fit a Match line. It knows Include and Match,
// and leaves all other keywords to its user, who finds out with
// [ConfigFile.Lines] what is there, and with [ConfigFile.Matching] what a
// connection gets. Of the lines of a keyword the first counts, unless the
// keyword says otherwise, and those that Matching returns come ahead of those
// of [ConfigFile.Global].
//
//	Port 2222                      Global
//	PermitTTY yes                  Global
//	Match Address 192.0.2.0/24
//	    PermitTTY no               Matching, for who comes from there
//
// A ConfigFile does not change, and is safe for concurrent use.
type ConfigFile struct {
	blocks []configBlock
}

// A configBlock is lines that all conditions lead to; it has none outside of
// any Match.
type configBlock struct {
	conditions []*condition
	lines      []*ConfigLine
}

// ReadConfigFile reads an sshd_config(5) file, and those it includes: what Include names
// is relative to the directory of the file at path, may begin with "~/" for the
// home directory, and may be no file at all. Since such files say which programs
// are run, one that others than its owner can write to is an error, as is one of
// an owner who is neither root nor the user of this process; the directories
// above it count too. Errors of a line are a [*ConfigLineError].
func ReadConfigFile(path string) (*ConfigFile, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("server: configuration: %w", err)
	}
	r := &configReader{dir: filepath.Dir(path), includes: true}
	if err := r.read(path, nil); err != nil {
		return nil, err
	}
	return &ConfigFile{r.blocks}, nil
}

// ParseConfigFile parses the text of an sshd_config(5) file that includes no
// other. The name is for errors.
func ParseConfigFile(name string, text []byte) (*ConfigFile, error) {
	r := &configReader{}
	if err := r.parse(name, string(text), nil); err != nil {
		return nil, err
	}
	return &ConfigFile{r.blocks}, nil
}

// Lines returns all lines, in order, for those who check them. They are not to
// be changed.
func (f *ConfigFile) Lines() []*ConfigLine {
	return f.collect(func([]*condition) bool { return true })
}

// Global returns the lines outside of any Match, in order.
func (f *ConfigFile) Global() []*ConfigLine {
	return f.collect(func(all []*condition) bool { return len(all) == 0 })
}

// Matching returns the lines behind each Match that the connection fits, in
// order.
func (f *ConfigFile) Matching(c *MatchSpec) []*ConfigLine {
	return f.collect(func(all []*condition) bool {
		return len(all) > 0 && !slices.ContainsFunc(all, func(cond *condition) bool { return !cond.holds(c) })
	})
}

// Conditional returns the lines behind each Match, for those who check what they
// add up to.
func (f *ConfigFile) Conditional() (blocks [][]*ConfigLine) {
	for _, b := range f.blocks {
		if len(b.conditions) > 0 {
			blocks = append(blocks, b.lines)
		}
	}
	return blocks
}

func (f *ConfigFile) collect(wanted func([]*condition) bool) (lines []*ConfigLine) {
	for _, b := range f.blocks {
		if wanted(b.conditions) {
			lines = append(lines, b.lines...)
		}
	}
	return lines
}

// A configReader reads a file and what it includes.
type configReader struct {
	dir      string // that Include is relative to
	includes bool
	blocks   []configBlock
	depth    int
	files    int
	size     int
}

// read reads a file for which the conditions have to hold.
func (r *configReader) read(path string, outer []*condition) error {
	if r.files++; r.files > maxConfigFiles {
		return fmt.Errorf("server: configuration %s: it is one of more than %d files", path, maxConfigFiles)
	}
	f, err := openTrusted(path)
	if err != nil {
		return fmt.Errorf("server: configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(maxConfigSize-r.size)+1))
	if err != nil {
		return fmt.Errorf("server: configuration %s: %w", path, err)
	}
	if r.size += len(text); r.size > maxConfigSize {
		return fmt.Errorf("server: configuration %s: with it there are more than %d bytes", path, maxConfigSize)
	}
	return r.parse(path, string(text), outer)
}

// parse takes a file apart. A Match in it lasts to its end and no further.
func (r *configReader) parse(name, text string, outer []*condition) error {
	block := &configBlock{conditions: outer}
	flush := func() {
		if block.lines != nil {
			r.blocks = append(r.blocks, *block)
		}
		block = &configBlock{conditions: block.conditions}
	}
	number := 0
	for raw := range strings.Lines(text) {
		number++
		line, err := ParseConfigLine(raw)
		if err == nil && line == nil {
			continue
		}
		if err == nil {
			line.File, line.Number, line.Conditional = name, number, len(block.conditions) > 0
			switch {
			case strings.EqualFold(line.Keyword, "match"):
				flush()
				block.conditions, err = withCondition(outer, line.Rest)
			case strings.EqualFold(line.Keyword, "include"):
				flush()
				err = r.include(line, block.conditions)
			default:
				block.lines = append(block.lines, line)
			}
		}
		if err != nil {
			return inLine(name, number, err)
		}
	}
	flush()
	return nil
}

// withCondition returns outer and what a Match line asks for.
func withCondition(outer []*condition, criteria string) ([]*condition, error) {
	c, err := parseCondition(criteria)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(outer), c), nil
}

// include reads the files that a line names, in the order of their names.
func (r *configReader) include(line *ConfigLine, conditions []*condition) error {
	switch {
	case !r.includes:
		return errors.New("files are included only by one that is read by its name")
	case r.depth == maxConfigDepth:
		return fmt.Errorf("more than %d files include one another", maxConfigDepth)
	case len(line.Args) == 0:
		return errors.New("no file is named to be included")
	}
	r.depth++
	defer func() { r.depth-- }()
	for _, pattern := range line.Args {
		paths, err := r.glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := r.read(path, conditions); err != nil {
				return err
			}
		}
	}
	return nil
}

// glob returns the files that a pattern of Include fits.
func (r *configReader) glob(pattern string) ([]string, error) {
	if rest, ok := strings.CutPrefix(pattern, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		pattern = filepath.Join(home, rest)
	}
	if pattern == "" {
		return nil, errors.New("no file is named to be included")
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(r.dir, pattern)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is not a pattern of files to include: %w", pattern, err)
	}
	return paths, nil
}

// A ConfigLineError is what is wrong with a line of a configuration file.
type ConfigLineError struct {
	File string
	Line int
	Err  error
}

// Error begins with file and line, as compilers write them.
func (e *ConfigLineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns Err.
func (e *ConfigLineError) Unwrap() error { return e.Err }

// inLine returns err as that of a line, unless it is one of a file included.
func inLine(file string, line int, err error) error {
	var inner *ConfigLineError
	if errors.As(err, &inner) {
		return err
	}
	return &ConfigLineError{file, line, err}
}
