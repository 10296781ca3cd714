package memnet

import (
	"io"
	"time"
)

// defaultBuffer is the capacity of a path, about that of two sockets.
const defaultBuffer = 256 << 10

// A Path is how bytes travel in one direction. The zero Path is fast and
// faultless.
type Path struct {
	Buffer  int           // bytes that may be between Write and Read; 256 KiB if zero
	Latency time.Duration // from Write to Read
	MaxRead int           // bytes one Read returns at most, if not zero; 1 finds who relies on luck
	Faults  []Fault
	// Tap is given all bytes written, as they were before any fault, by one
	// goroutine at a time. It must not block.
	Tap io.Writer
}

func (p *Path) buffer() int64 {
	if p.Buffer == 0 {
		return defaultBuffer
	}
	return int64(p.Buffer)
}

// faultFrom returns, among the faults of the kinds given, the one that comes
// first at or after offset.
func (p *Path) faultFrom(offset int64, kinds ...Kind) (next Fault, ok bool) {
	for _, kind := range kinds {
		for _, f := range p.Faults {
			if f.Kind == kind && f.At >= offset && (!ok || f.At < next.At) {
				next, ok = f, true
			}
		}
	}
	return next, ok
}
