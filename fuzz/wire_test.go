package fuzz_test

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// A parser parses one message, and returns what encodes it again.
type parser func(p []byte) (encode func(b []byte) []byte, err error)

func parsing[T any, P interface {
	*T
	Append(b []byte) []byte
}](parse func([]byte) (T, error)) parser {
	return func(p []byte) (func([]byte) []byte, error) {
		m, err := parse(p)
		return P(&m).Append, err
	}
}

// fuzzParsers feeds each parser its input, and requires of what parses that it
// encodes to what it came from. Booleans are why that is not quite so: any
// byte but 0 is TRUE, and is encoded as 1. So the second encoding is compared.
func fuzzParsers(f *testing.F, number func(i int) []byte, parsers ...parser) {
	for i := range parsers {
		f.Add(byte(i), append(number(i), make([]byte, 64)...))
		f.Add(byte(i), append(number(i), "\x00\x00\x00\x03abc\x00\x00\x00\x00\x01\x00\x00\x00\x00"...))
	}
	f.Fuzz(func(t *testing.T, choice byte, p []byte) {
		before := bytes.Clone(p)
		encode, err := parsers[int(choice)%len(parsers)](p)
		require.Equal(t, before, p, "parsing does not write")
		if err != nil {
			return
		}
		first := encode(nil)
		require.Len(t, first, len(p))
		again, err := parsers[int(choice)%len(parsers)](first)
		require.NoError(t, err)
		require.Equal(t, first, again(nil))
		for i := range p {
			if p[i] != first[i] {
				require.Equal(t, byte(1), first[i], "only a boolean changes")
				require.NotZero(t, p[i])
			}
		}
	})
}

// numbered returns the first byte of the message of each parser.
func numbered(numbers ...wire.Number) func(int) []byte {
	return func(i int) []byte { return []byte{byte(numbers[i])} }
}

func payload(int) []byte { return nil }

func FuzzWireTransport(f *testing.F) {
	fuzzParsers(f, numbered(1, 2, 3, 4, 5, 6, 7, 20, 21, 30, 31, 30, 31, 32, 33, 34, 192, 193),
		parsing(wire.ParseDisconnect), parsing(wire.ParseIgnore), parsing(wire.ParseUnimplemented),
		parsing(wire.ParseDebug), parsing(wire.ParseServiceRequest), parsing(wire.ParseServiceAccept),
		parsing(wire.ParseExtInfo), parsing(wire.ParseKexInit), parsing(wire.ParseNewKeys),
		parsing(wire.ParseKexECDHInit), parsing(wire.ParseKexECDHReply),
		parsing(wire.ParseKexDHGexRequestOld), parsing(wire.ParseKexDHGexGroup), parsing(wire.ParseKexDHGexInit),
		parsing(wire.ParseKexDHGexReply), parsing(wire.ParseKexDHGexRequest),
		parsing(wire.ParsePing), parsing(wire.ParsePong))
}

func FuzzWireUserauth(f *testing.F) {
	fuzzParsers(f, numbered(50, 51, 52, 53, 60, 60, 60, 61, 60, 61, 63, 64, 65, 66),
		parsing(wire.ParseUserauthRequest), parsing(wire.ParseUserauthFailure), parsing(wire.ParseUserauthSuccess),
		parsing(wire.ParseUserauthBanner), parsing(wire.ParseUserauthPKOK), parsing(wire.ParseUserauthPasswdChangeReq),
		parsing(wire.ParseUserauthInfoRequest), parsing(wire.ParseUserauthInfoResponse),
		parsing(wire.ParseUserauthGSSAPIResponse), parsing(wire.ParseUserauthGSSAPIToken),
		parsing(wire.ParseUserauthGSSAPIExchangeComplete), parsing(wire.ParseUserauthGSSAPIError),
		parsing(wire.ParseUserauthGSSAPIErrtok), parsing(wire.ParseUserauthGSSAPIMIC))
}

func FuzzWireUserauthFields(f *testing.F) {
	fuzzParsers(f, payload,
		parsing(wire.ParsePublicKeyFields), parsing(wire.ParseHostBoundFields), parsing(wire.ParsePasswordFields),
		parsing(wire.ParseHostbasedFields), parsing(wire.ParseInteractiveFields), parsing(wire.ParseGSSAPIFields))
}

func FuzzWireConnection(f *testing.F) {
	fuzzParsers(f, numbered(80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100),
		parsing(wire.ParseGlobalRequest), parsing(wire.ParseRequestSuccess), parsing(wire.ParseRequestFailure),
		parsing(wire.ParseChannelOpen), parsing(wire.ParseChannelOpenConfirmation), parsing(wire.ParseChannelOpenFailure),
		parsing(wire.ParseChannelWindowAdjust), parsing(wire.ParseChannelData), parsing(wire.ParseChannelExtendedData),
		parsing(wire.ParseChannelEOF), parsing(wire.ParseChannelClose), parsing(wire.ParseChannelRequest),
		parsing(wire.ParseChannelSuccess), parsing(wire.ParseChannelFailure))
}

func FuzzWireSession(f *testing.F) {
	fuzzParsers(f, payload,
		parsing(wire.ParsePtyRequest), parsing(wire.ParseEnvRequest), parsing(wire.ParseExecRequest),
		parsing(wire.ParseSubsystemRequest), parsing(wire.ParseWindowChange), parsing(wire.ParseSignalRequest),
		parsing(wire.ParseExitStatus), parsing(wire.ParseExitSignal), parsing(wire.ParseXonXoff),
		parsing(wire.ParseBreak), parsing(wire.ParseX11Request))
}

func FuzzWireForward(f *testing.F) {
	fuzzParsers(f, payload,
		parsing(wire.ParseTCPIPForward), parsing(wire.ParseCancelTCPIPForward), parsing(wire.ParseTCPIPForwardReply),
		parsing(wire.ParseDirectTCPIP), parsing(wire.ParseForwardedTCPIP), parsing(wire.ParseX11Open))
}

// A line is one line of printable characters, whatever it describes.
func FuzzWireDescribe(f *testing.F) {
	for number := range 256 {
		f.Add(append([]byte{byte(number)}, make([]byte, 64)...))
		f.Add(append([]byte{byte(number)}, "\x00\x00\x00\x03abc\x00\x00\x00\x00\x00\x00\x00\x00"...))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		line := wire.Describe(p)
		require.NotEmpty(t, line)
		for _, c := range line {
			require.True(t, unicode.IsPrint(c), "%q", line)
		}
		require.LessOrEqual(t, len(line), 8<<10+2*len(p))
	})
}

func FuzzWireMPInt(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x00\x80", "\xed\xcc", "\xff\xff", "\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		encoded := wire.AppendString(nil, p)
		r := wire.NewReader(encoded)
		if v := r.MPInt(); r.End() == nil {
			require.Equal(t, encoded, wire.AppendMPInt(nil, v))
		}
		unsigned := wire.AppendUnsigned(nil, p)
		require.Equal(t, wire.AppendMPInt(nil, new(big.Int).SetBytes(p)), unsigned)
	})
}

func FuzzWireNameList(f *testing.F) {
	for _, s := range []string{"", "a", "a,b", ",", "a,", strings.Repeat("x", 65), "a b", "\xc3\xa9"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		encoded := wire.AppendString(nil, p)
		r := wire.NewReader(encoded)
		names := r.NameList()
		if r.End() != nil {
			require.Nil(t, names)
			return
		}
		require.Equal(t, encoded, wire.AppendNameList(nil, names))
		require.LessOrEqual(t, len(names), 1024)
		for _, name := range names {
			require.LessOrEqual(t, len(name), 64)
			require.NotContains(t, name, ",")
		}
	})
}
