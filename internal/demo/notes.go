package main

import "github.com/whelk-ssh/whelk/wire"

// A note says what a message is for, and where that is written. With the
// brackets around the source it fits a line.
type note struct {
	number wire.Number
	kind   string // as kindOf has it; "" stands for any
	from   speaker
	text   string
	source string
}

// either stands for both speakers.
const either speaker = -1

// notes are in the order of a connection; the first that fits counts.
var notes = []note{
	{wire.NumberKexInit, "guess", clientSpeaks, "What the client can do, best first. It goes on with a guess at the answer.", "RFC 4253, section 7"},
	{wire.NumberKexInit, "", clientSpeaks, "What the client can do, best first. What the server can do too is taken.", "RFC 4253, section 7.1"},
	{wire.NumberKexInit, "", serverSpeaks, "What the server can do. From the two both ends draw the same conclusion.", "RFC 4253, section 7.1"},
	{wire.NumberKexECDHInit, "", clientSpeaks, "The client's half of a secret that is made for this connection alone.", "RFC 5656, section 4"},
	{wire.NumberKexECDHReply, "", serverSpeaks, "The server's half, its host key, and that key's signature over all so far.", "RFC 5656, section 4"},
	{wire.NumberNewKeys, "", clientSpeaks, "The host key is the expected one: from here on the client encrypts.", "RFC 4253, section 7.3"},
	{wire.NumberNewKeys, "", serverSpeaks, "From here on the server encrypts.", "RFC 4253, section 7.3"},
	{wire.NumberExtInfo, "", either, "Extensions: the signatures it takes from users, and what else it knows.", "RFC 8308, section 2.3"},
	{wire.NumberServiceRequest, "", clientSpeaks, "The transport is up. The first service on it finds out who the user is.", "RFC 4253, section 10"},
	{wire.NumberServiceAccept, "", serverSpeaks, "The server has that service.", "RFC 4253, section 10"},
	{wire.NumberUserauthRequest, "publickey", clientSpeaks, "The user's key signs the session id: of no use on any other connection.", "RFC 4252, section 7"},
	{wire.NumberUserauthRequest, "", clientSpeaks, "The user tries to prove who it is.", "RFC 4252, section 5"},
	{wire.NumberUserauthFailure, "", serverSpeaks, "Not enough. These methods can go on.", "RFC 4252, section 5.1"},
	{wire.NumberUserauthSuccess, "", serverSpeaks, "The key is an authorized one, the signature right: the user is in.", "RFC 4252, section 5.1"},
	{wire.NumberGlobalRequest, "", either, "A request that concerns the connection as a whole.", "RFC 4254, section 4"},
	{wire.NumberChannelOpen, "", clientSpeaks, "A channel for a command. The window is what the server may send unasked.", "RFC 4254, section 5.1"},
	{wire.NumberChannelOpenConfirmation, "", serverSpeaks, "Granted, with a number and a window of the server's own.", "RFC 4254, section 5.1"},
	{wire.NumberChannelRequest, "exec", clientSpeaks, "Run this command. The server hands it to the user's shell.", "RFC 4254, section 6.5"},
	{wire.NumberChannelRequest, "exit-status", serverSpeaks, "The command has exited, with this status.", "RFC 4254, section 6.10"},
	{wire.NumberChannelRequest, "", either, "A request that concerns this channel.", "RFC 4254, section 5.4"},
	{wire.NumberChannelSuccess, "", serverSpeaks, "It runs.", "RFC 4254, section 5.4"},
	{wire.NumberChannelData, "", clientSpeaks, "The command's standard input.", "RFC 4254, section 5.2"},
	{wire.NumberChannelData, "", serverSpeaks, "The command's standard output.", "RFC 4254, section 5.2"},
	{wire.NumberChannelExtendedData, "", serverSpeaks, "The command's standard error.", "RFC 4254, section 5.2"},
	{wire.NumberChannelWindowAdjust, "", either, "Data was read: so many bytes more may come.", "RFC 4254, section 5.2"},
	{wire.NumberChannelEOF, "", clientSpeaks, "The end of the input. The other direction stays open.", "RFC 4254, section 5.3"},
	{wire.NumberChannelEOF, "", serverSpeaks, "The end of the output.", "RFC 4254, section 5.3"},
	{wire.NumberChannelClose, "", either, "Done. Once both ends have said so, the channel is gone.", "RFC 4254, section 5.3"},
	{wire.NumberDisconnect, "", either, "The end of the connection, and why.", "RFC 4253, section 11.1"},
}

// noteOn returns the note on a message, and whether there is one.
func noteOn(from speaker, payload []byte) (note, bool) {
	number, kind := wire.Number(payload[0]), kindOf(payload)
	for _, n := range notes {
		if n.number == number && (n.kind == kind || n.kind == "") && (n.from == from || n.from == either) {
			return n, true
		}
	}
	return note{}, false
}

// kindOf returns the method or type of a request, whether a KEXINIT comes with a
// guess (RFC 4253, section 7), or "".
func kindOf(payload []byte) string {
	switch wire.Number(payload[0]) {
	case wire.NumberKexInit:
		if m, _ := wire.ParseKexInit(payload); m.FirstFollows {
			return "guess"
		}
	case wire.NumberUserauthRequest:
		m, _ := wire.ParseUserauthRequest(payload)
		return m.Method
	case wire.NumberChannelRequest:
		m, _ := wire.ParseChannelRequest(payload)
		return m.Type
	}
	return ""
}

func isNewKeys(payload []byte) bool {
	_, err := wire.ParseNewKeys(payload)
	return err == nil
}
