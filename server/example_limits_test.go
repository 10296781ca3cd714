package server_test

import (
	"io"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// Middleware goes around a Handler: what is first is outermost.
func ExampleChain() {
	echo := server.HandlerFunc(func(s *server.Session) { io.Copy(s, s) })
	srv := &server.Server{
		Session: server.Chain(echo,
			server.LogSessions,
			server.AllowUsers("alice", "bob"),
			server.LimitSessions(100),
			server.LimitIdle(10*time.Minute)),
	}
	_ = srv // with HostKeys, Auth and a Logger
}

// Those who fail to log in are turned away for a time, as by OpenSSH's server;
// those at home are not.
func ExamplePenalties() {
	srv := &server.Server{
		HostKeys:  []hostkey.Signer{testkeys.Ed25519()},
		Auth:      userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
		Penalties: &server.Penalties{Exempt: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}},
	}
	log.Fatal(srv.ListenAndServe())
}

// Behind a proxy that speaks the PROXY protocol, addresses in logs, limits and
// penalties are those of the clients. Which proxies are believed has to be said:
// anybody else could claim to come from anywhere.
func ExampleServer_Serve_proxyProtocol() {
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
	}
	l, err := net.Listen("tcp", ":2222")
	if err != nil {
		log.Fatal(err)
	}
	trusted, err := proxyproto.TrustProxyHeaderFromRanges([]string{"10.0.0.0/24"})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.Serve(&proxyproto.Listener{Listener: l, ConnPolicy: trusted}))
}
