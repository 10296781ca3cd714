package fuzz

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// asides are messages that come without having been asked for. Expect passes over
// them.
var asides = []wire.Number{
	wire.NumberIgnore, wire.NumberDebug, wire.NumberExtInfo, wire.NumberUserauthBanner, wire.NumberGlobalRequest,
}

// Next returns the next payload, whatever it is. It returns nil, and the script
// fails, if none comes.
func (p *Peer) Next() []byte {
	return p.expect("a message", func([]byte) bool { return true }, nil)
}

// Expect waits for a message with number n and returns its payload, or nil if the
// script has failed. It passes over IGNORE, DEBUG, EXT_INFO, banners and global
// requests, unless they are what is expected. Anything else fails the script.
func (p *Peer) Expect(n wire.Number) []byte {
	return p.expect(n.String(),
		func(payload []byte) bool { return wire.Number(payload[0]) == n },
		func(payload []byte) bool { return slices.Contains(asides, wire.Number(payload[0])) })
}

// expect waits for a payload that is wanted and passes over what is passable.
func (p *Peer) expect(what string, wanted, passable func([]byte) bool) []byte {
	if p.err != nil {
		return nil
	}
	for deadline := time.Now().Add(p.timeout()); ; {
		payload, err := p.read(deadline)
		switch {
		case err != nil:
			p.fail(what, p.whyNothing(err), err)
			return nil
		case wanted(payload):
			return payload
		case !passable(payload):
			p.fail(what, wire.Describe(payload), nil)
			return nil
		}
	}
}

// ExpectDisconnect waits for a DISCONNECT with one of the reasons given, or with
// any if there are none, and hangs up. What else comes before it was under way,
// and is passed over.
func (p *Peer) ExpectDisconnect(reasons ...transport.Reason) {
	payload := p.expect(disconnectWith(reasons), func(payload []byte) bool {
		return wire.Number(payload[0]) == wire.NumberDisconnect
	}, func([]byte) bool { return true })
	if payload == nil {
		return
	}
	m, err := wire.ParseDisconnect(payload)
	if err != nil || len(reasons) > 0 && !slices.Contains(reasons, transport.Reason(m.Reason)) {
		p.fail(disconnectWith(reasons), wire.Describe(payload), err)
	}
	p.nc.Close()
}

func disconnectWith(reasons []transport.Reason) string {
	var words []string
	for _, r := range reasons {
		words = append(words, fmt.Sprintf("%d, %v", uint32(r), r))
	}
	if len(words) == 0 {
		return "SSH_MSG_DISCONNECT"
	}
	return fmt.Sprintf("SSH_MSG_DISCONNECT (%s)", strings.Join(words, " or "))
}

// ExpectClosed waits for the end of the connection. What comes before it is
// passed over, except for a DISCONNECT: see [Peer.ExpectDisconnect].
func (p *Peer) ExpectClosed() {
	const what = "the end of the connection without a word"
	if p.err != nil {
		return
	}
	for deadline := time.Now().Add(p.timeout()); ; {
		payload, err := p.read(deadline)
		switch {
		case err != nil && ended(err):
			p.nc.Close()
			return
		case err != nil:
			p.fail(what, p.whyNothing(err), err)
			return
		case wire.Number(payload[0]) == wire.NumberDisconnect:
			p.fail(what, wire.Describe(payload), nil)
			return
		}
	}
}

// ExpectSilence waits for as long as it is told and requires that nothing comes
// and that the connection stays.
func (p *Peer) ExpectSilence(d time.Duration) {
	if p.err != nil {
		return
	}
	payload, err := p.read(time.Now().Add(d))
	switch {
	case err == nil:
		p.fail(fmt.Sprintf("nothing for %v", d), wire.Describe(payload), nil)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		p.fail(fmt.Sprintf("nothing for %v", d), p.whyNothing(err), err)
	}
}

// Gather returns all that comes until nothing has come for quiet, or the
// connection has ended, and whether it has. It fails no script: it is for those
// who want to know how others answer.
func (p *Peer) Gather(quiet time.Duration) (payloads [][]byte, over bool) {
	if p.err != nil {
		return nil, true
	}
	for {
		payload, err := p.read(time.Now().Add(quiet))
		if err != nil {
			return payloads, !errors.Is(err, os.ErrDeadlineExceeded)
		}
		payloads = append(payloads, payload)
	}
}
