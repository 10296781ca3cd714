package transport

import (
	"compress/flate"
	"errors"
	"fmt"
	"sync"

	"github.com/whelk-ssh/whelk/internal/inflate"
)

// The names of compression algorithms. Both that compress do so in the same
// way, and differ in when they begin.
const (
	compressionNone    = "none"             // RFC 4253, section 6.2
	compressionDelayed = "zlib@openssh.com" // OpenSSH PROTOCOL, section 1.2
	compressionZlib    = "zlib"             // RFC 4253, section 6.2
)

// Compressions returns the names that [Config.Compression] may have.
func Compressions() []string {
	return []string{compressionNone, compressionDelayed, compressionZlib}
}

// A start says when the packets of one direction begin to be compressed.
type start byte

const (
	startNever start = iota
	startNow         // with the packet behind NEWKEYS
	startLater       // with the packet behind USERAUTH_SUCCESS
)

// startOf says when compression begins that was agreed on by name. RFC 4253,
// section 6.2, has its context made anew in each key exchange. That holds for
// zlib@openssh.com too: there is no re-exchange before USERAUTH_SUCCESS, and
// behind it OpenSSH begins anew at once.
func (x *exchange) startOf(name string) start {
	switch {
	case name == compressionZlib, name == compressionDelayed && !x.first:
		return startNow
	case name == compressionDelayed:
		return startLater
	}
	return startNever
}

// deflateLevel is where compress/flate is 1.7 times as fast as at OpenSSH's
// level of 6, and makes text no more than 3 % longer. Level 1 forgets what it
// has seen at every short packet.
const deflateLevel = 4

// deflaters are those of no connection. One has some 800 KiB.
var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.w, _ = flate.NewWriter(d, deflateLevel)
	return d
}}

// A deflater compresses the payloads of one direction, from one key exchange to
// the next. Each ends with a sync flush: an empty block, so that the peer has
// all of it. RFC 4253 asks for a partial flush, which is shorter by three bytes
// and means the same to who decodes it.
type deflater struct {
	w   *flate.Writer
	out []byte // what Write appends to
}

// newDeflater returns one at the beginning of a stream.
func newDeflater() *deflater {
	d := deflaters.Get().(*deflater)
	d.w.Reset(d)
	// RFC 1950, section 2.2: DEFLATE, a window of 32 KiB, the default level.
	d.out = append(d.out[:0], 0x78, 0x9c)
	return d
}

// append appends the compressed payload to b.
func (d *deflater) append(b, payload []byte) []byte {
	header := d.out
	d.out = append(b, header...)
	d.w.Write(payload)
	d.w.Flush()
	b, d.out = d.out, header[:0]
	return b
}

// Write is for compress/flate.
func (d *deflater) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

// startDeflating makes the packets that follow a stream of their own, or ends
// compression. It is for the sender.
func (o *outbound) startDeflating(wanted bool) {
	if o.deflater != nil {
		deflaters.Put(o.deflater)
		o.deflater = nil
	}
	if wanted {
		o.deflater = newDeflater()
	}
}

// deflate appends a packet to b, compressed if it is to be. It is for the
// sender, as is the time that this takes: a packet waits in the queue as it is,
// so that who queues it does not wait, the reader least of all.
func (o *outbound) deflate(b, packet []byte) []byte {
	if o.deflater == nil {
		return append(b, packet...)
	}
	start, f := len(b), o.sealer.Framing()
	b = append(b, 0, 0, 0, 0, 0)
	b = o.deflater.append(b, packet[5:len(packet)-f.Tag-int(packet[4])])
	b = endPacket(b, start, f)
	o.saved += len(packet) - (len(b) - start)
	return b
}

// settleLocked has the meter count what was sent, where it has counted what was
// queued. It is for the sender. Behind a NEWKEYS that is still in the queue the
// meter is another one.
func (o *outbound) settleLocked() {
	if o.keysQueued == o.keysSealed {
		o.meter.bytes -= int64(o.saved)
	}
	o.saved = 0
}

// startDelayed is startDelayedLocked for a client, which has read
// USERAUTH_SUCCESS.
func (o *outbound) startDelayed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.startDelayedLocked()
}

// startDelayedLocked has what is queued from here on compressed, if that was
// put off.
func (o *outbound) startDelayedLocked() {
	if o.delayed {
		o.delayed = false
		o.queue.change(change{deflate: true})
	}
}

// maxInflated is the largest payload that a compressed packet may have: as much
// as any other.
const maxInflated = maxPacketLength

var errNothing = errors.New("the packet is empty")

// startInflating begins compression with the next packet, or later.
func (in *inbound) startInflating(s start) {
	in.delayed = s == startLater
	switch {
	case s != startNow:
		in.inflater = nil
	case in.inflater == nil:
		in.inflater = inflate.NewDecoder(maxInflated)
	default:
		in.inflater.Reset()
	}
}

// inflate returns the payload that was compressed to p.
func (in *inbound) inflate(p []byte) ([]byte, error) {
	payload, err := in.inflater.Decode(p)
	if err == nil && len(payload) == 0 {
		err = errNothing // it has no message number
	}
	if err != nil {
		return nil, &Error{Reason: ReasonCompressionError, Err: fmt.Errorf("transport: a packet cannot be decompressed: %w", err)}
	}
	return payload, nil
}
