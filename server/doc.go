// Package server is an SSH server in the manner of net/http. It composes the
// layers below it: transport, userauth and connection.
//
//	net.Listener
//	    | Accept, MaxStartups, Penalties
//	    v
//	transport.Server --Handshake--> encrypted            \
//	    | AcceptService "ssh-userauth"                    | HandshakeTimeout
//	    v                                                 |
//	userauth.Server --Authenticate--> Grant              /
//	    | Grant.Service "ssh-connection"
//	    v
//	connection.Mux --Serve--> "session"      -> Session, Handler
//	                          other channels -> Server.Channels
//	                          requests       -> Server.Requests
//
// A [Server] runs; a [Handler] serves one [Session], which is a shell, a
// command or a subsystem; a [Conn] is the connection it came over.
// [HostKeyFile] is the host key of a server that has none of its own;
// [AuthorizedKeys], [PasswordFile], [InteractivePasswordFile] and [Hostbased] are
// its users, by the files of those who run it, and [PublicKeys] knows authorities
// and revoked keys too. [Session.ServeAgent] gives programs of a session the agent
// that its client lends. [Chain] puts middleware around a Handler; package
// server/sshtest is for tests of one.
//
// [Session.OnSignal], [Session.OnResize] and [Session.OnBreak] tell a Handler what
// its client does at the terminal; [Session.CloseRead] tells the client that
// nobody reads on, and a Write fails with [ErrUnread] once it has told so itself.
// However a Handler ends, the client gets its output, how it ended, the end of the
// output, and of the session, in this order. [Server].KeepAlive finds clients that
// are gone.
//
// Once a client is in, it is told of all host keys, so that it knows the one
// that will replace another (OpenSSH PROTOCOL, section 2.5).
//
// The package starts no programs and knows no accounts: command whelkd does. It
// forwards no ports; what a client asks for besides sessions goes to the
// functions of the Server or is refused.
//
// # Self-defence
//
// [Startups] bound those who have not logged in, all of them and by source;
// [Penalties], which a Server has to be given, turn away for a time who came for
// no good. Both go by the address that a connection of the listener has, which
// behind a proxy is the proxy's unless the listener knows better. RemoteAddr of
// such a connection may wait for the proxy to say it.
//
// # Trust
//
// The zero Server refuses to run, and one that runs refuses what it was not
// told to allow: environment variables, terminals, channels and requests of
// other types. A Grant's critical options are enforced, or the connection ends:
// the command to be run, where the user may come from, what may be forwarded,
// and variables to be set.
// Text of clients is quoted in errors and logs where it would not print as it
// is.
//
// # Concurrency and cancellation
//
// An idle connection costs one goroutine: the one that called ServeConn, or
// that Serve started for it, reads. A session adds that of the Handler once
// there is something to run, and one that takes its requests while there are
// any. Other channels and global requests run on goroutines of their own. None
// of them can stop the one that reads: a Handler that does not read, or a
// client that does not, holds up its own session.
//
// The context of a Conn is done when the connection has ended, that of a
// Session when the client has closed it as well; the Session's methods fail at
// the same moment. A panic in the code of the Server's user is logged and costs
// one session, or, where there is none yet, one connection.
//
// # Buffers
//
// The slices given to Read and Write are borrowed for the call.
package server
