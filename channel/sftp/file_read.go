package sftp

import "io"

// ReadAt reads from the offset on until p is full or the file ends, with all of
// it under way at once.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	handle, err := f.valid("read")
	if err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, pathError("read", f.name, errNegative)
	}
	s := f.newStream(handle, offset)
	s.end = span(offset, int64(len(p)))
	s.hint = s.end
	defer s.close()
	n := 0
	for n < len(p) {
		data, err := s.next()
		if isEnd(err) {
			return n, io.EOF
		}
		if err != nil {
			return n, pathError("read", f.name, err)
		}
		n += copy(p[n:], data)
	}
	return n, nil
}

// Read reads what comes next. A Read that begins where the one before ended has
// more asked for than p holds, and further Reads more than that.
func (f *File) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	handle, err := f.valid("read")
	if err != nil || len(p) == 0 {
		return 0, err
	}
	if f.lastEnd != f.offset {
		f.drop()
	}
	if len(f.rest) == 0 {
		if err := f.refill(handle, len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	f.offset += int64(n)
	f.lastEnd = f.offset
	return n, nil
}

// refill makes f.rest what comes next. Callers hold f.mu.
func (f *File) refill(handle string, n int) error {
	if f.stream == nil {
		f.stream = f.newStream(handle, f.offset)
		f.stream.ahead = 0 // until there is a second Read
		if first := max(n, defaultChunk); f.stream.size > first {
			f.stream.size = first
		}
	} else {
		f.stream.size = min(2*f.stream.size, f.stream.most)
	}
	data, err := f.stream.next()
	if err != nil {
		f.drop() // at the end, too: the file may grow
		if isEnd(err) {
			return io.EOF
		}
		return pathError("read", f.name, err)
	}
	f.rest = data
	return nil
}

// WriteTo implements [io.WriterTo]: it writes the rest of the file to w, as
// fast as the path allows.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	handle, err := f.valid("read")
	if err != nil {
		return 0, err
	}
	f.drop()
	s := f.newStream(handle, f.offset)
	defer s.close()
	start := f.offset
	for {
		data, err := s.next()
		if isEnd(err) {
			return f.offset - start, nil
		}
		if err != nil {
			return f.offset - start, pathError("read", f.name, err)
		}
		n, err := w.Write(data)
		n = min(max(n, 0), len(data))
		f.offset += int64(n)
		if err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return f.offset - start, err
		}
	}
}
