package sftp

import "io"

// WriteAt writes p from the offset on, with all of it under way at once. What
// it returns is how much was written from there on without a gap.
func (f *File) WriteAt(p []byte, offset int64) (int, error) {
	handle, err := f.valid("write")
	switch {
	case err != nil:
		return 0, err
	case offset < 0:
		return 0, pathError("write", f.name, errNegative)
	case f.append:
		return 0, pathError("write", f.name, errAppend)
	}
	f.forget()
	return f.writeAt(handle, p, offset)
}

func (f *File) writeAt(handle string, p []byte, offset int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s := f.newSink(handle, offset)
	_ = s.write(p, offset) // it is what finish returns
	good, err := s.finish()
	return int(good - offset), pathError("write", f.name, err)
}

// Write writes p where the last Read or Write ended, or at the end of a file
// opened with O_APPEND.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	handle, err := f.valid("write")
	if err != nil {
		return 0, err
	}
	f.drop()
	n, err := f.writeAt(handle, p, f.offset)
	f.offset += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom]: it writes all that r has, as fast as the
// path allows. It returns how much was written; r may have been read further
// if writing failed.
func (f *File) ReadFrom(r io.Reader) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	handle, err := f.valid("write")
	if err != nil {
		return 0, err
	}
	f.drop()
	start := f.offset
	s := f.newSink(handle, start)
	readErr := s.readFrom(r, start)
	good, err := s.finish()
	f.offset = good
	if err != nil {
		return good - start, pathError("write", f.name, err)
	}
	return good - start, readErr
}
