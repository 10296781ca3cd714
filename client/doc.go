// Package client is an SSH client. It is the facade over packages transport,
// userauth, connection and channel: each of them works without it, and it adds
// what a program that runs commands wants.
//
//	Dial --> transport.Conn   versions, keys, the host's identity   RFC 4253
//	           |
//	           v
//	         userauth.Client  who the user is                       RFC 4252
//	           |
//	           v
//	         connection.Mux   channels                              RFC 4254
//	           |
//	           +--> Command --> Cmd       a command or shell, as os/exec has it
//	           +--> Subsystem             a stream to "sftp" and the like
//	           +--> Mux                   everything else
//
// A [Client] trusts no host by itself: [Config] says which host keys speak for
// it, and package hostkey/knownhosts reads them from the usual files. Who the
// user is it proves with what Config.Auth has; [Credentials] puts that into the
// usual order. This package asks no question, and reads no file but the keys that
// it is told of, with one exception:
//
// # Hosts by their configuration
//
// [DialHost] connects as ssh(1) does, by what the user's ~/.ssh/config says of a
// host: it reads the files that this leads to, by package client/sshconfig, and
// starts a ProxyCommand. [HostDialer] does the same with other files, and
// [ConfigFor] and [IdentitiesFor] are what it makes of [sshconfig.Settings].
//
//	DialHost --> sshconfig.Settings --> ProxyJump ----> DialContext of another Client --+
//	                  |                 ProxyCommand -> pipes of a program -------------+--> New
//	                  |                 or neither ---> TCP ----------------------------+     ^
//	                  +--> ConfigFor: keys, known_hosts, algorithms, questions --------------'
//
// Who is asked, for a passphrase or about an unknown host, is up to the
// [Questions]; what nobody answers is refused.
//
// A [Pool] keeps Clients for those who need many of them, or one often; its Run
// runs a command on many hosts.
//
// It does not forward connections; what a server
// asks of it, channels and global requests alike, is refused unless
// [Config].Mux says otherwise. The keys that a server announces are ignored
// unless [Config].Updater wants them.
//
// # Dead servers
//
// A server that crashes, or whose network does, says nothing, and TCP may take
// hours to notice. With [Config].KeepAlive the client asks a server that has been
// silent for a while, and ends the connection if there is no answer: then
// everything that waits fails with [ErrDeadPeer]. It costs a timer, and nothing
// while data flows.
//
// # Agents
//
// [AgentKeys] are the keys of an agent, for [Credentials]. [Cmd] can lend an agent
// to the server, which is off unless asked for; the agent is told which host it is
// lent to, and may hold keys that are not to be used there.
//
// # Cancellation
//
// The context of [Dial] and [New] bounds the way to an authenticated
// connection, which takes no longer than a minute if the context has no
// deadline; after that it no longer matters. The context of [Cmd.Start] and of
// what is built on it is the command's, as that of os/exec's CommandContext:
// the command is killed when it is done.
//
// # Concurrency and goroutines
//
// All methods of a Client are safe for concurrent use. An idle one has one
// goroutine, which reads; an Updater has one while it works. A [Cmd] is used by one goroutine at a time, but for
// Signal, SignalName, Resize, Break and the pipes, which any may use while it runs. It
// has a goroutine for what the server reports, and one for each of Stdin,
// Stdout and Stderr that has to be copied.
//
// # Errors
//
// Failures are those of the layer that failed, for [errors.As]:
// [*transport.Error], [*transport.NegotiationError],
// [*transport.HostKeyError], [*transport.VersionError],
// [*transport.DisconnectError], [*userauth.Error], [*channel.OpenError]. This
// package adds [*ContextError], [*StartError], [*ExitError] and
// [*ExitMissingError], and DialHost [*ReachError], [*JumpError],
// [*UnsupportedError] and [*sshconfig.Error].
package client
