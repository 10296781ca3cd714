package wire

import "fmt"

// A Number is an SSH message number (RFC 4250, section 4.1).
type Number byte

// The message numbers of RFC 4250, section 4.1.2, RFC 8308, section 2.3, and
// OpenSSH PROTOCOL, section 1.9.
const (
	NumberDisconnect     Number = 1
	NumberIgnore         Number = 2
	NumberUnimplemented  Number = 3
	NumberDebug          Number = 4
	NumberServiceRequest Number = 5
	NumberServiceAccept  Number = 6
	NumberExtInfo        Number = 7

	NumberKexInit Number = 20
	NumberNewKeys Number = 21

	// Methods share the numbers 30 to 49 (RFC 4250, section 4.1.1): these are
	// the names of RFC 5656, which every method of one round trip uses.
	NumberKexECDHInit  Number = 30
	NumberKexECDHReply Number = 31

	// Group exchange (RFC 4419, section 5) has more messages, and others.
	NumberKexDHGexRequestOld Number = 30
	NumberKexDHGexGroup      Number = 31
	NumberKexDHGexInit       Number = 32
	NumberKexDHGexReply      Number = 33
	NumberKexDHGexRequest    Number = 34

	NumberUserauthRequest Number = 50
	NumberUserauthFailure Number = 51
	NumberUserauthSuccess Number = 52
	NumberUserauthBanner  Number = 53

	// Authentication methods share the numbers 60 to 79.
	NumberUserauthPKOK            Number = 60
	NumberUserauthPasswdChangeReq Number = 60
	NumberUserauthInfoRequest     Number = 60
	NumberUserauthInfoResponse    Number = 61

	// Those of GSS-API are RFC 4462's, section 5.
	NumberUserauthGSSAPIResponse         Number = 60
	NumberUserauthGSSAPIToken            Number = 61
	NumberUserauthGSSAPIExchangeComplete Number = 63
	NumberUserauthGSSAPIError            Number = 64
	NumberUserauthGSSAPIErrtok           Number = 65
	NumberUserauthGSSAPIMIC              Number = 66

	NumberGlobalRequest           Number = 80
	NumberRequestSuccess          Number = 81
	NumberRequestFailure          Number = 82
	NumberChannelOpen             Number = 90
	NumberChannelOpenConfirmation Number = 91
	NumberChannelOpenFailure      Number = 92
	NumberChannelWindowAdjust     Number = 93
	NumberChannelData             Number = 94
	NumberChannelExtendedData     Number = 95
	NumberChannelEOF              Number = 96
	NumberChannelClose            Number = 97
	NumberChannelRequest          Number = 98
	NumberChannelSuccess          Number = 99
	NumberChannelFailure          Number = 100

	NumberPing Number = 192
	NumberPong Number = 193
)

var numberNames = map[Number]string{
	NumberDisconnect:     "SSH_MSG_DISCONNECT",
	NumberIgnore:         "SSH_MSG_IGNORE",
	NumberUnimplemented:  "SSH_MSG_UNIMPLEMENTED",
	NumberDebug:          "SSH_MSG_DEBUG",
	NumberServiceRequest: "SSH_MSG_SERVICE_REQUEST",
	NumberServiceAccept:  "SSH_MSG_SERVICE_ACCEPT",
	NumberExtInfo:        "SSH_MSG_EXT_INFO",

	NumberKexInit:      "SSH_MSG_KEXINIT",
	NumberNewKeys:      "SSH_MSG_NEWKEYS",
	NumberKexECDHInit:  "SSH_MSG_KEX_ECDH_INIT",
	NumberKexECDHReply: "SSH_MSG_KEX_ECDH_REPLY",

	NumberKexDHGexInit:    "SSH_MSG_KEX_DH_GEX_INIT",
	NumberKexDHGexReply:   "SSH_MSG_KEX_DH_GEX_REPLY",
	NumberKexDHGexRequest: "SSH_MSG_KEX_DH_GEX_REQUEST",

	NumberUserauthRequest:      "SSH_MSG_USERAUTH_REQUEST",
	NumberUserauthFailure:      "SSH_MSG_USERAUTH_FAILURE",
	NumberUserauthSuccess:      "SSH_MSG_USERAUTH_SUCCESS",
	NumberUserauthBanner:       "SSH_MSG_USERAUTH_BANNER",
	NumberUserauthPKOK:         "SSH_MSG_USERAUTH_60", // the method decides: see UserauthPKOK
	NumberUserauthInfoResponse: "SSH_MSG_USERAUTH_61", // as with 60

	NumberUserauthGSSAPIExchangeComplete: "SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE",
	NumberUserauthGSSAPIError:            "SSH_MSG_USERAUTH_GSSAPI_ERROR",
	NumberUserauthGSSAPIErrtok:           "SSH_MSG_USERAUTH_GSSAPI_ERRTOK",
	NumberUserauthGSSAPIMIC:              "SSH_MSG_USERAUTH_GSSAPI_MIC",

	NumberGlobalRequest:           "SSH_MSG_GLOBAL_REQUEST",
	NumberRequestSuccess:          "SSH_MSG_REQUEST_SUCCESS",
	NumberRequestFailure:          "SSH_MSG_REQUEST_FAILURE",
	NumberChannelOpen:             "SSH_MSG_CHANNEL_OPEN",
	NumberChannelOpenConfirmation: "SSH_MSG_CHANNEL_OPEN_CONFIRMATION",
	NumberChannelOpenFailure:      "SSH_MSG_CHANNEL_OPEN_FAILURE",
	NumberChannelWindowAdjust:     "SSH_MSG_CHANNEL_WINDOW_ADJUST",
	NumberChannelData:             "SSH_MSG_CHANNEL_DATA",
	NumberChannelExtendedData:     "SSH_MSG_CHANNEL_EXTENDED_DATA",
	NumberChannelEOF:              "SSH_MSG_CHANNEL_EOF",
	NumberChannelClose:            "SSH_MSG_CHANNEL_CLOSE",
	NumberChannelRequest:          "SSH_MSG_CHANNEL_REQUEST",
	NumberChannelSuccess:          "SSH_MSG_CHANNEL_SUCCESS",
	NumberChannelFailure:          "SSH_MSG_CHANNEL_FAILURE",

	NumberPing: "SSH2_MSG_PING",
	NumberPong: "SSH2_MSG_PONG",
}

// String returns the name the defining RFC gives n, or the number itself.
func (n Number) String() string {
	if name, ok := numberNames[n]; ok {
		return name
	}
	return fmt.Sprintf("SSH_MSG_%d", byte(n))
}

// A Layer is one of the message number ranges of RFC 4250, section 4.1.1.
type Layer byte

// The ranges of RFC 4250, section 4.1.1. Reserved is the zero Layer: numbers
// nobody has assigned belong to nobody.
const (
	Reserved         Layer = iota // 0, 128 to 191
	TransportGeneric              // 1 to 19
	Negotiation                   // 20 to 29
	KeyExchange                   // 30 to 49, reused by each method
	Userauth                      // 50 to 59
	UserauthMethod                // 60 to 79, reused by each method
	Connection                    // 80 to 89, global requests
	Channel                       // 90 to 127
	Local                         // 192 to 255, private extensions
)

// Layer returns which of the ranges of RFC 4250, section 4.1.1, n belongs to.
func (n Number) Layer() Layer {
	switch {
	case n == 0:
		return Reserved
	case n < 20:
		return TransportGeneric
	case n < 30:
		return Negotiation
	case n < 50:
		return KeyExchange
	case n < 60:
		return Userauth
	case n < 80:
		return UserauthMethod
	case n < 90:
		return Connection
	case n < 128:
		return Channel
	case n < 192:
		return Reserved
	}
	return Local
}
