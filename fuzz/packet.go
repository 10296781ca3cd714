package fuzz

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A Packet is one packet before it is sealed (RFC 4253, section 6), and what is
// done to it afterwards. [Peer.Frame] makes one that is right; a script then
// makes it wrong.
//
//	uint32    packet_length
//	byte      padding_length
//	byte[]    payload
//	byte[]    random padding
type Packet struct {
	Sequence      uint32 // what the cipher and the MAC are told
	Length        uint32 // packet_length, whatever follows
	PaddingLength byte   // padding_length, whatever Padding is
	Payload       []byte
	Padding       []byte

	// Tamper, unless nil, returns what is sent in place of the sealed packet,
	// tag included: nothing, if the packet is to be lost on the way.
	Tamper func(sealed []byte) []byte
}

// Frame returns the packet in which m should be sent next.
func (p *Peer) Frame(m Message) Packet {
	k := Packet{Sequence: p.SendSequence, Payload: m.Append(nil)}
	f := p.Sealer.Framing()
	n := f.Block - (4+1+len(k.Payload)-f.Clear)%f.Block
	if n < 4 {
		n += f.Block
	}
	k.Pad(n)
	return k
}

// Pad gives k as much padding as n says, and the lengths that belong to it.
func (k *Packet) Pad(n int) {
	k.Padding = make([]byte, n)
	rand.Read(k.Padding)
	k.PaddingLength = byte(n)
	k.Length = uint32(1 + len(k.Payload) + n)
}

// SendPacket seals k and sends it. The ciphers in CBC mode panic unless what they
// are to encrypt is a multiple of their block; the others seal anything.
func (p *Peer) SendPacket(k Packet) {
	if p.err == nil {
		p.write(p.seal(k))
	}
}

// seal returns what goes out for k. The next packet has the next number, whatever
// that of k was.
func (p *Peer) seal(k Packet) []byte {
	packet := append(binary.BigEndian.AppendUint32(nil, k.Length), k.PaddingLength)
	packet = append(append(packet, k.Payload...), k.Padding...)
	packet = append(packet, make([]byte, p.Sealer.Framing().Tag)...)
	p.Sealer.Seal(k.Sequence, packet)
	p.SendSequence++
	what := "an empty payload"
	if len(k.Payload) > 0 {
		what = wire.Number(k.Payload[0]).String()
	}
	if k.Tamper != nil {
		packet = k.Tamper(packet)
		what += " (tampered with)"
	}
	p.sent.add(what)
	return packet
}

// SendRaw sends bytes as they are, in no packet.
func (p *Peer) SendRaw(b []byte) {
	if p.err == nil {
		p.sent.add(fmt.Sprintf("%d raw bytes", len(b)))
		p.write(b)
	}
}

// write sends bytes. That it fails is not the script's business: whoever is under
// test may have hung up, and what it said before that is still to be read.
func (p *Peer) write(b []byte) {
	if len(b) == 0 {
		return
	}
	p.nc.SetWriteDeadline(time.Now().Add(p.timeout()))
	p.nc.Write(b)
}
