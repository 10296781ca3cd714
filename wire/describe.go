package wire

import (
	"errors"
	"fmt"
)

// Describe returns payload, a message without its packet's padding, as one
// line for a log or a student: the number and the name of the message, then
// its fields.
//
//	90 SSH_MSG_CHANNEL_OPEN type="session" sender=0 window=2097152 max-packet=32768
//
// Text is quoted and nothing else of the peer's is printed, so a line is safe
// to show on a terminal. Passwords, responses to prompts, signatures, X11
// cookies and channel data, where users type passwords too, are given as their
// length alone. Nothing is shown of a message, or of the fields that depend on
// its type, that does not parse: it is said to be malformed, and why.
func Describe(payload []byte) string {
	if len(payload) == 0 {
		return "malformed: a message of no bytes"
	}
	number := Number(payload[0])
	var fields line
	describe, known := messages[number]
	switch {
	case number == NumberUserauthPKOK:
		return describe60(payload)
	case number == NumberUserauthInfoResponse:
		return describe61(payload)
	case !known:
		fields.WriteString(" unknown")
		fields.hidden("data", len(payload)-1)
	default:
		err := describe(&fields, payload)
		if err == nil {
			break
		}
		if gex := describeGex(number, payload); gex != "" {
			return gex
		}
		fields.Reset()
		fields.malformed(err)
	}
	return fmt.Sprintf("%d %v%s", number, number, fields.String())
}

// describeGex describes a message with number 30 or 31 that is none of a method
// of one round trip, if it is one of group exchange, or else returns "". No
// message is both, but for a request for no bits.
func describeGex(number Number, payload []byte) string {
	var fields line
	switch {
	case number == NumberKexDHGexRequestOld && described(ParseKexDHGexRequestOld)(&fields, payload) == nil:
		return "30 SSH_MSG_KEX_DH_GEX_REQUEST_OLD" + fields.String()
	case number == NumberKexDHGexGroup && described(ParseKexDHGexGroup)(&fields, payload) == nil:
		return "31 SSH_MSG_KEX_DH_GEX_GROUP" + fields.String()
	}
	return ""
}

// describe60 describes a message with number 60, which each authentication
// method uses for its own (RFC 4252, section 6). Those four can be told
// apart: PASSWD_CHANGEREQ has two strings like PK_OK, but no language tag has
// the form of a key, and GSSAPI_RESPONSE has one.
func describe60(payload []byte) string {
	var fields line
	name := "PK_OK"
	err := describePKOK(&fields, payload)
	if err != nil {
		name = "PASSWD_CHANGEREQ"
		err = described(ParseUserauthPasswdChangeReq)(&fields, payload)
	}
	if err != nil {
		name = "INFO_REQUEST"
		err = described(ParseUserauthInfoRequest)(&fields, payload)
	}
	if err != nil {
		name = "GSSAPI_RESPONSE"
		err = described(ParseUserauthGSSAPIResponse)(&fields, payload)
	}
	if err != nil {
		return "60 SSH_MSG_USERAUTH_60 malformed: fits no method that uses this number"
	}
	return "60 SSH_MSG_USERAUTH_" + name + fields.String()
}

// describe61 does the same for number 61. Both messages begin with a number:
// of responses, each of four bytes or more, or of all bytes that follow.
func describe61(payload []byte) string {
	var fields line
	name := "INFO_RESPONSE"
	err := described(ParseUserauthInfoResponse)(&fields, payload)
	if err != nil {
		name = "GSSAPI_TOKEN"
		err = described(ParseUserauthGSSAPIToken)(&fields, payload)
	}
	if err != nil {
		return "61 SSH_MSG_USERAUTH_61 malformed: fits no method that uses this number"
	}
	return "61 SSH_MSG_USERAUTH_" + name + fields.String()
}

func describePKOK(l *line, payload []byte) error {
	m, err := ParseUserauthPKOK(payload)
	if err != nil {
		return err
	}
	key := NewReader(m.Key)
	if key.Text() == "" || key.Err() != nil {
		return errors.New("wire: not a key")
	}
	m.describe(l)
	return nil
}

// A describer writes the fields it finds in p. If it fails, what it has
// written is to be thrown away.
type describer func(l *line, p []byte) error

// described returns the describer of what parse parses.
func described[T any, P interface {
	*T
	describe(*line)
}](parse func([]byte) (T, error)) describer {
	return func(l *line, p []byte) error {
		m, err := parse(p)
		if err == nil {
			P(&m).describe(l)
		}
		return err
	}
}

// messages has every message but those with number 60 or 61.
var messages = map[Number]describer{
	NumberDisconnect:     described(ParseDisconnect),
	NumberIgnore:         described(ParseIgnore),
	NumberUnimplemented:  described(ParseUnimplemented),
	NumberDebug:          described(ParseDebug),
	NumberServiceRequest: described(ParseServiceRequest),
	NumberServiceAccept:  described(ParseServiceAccept),
	NumberExtInfo:        described(ParseExtInfo),

	NumberKexInit:      described(ParseKexInit),
	NumberNewKeys:      described(ParseNewKeys),
	NumberKexECDHInit:  described(ParseKexECDHInit),
	NumberKexECDHReply: described(ParseKexECDHReply),

	NumberKexDHGexInit:    described(ParseKexDHGexInit),
	NumberKexDHGexReply:   described(ParseKexDHGexReply),
	NumberKexDHGexRequest: described(ParseKexDHGexRequest),

	NumberUserauthRequest: described(ParseUserauthRequest),
	NumberUserauthFailure: described(ParseUserauthFailure),
	NumberUserauthSuccess: described(ParseUserauthSuccess),
	NumberUserauthBanner:  described(ParseUserauthBanner),

	NumberUserauthGSSAPIExchangeComplete: described(ParseUserauthGSSAPIExchangeComplete),
	NumberUserauthGSSAPIError:            described(ParseUserauthGSSAPIError),
	NumberUserauthGSSAPIErrtok:           described(ParseUserauthGSSAPIErrtok),
	NumberUserauthGSSAPIMIC:              described(ParseUserauthGSSAPIMIC),

	NumberGlobalRequest:           described(ParseGlobalRequest),
	NumberRequestSuccess:          described(ParseRequestSuccess),
	NumberRequestFailure:          described(ParseRequestFailure),
	NumberChannelOpen:             described(ParseChannelOpen),
	NumberChannelOpenConfirmation: described(ParseChannelOpenConfirmation),
	NumberChannelOpenFailure:      described(ParseChannelOpenFailure),
	NumberChannelWindowAdjust:     described(ParseChannelWindowAdjust),
	NumberChannelData:             described(ParseChannelData),
	NumberChannelExtendedData:     described(ParseChannelExtendedData),
	NumberChannelEOF:              described(ParseChannelEOF),
	NumberChannelClose:            described(ParseChannelClose),
	NumberChannelRequest:          described(ParseChannelRequest),
	NumberChannelSuccess:          described(ParseChannelSuccess),
	NumberChannelFailure:          described(ParseChannelFailure),

	NumberPing: described(ParsePing),
	NumberPong: described(ParsePong),
}

// What follows the common fields of a message, by the name in it.
var (
	userauthMethods = map[string]describer{
		"publickey":                           described(ParsePublicKeyFields),
		"publickey-hostbound-v00@openssh.com": described(ParseHostBoundFields),
		"gssapi-with-mic":                     described(ParseGSSAPIFields),
		"password":                            described(ParsePasswordFields),
		"hostbased":                           described(ParseHostbasedFields),
		"keyboard-interactive":                described(ParseInteractiveFields),
	}
	globalRequests = map[string]describer{
		"tcpip-forward":        described(ParseTCPIPForward),
		"cancel-tcpip-forward": described(ParseCancelTCPIPForward),
	}
	channelTypes = map[string]describer{
		"direct-tcpip":    described(ParseDirectTCPIP),
		"forwarded-tcpip": described(ParseForwardedTCPIP),
		"x11":             described(ParseX11Open),
	}
	channelRequests = map[string]describer{
		"pty-req":       described(ParsePtyRequest),
		"x11-req":       described(ParseX11Request),
		"env":           described(ParseEnvRequest),
		"exec":          described(ParseExecRequest),
		"subsystem":     described(ParseSubsystemRequest),
		"window-change": described(ParseWindowChange),
		"xon-xoff":      described(ParseXonXoff),
		"signal":        described(ParseSignalRequest),
		"exit-status":   described(ParseExitStatus),
		"exit-signal":   described(ParseExitSignal),
		"break":         described(ParseBreak),
	}
)

// specific writes the fields that name decides, or their length if nothing
// knows the name: an unknown method may carry a password as well.
func (l *line) specific(known map[string]describer, name string, p []byte) {
	describe, ok := known[name]
	if !ok {
		if len(p) > 0 {
			l.hidden("data", len(p))
		}
		return
	}
	var fields line
	if err := describe(&fields, p); err != nil {
		l.malformed(err)
		return
	}
	l.WriteString(fields.String())
}
