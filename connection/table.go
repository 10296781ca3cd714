package connection

import "github.com/whelk-ssh/whelk/channel"

// A state is what becomes of a channel number of ours:
//
//	free --Open--> opening --CONFIRMATION--> established --CLOSE--> free
//	                  |  \----FAILURE----------------------------->
//	                  |ctx done
//	                  v
//	              abandoned --CONFIRMATION--> established, and we send CLOSE
//	                     \----FAILURE----------------------------->  free
//	free --Opening.Accept--> established
type state byte

const (
	free state = iota
	opening
	abandoned // opening, and nobody waits for it
	established
)

// A slot is a channel number of ours.
type slot struct {
	state  state
	opener *opener        // if opening or abandoned
	inlet  *channel.Inlet // if established
	window *allotment     // of the Mux's budget
}

// A table holds our channel numbers. Numbers are used again as soon as they
// are free, the latest first, so that they stay small; every operation takes
// the same time however many channels there are.
type table struct {
	slots []slot
	free  []uint32
}

// used returns how many numbers are not free.
func (t *table) used() int { return len(t.slots) - len(t.free) }

// add puts s under a free number and returns the number.
func (t *table) add(s slot) uint32 {
	n := len(t.free)
	if n == 0 {
		t.slots = append(t.slots, s)
		return uint32(len(t.slots) - 1)
	}
	id := t.free[n-1]
	t.free = t.free[:n-1]
	t.slots[id] = s
	return id
}

// lookup returns the slot of id, or nil if it is free or never was used.
func (t *table) lookup(id uint32) *slot {
	if uint64(id) >= uint64(len(t.slots)) || t.slots[id].state == free {
		return nil
	}
	return &t.slots[id]
}

// remove frees id.
func (t *table) remove(id uint32) {
	t.slots[id] = slot{}
	t.free = append(t.free, id)
}
