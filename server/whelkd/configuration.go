//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// A configuration is where settings come from, in the order in which they
// count:
//
//	-o, -h          options of the command line
//	Match           lines of the file for connections like this
//	-p, -l, -a      which stand in for lines of the file
//	the file        its other lines
//
// In each of them the first line of a keyword counts; those of a keyword that is
// a list add up, and with those of -o too.
type configuration struct {
	arguments *arguments
	file      *server.ConfigFile
}

// readConfiguration reads the file that the command line names, if it names one.
func readConfiguration(a *arguments) (*configuration, error) {
	c := &configuration{arguments: a, file: &server.ConfigFile{}}
	if a.file == "" || a.file == "none" || a.file == os.DevNull {
		return c, nil
	}
	var err error
	if c.file, err = server.ReadConfigFile(a.file); err != nil {
		var line *server.ConfigLineError
		if errors.As(err, &line) {
			return nil, line // file:line says it all
		}
		return nil, err
	}
	return c, c.check()
}

// mostProblems is how many lines are told of at once: a file that another server
// was meant for may have a few.
const mostProblems = 8

// check finds out whether each line of the file is one that whelkd can do, and
// whether those behind each Match go together with the others.
func (c *configuration) check() error {
	var problems []error
	for _, line := range c.file.Lines() {
		if err := checkLine(line); err != nil && len(problems) < mostProblems {
			problems = append(problems, err)
		}
	}
	if problems != nil {
		return errors.Join(problems...)
	}
	for _, block := range c.file.Conditional() {
		o, err := c.settle(block)
		if err == nil {
			err = o.check()
		}
		if err != nil && len(block) > 0 {
			return fmt.Errorf("%s:%d: behind this Match: %w", block[0].File, block[0].Number, err)
		}
	}
	return nil
}

// checkLine finds out whether a line is one that whelkd can do.
func checkLine(line *server.ConfigLine) error {
	k, err := lookUp(line)
	if err == nil && line.Conditional && k.when == always {
		err = fmt.Errorf("%s is for all connections alike: it cannot stand behind a Match", k.name)
	}
	if err == nil {
		err = applyLine(newOptions(), line)
	}
	if err == nil {
		return nil
	}
	return &server.ConfigLineError{File: line.File, Line: line.Number, Err: err}
}

// global returns the options that count for all connections.
func (c *configuration) global() (*options, error) { return c.settle(nil) }

// matching returns the lines for a connection, and a key that is the same for
// the same lines; "" for none.
func (c *configuration) matching(m *server.MatchSpec) (lines []*server.ConfigLine, key string) {
	lines = c.file.Matching(m)
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%s:%d\n", line.File, line.Number)
	}
	return lines, b.String()
}

// settle returns the options, given the lines behind each Match that counts.
func (c *configuration) settle(matched []*server.ConfigLine) (*options, error) {
	o := newOptions()
	o.dry = c.arguments.test
	layers := [...][]*server.ConfigLine{c.arguments.options, matched, c.arguments.flags, c.file.Global()}
	from := make(map[*keyword]int) // the layer that set a keyword last, from 1 on
	for i, lines := range layers {
		layer := i + 1
		for _, line := range lines {
			k, err := lookUp(line)
			if err != nil {
				return nil, err
			}
			set := from[k]
			if set != 0 && !(k.lines >= group && set == layer) && !(k.lines == list && set == 1) {
				continue
			}
			from[k] = layer
			if err := applyLine(o, line); err != nil {
				return nil, inFile(line, err)
			}
		}
	}
	for range c.arguments.verbose {
		o.logging.more()
	}
	return o, nil
}

// inFile says which line an error is about, if it is one of a file.
func inFile(line *server.ConfigLine, err error) error {
	if line.File == "" {
		return err
	}
	return &server.ConfigLineError{File: line.File, Line: line.Number, Err: err}
}

// lookUp returns the row of a line's keyword.
func lookUp(line *server.ConfigLine) (*keyword, error) {
	same := func(k keyword) bool { return strings.EqualFold(k.name, line.Keyword) }
	for _, table := range [][]keyword{keywords, fixed} {
		if i := slices.IndexFunc(table, same); i >= 0 {
			return &table[i], nil
		}
	}
	return nil, unknown(line.Keyword)
}

// applyLine sets what a line says.
func applyLine(o *options, line *server.ConfigLine) error {
	k, err := lookUp(line)
	if err != nil {
		return err
	}
	if err := k.set(o, line); err != nil {
		return fmt.Errorf("%s: %w", line.Keyword, err)
	}
	return nil
}

// setOption sets what an option of the command line says.
func setOption(o *options, text string) error {
	line, err := parseOption(text)
	if err != nil {
		return err
	}
	return applyLine(o, line)
}
