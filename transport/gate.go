package transport

import (
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/wire"
)

// A gate says how far a key exchange has come on the sending side:
//
//	open --our KEXINIT--> shut --our NEWKEYS--> draining --peer's NEWKEYS--> open
//
// Messages of the layers above wait while it is shut (RFC 4253, section 7.1).
// While it is draining they flow, but no new exchange may begin.
type gate byte

const (
	gateOpen gate = iota
	gateShut
	gateDraining
)

// deferred is a list of payloads, each behind its length.
type deferred struct {
	bytes   []byte
	replies int
}

func (d *deferred) append(parts [][]byte, size int) {
	d.bytes = wire.AppendUint32(d.bytes, uint32(size))
	for _, p := range parts {
		d.bytes = append(d.bytes, p...)
	}
}

// payloads yields the payloads in the order they were appended. They alias
// the list.
func (d *deferred) payloads(yield func([]byte) bool) {
	for r := wire.NewReader(d.bytes); r.Len() > 0; {
		if !yield(r.Blob()) {
			return
		}
	}
}

// dueLocked reports whether the keys of this direction should change.
func (o *outbound) dueLocked() bool { return o.gate == gateOpen && o.meter.due() }

// beginExchange queues our KEXINIT and shuts the gate, unless an exchange is
// under way already. It returns the KEXINIT in force and whether it is the one
// given.
func (o *outbound) beginExchange(kexInit []byte) (inForce []byte, began bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && o.gate == gateOpen {
		o.gate = gateShut
		o.kexInit = kexInit
		o.frameLocked([][]byte{kexInit})
		o.kickLocked()
		began = true
	}
	return o.kexInit, began
}

// A keySwitch is what our NEWKEYS changes.
type keySwitch struct {
	sealer   cipher.Sealer
	meter    meter // how long it may be used
	resetSeq bool  // strict key exchange
	start    start // of compression
}

// switchKeys queues our NEWKEYS, makes k hold for all that follows, and lets
// through what had to wait, after the message first if there is one.
func (o *outbound) switchKeys(k keySwitch, first []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.frameLocked([][]byte{{byte(wire.NumberNewKeys)}})
	o.queue.change(change{sealer: k.sealer, resetSeq: k.resetSeq, deflate: k.start == startNow})
	o.keysQueued++
	o.frame = k.sealer.Framing()
	o.meter, o.delayed = k.meter, k.start == startLater
	o.gate = gateDraining
	if first != nil {
		o.frameLocked([][]byte{first})
	}
	for payload := range o.deferred.payloads {
		o.frameLocked([][]byte{payload})
	}
	o.queue.last.replies += o.deferred.replies
	o.deferred = deferred{}
	o.wakeLocked()
	return nil
}

// endExchange records that the peer's NEWKEYS has arrived. It reports whether
// the next exchange is due already.
func (o *outbound) endExchange() (due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate, o.kexInit = gateOpen, nil
	return o.dueLocked()
}
