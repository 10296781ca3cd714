package main

import (
	"errors"
	"os"
)

// A bench is what the samples of a run share.
type bench struct {
	scale
	programs
	keys *keys
	dir  string // where files of the run are
}

// newBench makes everything that samples need. The commands are built here and
// not when they come to be used, minutes later: a run measures one state of the
// source.
func newBench(s scale, p programs) (*bench, error) {
	k, err := newKeys()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "whelk-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{scale: s, programs: p, keys: k, dir: dir}
	if err := errors.Join(b.build(), b.writeFiles()); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { os.RemoveAll(b.dir) }

// A scale is how much work a turn is.
type scale struct {
	size    int64 // bytes that a bulk figure moves
	warming bool  // the turn does not count
}

// fullSize is the size at which counts are as they are written.
const fullSize = 1 << 30

// bytes returns a share of the size, in whole blocks.
func (s scale) bytes(share int64) int64 {
	n := s.size / share
	if s.warming {
		n /= 8
	}
	return max(n/block, 1) * block
}

// count returns how often to do something that is to be done n times at full
// size.
func (s scale) count(n int) int {
	return max(int(int64(n)*s.bytes(1)/fullSize), 1)
}
