// Package userauth implements the SSH authentication protocol, RFC 4252: how
// a user of a connection whose server is already known proves who it is. With
// it come keyboard-interactive authentication, RFC 4256, the user's half of
// GSS-API authentication, RFC 4462, and OpenSSH's public keys bound to a host.
//
// Package transport has left two ends that share a session identifier, and the
// client sure of the server. A [Client] runs its [Method] values until the
// server lets the user in; a [Server] puts each request to the [Check] of that
// name until one gives a [Grant], whose Service says which protocol the
// connection speaks from there on: package connection's.
//
//	client                                          server
//	  |                                               |
//	  | USERAUTH_REQUEST publickey, key A, unsigned   |
//	  |---------------------------------------------->|  would A do?
//	  |                  FAILURE publickey, password  |
//	  |<----------------------------------------------|  no
//	  | USERAUTH_REQUEST publickey, key B, unsigned   |
//	  |---------------------------------------------->|  would B do?
//	  |                                  PK_OK key B  |
//	  |<----------------------------------------------|  it would
//	  | USERAUTH_REQUEST publickey, key B, signature  |
//	  |---------------------------------------------->|  over session, user, key
//	  |            FAILURE password, partial success  |
//	  |<----------------------------------------------|  right, but not enough
//	  | USERAUTH_REQUEST password                     |
//	  |---------------------------------------------->|
//	  |                                      SUCCESS  |
//	  |<----------------------------------------------|
//
// A client with one key to offer signs its first request, which may leave in
// the same flight as the service request: Authenticate reads nothing before it
// has written.
//
//	method                client                    server
//	none                  [None]                    [CheckNone]
//	publickey             [PublicKey]               [CheckPublicKey]
//	password              [Password]                [CheckPassword]
//	  that expires        [PasswordOrChange]        [CheckPasswordOrChange]
//	keyboard-interactive  [KeyboardInteractive]     [CheckInteractive]
//	hostbased             [Hostbased]               [CheckHostbased]
//	gssapi-with-mic       [GSSAPI]                  [CheckGSSAPI]
//
// Others are a [Method] and a [Check] of the caller's. Which methods are enough
// the checks say themselves, with [AcceptPartial], or [Server.Chains] does.
//
// The package has no mechanism of GSS-API, and no policy for certificates. It
// knows nothing of what lies beneath [Conn]: it does not close or disconnect. A
// [*ProtocolError], [*LimitError] or [*ServiceError] tells its caller why to.
//
// # Trust
//
// The zero [Decision] refuses, an error refuses, and a [Server] without checks
// lets nobody in. What a check says of a key that was only asked about is
// forgotten; a [Grant] is made from the Decision on the very request that was
// proved. So it is with names: that of a GSS-API context counts once a MIC ties
// it to the session, and what a host says of its users once the host's key has
// signed it, which says nothing yet about whose key that is. A [Client] that
// does not list [None] is not let in by a server that asks for nothing. Nothing
// here makes or takes a signature over
// SHA-1 unless it is told to.
//
// Users who exist and those who do not get the same answers, in the same time
// of [Server.Delay], from the same lists of methods, as long as the checks see
// to it that both are asked the same.
//
// Text that a peer sent is quoted in every error. The banner is handed to
// [Client.Banner] as it came, and so are the prompts of a server to those who
// answer them.
//
// # Concurrency, cancellation and buffers
//
// A Client or a Server holds no state of a dialogue: one value may serve many
// connections at once, if its functions may. A dialogue runs on the goroutine
// that called Authenticate, callbacks included, so they may take their time.
// The context is looked at between steps; a ReadPacket that waits for the peer
// ends when whoever owns the connection gives it a deadline or closes it.
//
// Bytes in an [Answer] or an [Attempt] belong to the Conn, and are valid until
// the next message is read.
package userauth
