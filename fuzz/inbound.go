package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/wire"
)

// maxLength bounds the packets taken from whoever is under test, in bytes. RFC
// 4253, section 6.1, asks for 35000; nobody sends more than 256 KiB.
const maxLength = 1 << 20

// maxLines bounds what is read in search of a version line (RFC 4253,
// section 4.2, has no bound).
const maxLines = 1024

// An inbound is what has arrived and is not read yet. A wait that is cut short
// by a deadline leaves it as it is, and can be taken up again.
type inbound struct {
	opener cipher.Opener
	buf    []byte
	total  int // size of the packet at the beginning of buf, or 0 if not known
}

// fill waits for more bytes.
func (p *Peer) fill(deadline time.Time) error {
	p.nc.SetReadDeadline(deadline)
	chunk := make([]byte, 4<<10)
	n, err := p.nc.Read(chunk)
	p.in.buf = append(p.in.buf, chunk[:n]...)
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// read returns the payload of the next packet. The keys change behind the NEWKEYS
// that ends an exchange.
func (p *Peer) read(deadline time.Time) ([]byte, error) {
	in := &p.in
	for {
		f := in.opener.Framing()
		if in.total == 0 && len(in.buf) >= f.Head {
			length := in.opener.Length(p.ReadSequence, in.buf[:f.Head])
			if length > maxLength {
				return nil, fmt.Errorf("packet_length is %d", length)
			}
			in.total = 4 + int(length) + f.Tag
		}
		if in.total > 0 && len(in.buf) >= in.total {
			return p.open()
		}
		if err := p.fill(deadline); err != nil {
			return nil, err
		}
	}
}

// open takes the packet at the beginning of what has arrived.
func (p *Peer) open() ([]byte, error) {
	in := &p.in
	packet := in.buf[:in.total]
	plain, err := in.opener.Open(packet, p.ReadSequence, packet)
	if err != nil {
		return nil, err
	}
	if len(plain) < 1 || int(plain[0]) < 4 || 1+int(plain[0]) >= len(plain) {
		return nil, errors.New("the padding of a packet does not fit it") // RFC 4253, section 6
	}
	payload := bytes.Clone(plain[1 : len(plain)-int(plain[0])])
	in.buf, in.total = in.buf[in.total:], 0
	p.ReadSequence++
	if wire.Number(payload[0]) == wire.NumberNewKeys && p.nextOpener != nil {
		in.opener, p.nextOpener = p.nextOpener, nil
		if p.Strict {
			p.ReadSequence = 0
		}
	}
	return payload, nil
}

// readLine returns the next line, without CR LF.
func (p *Peer) readLine(deadline time.Time) (string, error) {
	for {
		if i := bytes.IndexByte(p.in.buf, '\n'); i >= 0 {
			line := string(p.in.buf[:i])
			p.in.buf = p.in.buf[i+1:]
			return strings.TrimSuffix(line, "\r"), nil
		}
		if len(p.in.buf) > maxLength {
			return "", errors.New("a line without end")
		}
		if err := p.fill(deadline); err != nil {
			return "", err
		}
	}
}

// readVersion returns the version line, and passes over what a server says first
// (RFC 4253, section 4.2).
func (p *Peer) readVersion(deadline time.Time) (string, error) {
	for range maxLines {
		line, err := p.readLine(deadline)
		if err != nil || strings.HasPrefix(line, "SSH-") {
			return line, err
		}
	}
	return "", errors.New("no version line")
}
