// Command demo shows Whelk at work; `make demo` runs it. It needs Go and what
// go.mod names, nothing else:
//
//	build        whelk and whelkd, into a temporary directory
//	commands     whelk runs some on whelkd: output, exit status, both streams
//	handshake    every message of one connection, and what each is for
//	speed        256 MiB each way, generated, hashed on arrival, not stored
//	OpenSSH      where it is installed: commands and speed with its ssh, and
//	             with its sshd
//
// Each step ends in a tick, or in a cross and what is wrong. The exit status is
// 0 only if there was no cross. Whatever happens, Ctrl-C included, no process
// and no file is left behind.
//
// The far end of a transfer is this program too, started by the server with
// other arguments, so that no system has to have anything but Go:
//
//	demo --ssh--> server --> demo receive           up
//	demo <--ssh-- server <-- demo send SEED BYTES   down
package main
