package fuzz_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// dial connects to a server that lets in whoever knows the password. net.Dial to
// any other server does as well.
func dial() net.Conn {
	near, far := memnet.Pipe()
	check := userauth.CheckPassword(func(_ context.Context, _ *userauth.Attempt, password string) (userauth.Decision, error) {
		if password == "correct horse" {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	})
	srv := &server.Server{
		HostKeys:  []hostkey.Signer{testkeys.Ed25519()},
		Auth:      userauth.Server{Checks: []userauth.Check{check}},
		Session:   server.HandlerFunc(func(*server.Session) {}),
		Transport: transport.Config{KeyExchanges: append(kex.Default(), fuzz.NullKex()), Ciphers: append(cipher.Default(), fuzz.Plain())},
	}
	go srv.ServeConn(context.Background(), far)
	return near
}

// Terrapin (CVE-2023-48795) begins with a message that nobody expects in the first
// key exchange. A server with strict key exchange hangs up.
func Example() {
	p := fuzz.Client(dial(), fuzz.Config{})
	p.Begin()
	p.Send(&wire.Ignore{})
	p.ExpectDisconnect(transport.ReasonProtocolError)
	fmt.Println(p.Close())
	// Output: <nil>
}

// The error says what came instead of what the script expected.
func ExamplePeer_Err() {
	p := fuzz.Client(dial(), fuzz.Config{Software: "Example"})
	p.Begin()
	p.Send(&wire.UserauthSuccess{}) // CVE-2018-10933
	p.ExpectClosed()
	fmt.Println(p.Err())
	// Output: fuzz: expected the end of the connection without a word, got 1 SSH_MSG_DISCONNECT reason=2 message="SSH_MSG_USERAUTH_SUCCESS is not allowed in the first key exchange (strict)" language=""; sent so far: 17 raw bytes, SSH_MSG_KEXINIT, SSH_MSG_USERAUTH_SUCCESS
}

// Crypto that is correct is the way to everything behind it. This script logs in
// and then uses a channel that was never opened.
func ExamplePeer_Login() {
	p := fuzz.Client(dial(), fuzz.Config{})
	p.Handshake()
	p.Login("alice", userauth.Password(func(context.Context) (string, error) { return "correct horse", nil }))
	p.Send(&wire.ChannelData{Recipient: 7, Data: []byte("hello?")})
	p.ExpectDisconnect(transport.ReasonProtocolError)
	fmt.Println(p.Close())
	// Output: <nil>
}

// As a server, a Peer finds out what a client gives away, and to whom.
func ExampleServer() {
	near, far := memnet.Pipe()
	failed := make(chan error, 1)
	go func() {
		_, err := client.New(context.Background(), near, "example.org:22", &client.Config{
			User: "alice", HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
		})
		failed <- err
	}()
	p := fuzz.Server(far, fuzz.Config{HostKey: testkeys.Ed25519Other()})
	p.Begin()
	p.Exchange()
	p.ExpectDisconnect(transport.ReasonHostKeyNotVerifiable)
	fmt.Println(p.Close())
	<-failed
	// Output: <nil>
}

// A packet can be wrong where no message can: here the MAC covers a length that is
// not the packet's.
func ExamplePeer_SendPacket() {
	mode, _ := cipher.Lookup("aes128-gcm@openssh.com")
	p := fuzz.Client(dial(), fuzz.Config{Ciphers: []cipher.Mode{mode}})
	p.Handshake()
	k := p.Frame(&wire.Ignore{})
	k.Length = 1 << 31 // CVE-2026-55200
	p.SendPacket(k)
	p.ExpectDisconnect(transport.ReasonMACError)
	fmt.Println(p.Close())
	// Output: <nil>
}

// Rewrite gets at what the steps send. This client says NEWKEYS twice.
func ExamplePeer_Rewrite() {
	p := fuzz.Client(dial(), fuzz.Config{})
	p.Rewrite(wire.NumberNewKeys, func(payload []byte) []fuzz.Message {
		return []fuzz.Message{fuzz.Payload(payload), fuzz.Payload(payload)}
	})
	p.Begin()
	p.Exchange()
	p.SendNewKeys()
	p.ExpectDisconnect()
	fmt.Println(p.Close())
	// Output: <nil>
}

// Gather collects answers, to find out rather than to judge.
func ExamplePeer_Gather() {
	p := fuzz.Client(dial(), fuzz.Config{})
	p.Handshake()
	p.Send(fuzz.Payload{254}, &wire.Unimplemented{})
	payloads, over := p.Gather(100 * time.Millisecond)
	for _, payload := range payloads {
		if wire.Number(payload[0]) != wire.NumberExtInfo {
			fmt.Println(wire.Describe(payload))
		}
	}
	fmt.Println(over)
	// Output:
	// 3 SSH_MSG_UNIMPLEMENTED sequence=0
	// false
}

// Without crypto every byte of a session is in sight, and in reach of a fuzzer.
func ExampleNullKex() {
	p := fuzz.Client(dial(), fuzz.Config{KeyExchanges: []kex.Method{fuzz.NullKex()}, Ciphers: []cipher.Mode{fuzz.Plain()}})
	p.Handshake()
	p.SendRaw([]byte{0, 0, 0, 12, 10, 4, 'p', 'a', 'd', 'd', 'i', 'n', 'g', '.', '.', '.', 0xff})
	p.ExpectDisconnect(transport.ReasonMACError)
	fmt.Println(p.Close())
	// Output: <nil>
}
