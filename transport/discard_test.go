package transport

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// A scriptedReader reads a byte at a time, and counts. To save time it reads the
// bytes from offset from to offset to in larger pieces.
type scriptedReader struct {
	data     []byte
	from, to int
	read     int
}

func (r *scriptedReader) Read(p []byte) (int, error) {
	if r.read == len(r.data) {
		return 0, io.EOF
	}
	piece := 1
	if r.from <= r.read && r.read < r.to {
		piece = min(4096, r.to-r.read)
	}
	n := copy(p, r.data[r.read:r.read+piece])
	r.read += n
	return n, nil
}

// A meteredOpener counts the bytes that its MAC was taken of.
type meteredOpener struct {
	cipher.Opener
	authenticated int
}

func (o *meteredOpener) Open(dst []byte, seq uint32, packet []byte) ([]byte, error) {
	o.authenticated += max(0, len(packet)-o.Framing().Tag)
	return o.Opener.Open(dst, seq, packet)
}

// A discardTest sends packets of sentLength, or 4 bytes more where packet_length
// is in the clear, under keys that are all zeros.
type discardTest struct {
	mode cipher.Mode
	mac  mac.Algorithm
}

const sentLength = 1020 // and packet_length whole blocks, of 8 and of 16 bytes

func newDiscardTest(t *testing.T, mode, algorithm string) discardTest {
	m, ok := cipher.Lookup(mode)
	require.True(t, ok)
	a, ok := mac.Lookup(algorithm)
	require.True(t, ok)
	return discardTest{m, a}
}

func (d *discardTest) keys() cipher.Keys {
	return cipher.Keys{Key: make([]byte, d.mode.KeySize), IV: make([]byte, d.mode.IVSize), MAC: make([]byte, d.mac.KeySize)}
}

// send returns n packets in a row.
func (d *discardTest) send(t *testing.T, n int) (packets []byte) {
	sealer, err := d.mode.NewSealer(d.keys(), d.mac)
	require.NoError(t, err)
	f := sealer.Framing()
	for seq := range uint32(n) {
		length := sentLength + f.Clear
		packet := binary.BigEndian.AppendUint32(nil, uint32(length))
		packet = append(packet, 10) // padding_length
		packet = append(packet, bytes.Repeat([]byte{testMessage}, length-1)...)
		packet = append(packet, make([]byte, f.Tag)...)
		sealer.Seal(seq, packet)
		packets = append(packets, packet...)
	}
	return packets
}

// A refusal is what an attacker can see of a packet that is refused, and what
// it depends on how long that takes.
type refusal struct {
	err                 error
	read, authenticated int
}

// receive receives good packets, and then one that is not, with more bytes
// behind it than there need be.
func (d *discardTest) receive(t *testing.T, keys cipher.Keys, good int, data []byte) refusal {
	opener, err := d.mode.NewOpener(keys, d.mac)
	require.NoError(t, err)
	metered := &meteredOpener{Opener: opener}
	r := &scriptedReader{data: append(data, bytes.Repeat([]byte{0x7e}, 2*maxPacketLength)...), from: len(data), to: maxPacketLength - 100}
	in := &inbound{conn: r, idle: func() {}, buf: make([]byte, smallBuffer), opener: metered, frame: opener.Framing()}
	for range good {
		_, err := in.next()
		require.NoError(t, err)
	}
	before := refusal{read: r.read, authenticated: metered.authenticated}
	_, err = in.next()
	return refusal{err, r.read - before.read, metered.authenticated - before.authenticated}
}

// damages are ways in which a packet can be wrong.
var damages = map[string]func(packet []byte, tag int){
	"all of it":   func(packet []byte, _ int) { clear(packet) },
	"first block": func(packet []byte, _ int) { packet[0] ^= 0x80 },
	"last block":  func(packet []byte, tag int) { packet[len(packet)-tag-1] ^= 1 },
	"tag":         func(packet []byte, _ int) { packet[len(packet)-1] ^= 1 },
}

// Attack B4, CVE-2008-5161: what is wrong with a packet in CBC cannot be seen
// from the outside.
func TestB4Discard(t *testing.T) {
	for _, mode := range []string{"aes128-cbc", "aes256-cbc", "3des-cbc"} {
		for _, a := range append(mac.Default(), mac.Insecure()...) {
			d := newDiscardTest(t, mode, a.Name)
			for what, damage := range damages {
				t.Run(mode+" "+a.Name+" "+what, func(t *testing.T) {
					data := d.send(t, 3)
					damage(data[2*len(data)/3:], a.Size)
					got := d.receive(t, d.keys(), 2, data)
					requireReason(t, got.err, ReasonMACError)
					require.EqualError(t, got.err, "transport: packet corrupt")
					if a.EtM { // the length is in the clear, and the tag comes before the rest
						require.Contains(t, []int{4, 4 + sentLength + 4 + a.Size}, got.read)
						return
					}
					require.Equal(t, maxPacketLength+a.Size, got.read)
					require.Equal(t, maxPacketLength, got.authenticated)
				})
			}
		}
	}
}

// Whatever number the first block decrypts to, it takes the same bytes and the
// same work to refuse. The block before it, here the IV, is what an attacker
// knows and can change the number with.
func TestDiscardAnyLength(t *testing.T) {
	for _, mode := range []string{"aes128-cbc", "3des-cbc"} {
		for _, algorithm := range []string{"hmac-sha2-256", "hmac-sha1-96", "umac-64@openssh.com"} {
			d := newDiscardTest(t, mode, algorithm)
			data := d.send(t, 1)
			for _, length := range []uint32{0, 1, 4, 5, 6, 11, 12, 28, 29, sentLength - 16, sentLength - 8, sentLength + 1, sentLength + 16,
				34988, 35000, maxPacketLength - 4, maxPacketLength, maxPacketLength + 1, maxPacketLength + 12, 1<<31 - 1, 1 << 31, 1<<32 - 20, 1<<32 - 1} {
				keys := d.keys()
				binary.BigEndian.PutUint32(keys.IV, sentLength^length)
				got := d.receive(t, keys, 0, bytes.Clone(data))
				require.EqualError(t, got.err, "transport: packet corrupt", "%s %s, packet_length %d", mode, algorithm, length)
				require.Equal(t, refusal{got.err, maxPacketLength + d.mac.Size, maxPacketLength}, got, "%s %s, packet_length %d", mode, algorithm, length)
			}
		}
	}
}

// A stream has no block to send again, and its receiver says at once what it
// knows.
func TestNoDiscard(t *testing.T) {
	d := newDiscardTest(t, "aes128-ctr", "hmac-sha2-256")
	data := d.send(t, 1)
	data[len(data)-1] ^= 1
	got := d.receive(t, d.keys(), 0, data)
	require.EqualError(t, got.err, "transport: packet corrupt")
	require.Equal(t, 4+sentLength+32, got.read)
}

// A peer that goes away meanwhile has gone away, and that is the error.
func TestDiscardEnds(t *testing.T) {
	d := newDiscardTest(t, "aes128-cbc", "hmac-sha1")
	opener, err := d.mode.NewOpener(d.keys(), d.mac)
	require.NoError(t, err)
	r := &scriptedReader{data: make([]byte, 5000)}
	in := &inbound{conn: r, idle: func() {}, buf: make([]byte, smallBuffer), opener: opener, frame: opener.Framing()}
	_, err = in.next()
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 5000, r.read)
	require.LessOrEqual(t, len(in.buf), largeBuffer, "B1: what a length claims is not allocated")
}
