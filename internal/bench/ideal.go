package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"
	"time"
)

const (
	recordSize = block + 16 // with the tag of AES-GCM
	batch      = 4          // records in one write
)

// records is AES-128-GCM in one direction, and nothing else: no framing, no
// windows, no goroutine but that of its caller.
type records struct {
	aead   cipher.AEAD
	nonce  [12]byte
	buffer [batch * recordSize]byte
}

func newRecords() (*records, error) {
	c, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(c)
	return &records{aead: aead}, err
}

// each calls f with each record in the buffer and its nonce.
func (r *records) each(f func(record, nonce []byte) error) error {
	for rest := r.buffer[:]; len(rest) > 0; rest = rest[recordSize:] {
		counter := r.nonce[4:]
		binary.BigEndian.PutUint64(counter, binary.BigEndian.Uint64(counter)+1)
		if err := f(rest[:recordSize], r.nonce[:]); err != nil {
			return err
		}
	}
	return nil
}

// seal writes batches of records that were sealed in place.
func (r *records) seal(w io.Writer, batches int64) error {
	for range batches {
		r.each(func(record, nonce []byte) error {
			r.aead.Seal(record[:0], nonce, record[:block], nil)
			return nil
		})
		if _, err := w.Write(r.buffer[:]); err != nil {
			return err
		}
	}
	return nil
}

// open reads batches of records and opens them in place.
func (r *records) open(from io.Reader, batches int64) error {
	for range batches {
		if _, err := io.ReadFull(from, r.buffer[:]); err != nil {
			return err
		}
		if err := r.each(func(record, nonce []byte) error {
			_, err := r.aead.Open(record[:0], nonce, record, nil)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// sealedLoop measures the least that has to be done to a stream: its records
// are sealed, written, read and opened.
func sealedLoop(b *bench) (float64, error) {
	near, far, err := tcpPair()
	if err != nil {
		return 0, err
	}
	defer near.Close()
	defer far.Close()
	sender, err := newRecords()
	if err != nil {
		return 0, err
	}
	receiver, err := newRecords()
	if err != nil {
		return 0, err
	}
	batches := max(b.bytes(1)/(batch*block), 1)
	opened := make(chan error, 1)
	start := time.Now()
	go func() { opened <- receiver.open(far, batches) }()
	if err := sender.seal(near, batches); err != nil {
		return 0, err
	}
	err = <-opened
	return rate(batches*batch*block, start), err
}
