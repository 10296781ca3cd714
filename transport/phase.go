package transport

import (
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// A phase is what a connection is doing, as far as it decides which messages
// the peer may send.
type phase byte

const (
	phaseInit        phase = iota // first exchange, before the peer's KEXINIT
	phaseFirst                    // first exchange, after it
	phaseFirstStrict              // the same under strict key exchange
	phaseAgain                    // a later exchange, after the peer's KEXINIT
	phaseOpen                     // no exchange, as far as the peer has said
	phases
)

var phaseNames = [phases]string{
	"before the first KEXINIT", "in the first key exchange", "in the first key exchange (strict)",
	"in a key re-exchange", "outside a key exchange",
}

func (p phase) String() string { return phaseNames[p] }

// A category groups the message numbers that every phase treats alike.
type category byte

const (
	categoryDisconnect category = iota // 1
	categoryNoise                      // 2, 3, 4: may be ignored
	categoryService                    // 5, 6
	categoryExtInfo                    // 7
	categoryKexInit                    // 20
	categoryKex                        // 21, 30 to 49
	categoryUpper                      // 50 to 127: the layers above
	categoryPing                       // 192, 193
	categoryUnknown                    // the rest
	categories
)

// categoryOf sorts a message number into its category.
func categoryOf(n wire.Number) category {
	switch n {
	case wire.NumberDisconnect:
		return categoryDisconnect
	case wire.NumberIgnore, wire.NumberUnimplemented, wire.NumberDebug:
		return categoryNoise
	case wire.NumberServiceRequest, wire.NumberServiceAccept:
		return categoryService
	case wire.NumberExtInfo:
		return categoryExtInfo
	case wire.NumberKexInit:
		return categoryKexInit
	case wire.NumberNewKeys:
		return categoryKex
	case wire.NumberPing, wire.NumberPong:
		return categoryPing
	}
	switch n.Layer() {
	case wire.KeyExchange:
		return categoryKex
	case wire.Userauth, wire.UserauthMethod, wire.Connection, wire.Channel:
		return categoryUpper
	}
	return categoryUnknown
}

// An action is what becomes of a message.
type action byte

const (
	fail          action = iota // a protocol error: the zero action denies
	end                         // the peer ends the connection
	take                        // handled here, or nothing to do
	expect                      // for the exchange under way, which knows what is due
	begin                       // begins a key exchange
	deliver                     // for the layer above
	unimplemented               // answered with UNIMPLEMENTED (RFC 4253, section 11.4)
)

// actions decides about every message before any handler sees it. A cell that
// is not written fails the connection.
//
// The rows for the first exchange hold RFC 4253, section 7.1, and the strict
// one draft-ietf-sshm-strict-kex: nothing but the exchange itself, and a way to
// say no. While keys are exchanged again the peer may not send anything of the
// layers above (RFC 4253, section 7.1): implementations that took it were made
// to hold it in memory.
var actions = [phases][categories]action{
	phaseInit: {
		categoryDisconnect: end,
		categoryNoise:      take, // remembered: a strict peer may not (see beginExchange)
		categoryKexInit:    begin,
	},
	phaseFirst: {
		categoryDisconnect: end,
		categoryNoise:      take,
		categoryKex:        expect,
	},
	phaseFirstStrict: {
		categoryDisconnect: end,
		categoryKex:        expect,
	},
	phaseAgain: {
		categoryDisconnect: end,
		categoryNoise:      take,
		categoryKex:        expect,
	},
	phaseOpen: {
		categoryDisconnect: end,
		categoryNoise:      take,
		categoryService:    take,
		categoryExtInfo:    take,
		categoryKexInit:    begin,
		categoryUpper:      deliver,
		categoryPing:       take,
		categoryUnknown:    unimplemented,
	},
}

// actionFor looks up what to do about message n in phase p. Number 0 is
// reserved and never legal (RFC 4250, section 4.1.1).
func actionFor(p phase, n wire.Number) action {
	if n == 0 {
		return fail
	}
	return actions[p][categoryOf(n)]
}

// outOfPlace is the error for a message its phase forbids.
func outOfPlace(p phase, n wire.Number) error {
	return protocolErrorf("%v is not allowed %v", n, p)
}

// wantedMessage is the error for a message that its exchange did not expect.
func wantedMessage(want fmt.Stringer, got wire.Number) error {
	return protocolErrorf("expected %v, got %v", want, got)
}
