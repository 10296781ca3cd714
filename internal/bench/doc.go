// Command bench measures Whelk against others, and against what the machine
// can do. It is a module of its own, so that golang.org/x/crypto/ssh, which is
// measured beside us, is required by nobody who uses Whelk. Run it with
//
//	make bench               # all figures
//	make bench NAME=^bulk    # those that match
//	make bench-plot          # the same as a chart, .github/figures.svg
//
// It prints one line for each figure:
//
//	BENCH <name> ours=<number><unit> peer=<number><unit> ratio=<number>
//
// where a ratio above 1 is in our favour, whether more of the unit is better
// or less. Lines that begin with "#" have the range within which the turns
// lay. A figure is measured in turns, ours, the peer's, ours, the peer's, and
// so on, all within a minute or two, so that what else the machine does hits
// both; each turn starts from nothing, with a server and a connection of its
// own. The first pair, with an eighth of the work, warms up and is not
// counted. The medians of the others are printed.
//
// Both ends are in this process and talk over loopback TCP, unless the name
// says otherwise. What the two implementations are told to do is written once,
// against the interface stack:
//
//	       client                         server
//	figure ------> stream ---- TCP ----> perform
//	               whelk or xcrypto      whelk or xcrypto
//
// The wide-area figures have a relay in between, which delays what passes.
package main
