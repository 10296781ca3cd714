package client

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// Config says who connects, and to whom. The zero Config connects to nobody.
// A Config is copied when a [Client] is made of it: later changes have no
// effect, and one Config may serve many Clients.
type Config struct {
	User string            // required
	Auth []userauth.Method // ways to prove it, in order of preference

	// HostKeys decides whether the server is the one that was meant. It is
	// required: knownhosts.New reads known_hosts files, hostkey.Pin compares
	// with a key.
	HostKeys hostkey.Verifier

	// Updater, unless nil, is told of the keys that the host announces, once it
	// has let the user in, on a goroutine of its own and once for a connection.
	// It is to return when its context is done, which it is when the connection
	// has ended. A knownhosts.Verifier is one, and remembers the keys.
	Updater hostkey.Updater

	// Transport sets algorithms, limits and tracing. Its Host and Verifier
	// are those given to Dial or New and HostKeys.
	Transport transport.Config

	// Mux says what the server may ask for. If it is zero, nothing: channels
	// the server opens are refused, as are its global requests. With an
	// Updater, requests are to be taken by its OnRequest.
	Mux connection.Config

	// Agent, unless nil, connects to the agent that commands with ForwardAgent
	// lend to the server: agent.Dialer does, and agent.DialTo to an agent in
	// this process. It is called for each connection that the server opens,
	// and returns when its context is done. The channels that the server opens
	// besides are to be taken by Mux.OnOpen.
	Agent func(ctx context.Context) (io.ReadWriteCloser, error)

	// KeepAlive ends the connection to a server that has died or gone out of
	// reach, which otherwise nobody may notice for hours: everything fails with
	// [ErrDeadPeer] then. The zero KeepAlive does not. A server that takes
	// nothing of what is sent to it ends it just as soon, unless
	// Transport.StallTimeout says otherwise.
	KeepAlive connection.KeepAlive

	// Banner, unless nil, is given each message the server wants shown before
	// the user is let in (RFC 4252, section 5.4). The text is the server's
	// and may hold anything: who prints it filters control characters.
	Banner func(message string)
}

// Errors of a [Config] that cannot connect.
var (
	ErrNoUser     = errors.New("client: Config.User is empty: say who is to be let in")
	ErrNoHostKeys = errors.New("client: Config.HostKeys is nil: " +
		"say which host keys to trust, as with knownhosts.New or hostkey.Pin")
	ErrAgent = errors.New("client: Config.Agent takes the channels that the server opens: " +
		"take those that Config.Mux.Opens allows with Config.Mux.OnOpen")
	ErrUpdater = errors.New("client: Config.Updater takes the host's global requests: " +
		"take those that Config.Mux.Requests allows with Config.Mux.OnRequest")
)

// connectTimeout bounds the way to an authenticated connection when the
// context has no deadline.
const connectTimeout = 60 * time.Second

// defaultPort is the registered port of SSH (RFC 4253, section 4.1).
const defaultPort = "22"

// clone returns a copy of c that can connect.
func (c *Config) clone() (*Config, error) {
	switch {
	case c == nil || c.HostKeys == nil:
		return nil, ErrNoHostKeys
	case c.User == "":
		return nil, ErrNoUser
	case c.Agent != nil && c.Mux.Opens > 0 && c.Mux.OnOpen == nil:
		return nil, ErrAgent
	case c.Updater != nil && c.Mux.Requests > 0 && c.Mux.OnRequest == nil:
		return nil, ErrUpdater
	}
	clone := *c
	clone.Auth = slices.Clone(c.Auth)
	return &clone, nil
}

// withPort returns a TCP address with the default port if it has none.
func withPort(network, address string) string {
	if !strings.HasPrefix(network, "tcp") {
		return address
	}
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	host := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	return net.JoinHostPort(host, defaultPort)
}
