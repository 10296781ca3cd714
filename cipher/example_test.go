package cipher_test

import (
	"encoding/binary"
	"fmt"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// One packet across one direction: framed as RFC 4253, section 6, says, sealed
// in place, and opened by the other end in two steps.
func Example() {
	mode, _ := cipher.Lookup("aes128-ctr")
	tags, _ := mac.Lookup("hmac-sha2-256-etm@openssh.com")
	keys := cipher.Keys{ // package kex derives these
		Key: make([]byte, mode.KeySize),
		IV:  make([]byte, mode.IVSize),
		MAC: make([]byte, tags.KeySize),
	}
	sealer, err := mode.NewSealer(keys, tags)
	if err != nil {
		panic(err)
	}
	opener, err := mode.NewOpener(keys, tags)
	if err != nil {
		panic(err)
	}

	// The sender pads to a multiple of Block, counting from Clear, and leaves
	// Tag bytes of room.
	payload := []byte("SSH_MSG_IGNORE") // 14 bytes, and padding_length
	const padding = 17
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	packet = append(packet, padding)
	packet = append(packet, payload...)
	packet = append(packet, make([]byte, padding+sealer.Framing().Tag)...)
	sealer.Seal(0, packet)

	// The receiver learns the length, reads that much, and then knows.
	f := opener.Framing()
	length := opener.Length(0, packet[:f.Head])
	body, err := opener.Open(packet[:4+int(length)+f.Tag], 0, packet[:4+int(length)+f.Tag])
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d bytes on the wire, of which %d are the tag\n", len(packet), f.Tag)
	fmt.Printf("%s\n", body[1:len(body)-int(body[0])])

	// A packet is good for one place in the stream.
	_, err = opener.Open(packet, 1, packet)
	fmt.Println(err)
	// Output:
	// 68 bytes on the wire, of which 32 are the tag
	// SSH_MSG_IGNORE
	// cipher: packet failed authentication
}
