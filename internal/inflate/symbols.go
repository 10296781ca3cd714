package inflate

// maxSymbolBits is how many bits a length and a distance may take: two codes,
// and 5 and 13 extra bits.
const maxSymbolBits = maxBits + 5 + maxBits + 13

// readSymbols decodes the symbols of a block (RFC 1951, section 3.2.3). It
// judges nothing before all bits of it are there. What it keeps in variables is
// stored before it makes room and before it returns, unless all is lost.
func (d *Decoder) readSymbols() (state, error) {
	codes := d.codes
	bits, have, in := d.bits, d.have, d.in
	buf, end := d.buf, d.end
	for {
		if have < maxSymbolBits {
			bits, have, in = refill(bits, have, in)
		}
		symbol, n := codes.literals.next(bits)
		if n > have {
			d.bits, d.have, d.in, d.end = bits, have, in, end
			return stateSymbols, errMore
		}
		if symbol < endOfBlock {
			if end == len(buf) || end-d.start == d.limit {
				d.end = end
				if err := d.room(1); err != nil {
					return 0, err
				}
				buf, end = d.buf, d.end
			}
			buf[end] = byte(symbol)
			end++
			bits >>= n
			have -= n
			continue
		}
		if symbol == endOfBlock {
			d.bits, d.have, d.in, d.end = bits>>n, have-n, in, end
			return stateBlock, nil
		}
		if symbol == noSymbol {
			return 0, corrupt("bits that are no code")
		}
		length, used := lengths[symbol-endOfBlock-1].value(bits >> n)
		n += used
		symbol, used = codes.distances.next(bits >> n)
		if n += used; n > have {
			d.bits, d.have, d.in, d.end = bits, have, in, end
			return stateSymbols, errMore
		}
		if symbol == noSymbol {
			return 0, corrupt("bits that are no code")
		}
		distance, used := distances[symbol].value(bits >> n)
		if n += used; n > have {
			d.bits, d.have, d.in, d.end = bits, have, in, end
			return stateSymbols, errMore
		}
		d.end = end
		if err := d.repeat(length, distance); err != nil {
			return 0, err
		}
		buf, end = d.buf, d.end
		bits >>= n
		have -= n
	}
}

// value returns a length or distance, which is 0 if s is no span, and how many
// of the bits it takes.
func (s span) value(bits uint64) (int, uint) {
	return int(s.base) + int(bits&(1<<s.extra-1)), uint(s.extra)
}

// repeat appends length bytes of the output from distance before its end.
func (d *Decoder) repeat(length, distance int) error {
	switch {
	case length == 0 || distance == 0:
		return corrupt("a symbol that stands for nothing")
	case distance > d.end || distance > windowSize:
		return corrupt("a distance of %d after %d bytes", distance, d.end)
	}
	if err := d.room(length); err != nil {
		return err
	}
	from, to := d.end-distance, d.end
	d.end += length
	// What is copied may reach into what is being written: it then repeats
	// itself, and each turn has twice as much to copy.
	for to < d.end {
		to += copy(d.buf[to:d.end], d.buf[from:to])
	}
	return nil
}

// room sees to it that there is room for n more bytes of output.
func (d *Decoder) room(n int) error {
	if d.end+n <= len(d.buf) && d.end-d.start+n <= d.limit {
		return nil
	}
	return d.makeRoom(n)
}

const (
	leastBuffer = 4 << 10
	// largeBuffer has room for 32 KiB of data with everything around it.
	largeBuffer = windowSize + 40<<10
)

// makeRoom is room where there is none. It moves what is in reach to the front
// of the buffer, or of a larger one: as long as that is small it grows rather
// than have its content moved all the time.
func (d *Decoder) makeRoom(n int) error {
	most := windowSize + d.limit
	drop := max(0, d.start-windowSize)
	need := d.end - drop + n
	if d.end-d.start+n > d.limit {
		return ErrTooLong
	}
	old := d.buf
	if large := min(largeBuffer, most); need > len(old) || len(old) < large {
		size := max(2*len(old), leastBuffer)
		for size < need {
			size *= 2
		}
		if need <= large {
			size = min(size, large)
		}
		d.buf = make([]byte, min(size, most))
	}
	copy(d.buf, old[drop:d.end])
	d.start -= drop
	d.end -= drop
	return nil
}
