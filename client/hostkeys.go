package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// Global requests by which a host announces its keys, and is asked to prove
// that it has them (OpenSSH PROTOCOL, section 2.5;
// draft-miller-sshm-hostkey-update).
const (
	announceRequest = "hostkeys-00@openssh.com"
	proveRequest    = "hostkeys-prove-00@openssh.com"
)

// maxAnnounced is how many keys a host may have. One that says it has more is
// not listened to.
const maxAnnounced = 16

var (
	errAnnouncement = errors.New("client: the host's announcement of its keys is malformed")
	errProof        = errors.New("client: the host did not prove that it has the keys it announced")
)

// An updating is what becomes of the keys that a host announces.
type updating struct {
	client  *Client
	updater hostkey.Updater
	host    hostkey.Host
	allowed []string         // signature algorithms; nil for all that are sound
	formats []hostkey.Format // of keys that package hostkey does not know
	other   func(*connection.Request)

	ctx    context.Context // done when the connection has ended
	cancel context.CancelFunc
	begun  bool // an announcement has come; the reader's

	mu      sync.Mutex
	ended   chan struct{} // closed when it has been dealt with; nil if none has come
	outcome error
}

// listen arranges for the host's announcement to reach updater, and returns
// the configuration of the Mux that does so.
func (c *Client) listen(address hostkey.Host, config *Config) *connection.Config {
	mux := config.Mux
	if config.Updater == nil {
		return &mux
	}
	u := &updating{client: c, updater: config.Updater, host: address, other: mux.OnRequest,
		allowed: config.Transport.HostKeyAlgorithms, formats: config.Transport.KeyFormats}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	c.updating = u
	mux.Requests = max(mux.Requests, 1)
	mux.OnRequest = u.request
	return &mux
}

// request takes a global request. It runs on the goroutine that reads.
func (u *updating) request(r *connection.Request) {
	switch {
	case r.Type == announceRequest:
		r.Reply(true, nil) // nobody wants an answer
		u.take(r.Payload)
	case u.other != nil:
		u.other(r)
	default:
		r.Reply(false, nil)
	}
}

// take begins to deal with an announcement, the first of the connection.
func (u *updating) take(payload []byte) {
	if u.begun {
		return
	}
	u.begun = true
	keys, err := u.parse(payload)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = make(chan struct{})
	if err != nil {
		u.outcome = err
		close(u.ended)
		return
	}
	go func() {
		u.outcome = u.updater.UpdateHostKeys(u.ctx, &hostkey.Announcement{
			Host: u.host, Key: u.client.State().HostKey, Keys: keys, Prove: u.prove,
		})
		close(u.ended)
	}()
}

// parse returns the keys in an announcement: strings up to its end, each a key
// blob. Those that could not be verified with are left out.
func (u *updating) parse(payload []byte) ([]hostkey.PublicKey, error) {
	r := wire.NewReader(payload)
	var keys []hostkey.PublicKey
	for n := 0; r.Len() > 0 && r.Err() == nil; n++ {
		blob := r.Blob()
		if n == maxAnnounced {
			return nil, fmt.Errorf("%w: it has more than %d keys", errAnnouncement, maxAnnounced)
		}
		key, err := hostkey.ParsePublicKey(blob, u.formats...)
		if err != nil || len(u.algorithms(key)) == 0 {
			continue
		}
		if slices.ContainsFunc(keys, func(k hostkey.PublicKey) bool { return hostkey.Equal(k, key) }) {
			return nil, fmt.Errorf("%w: a key is in it twice", errAnnouncement)
		}
		keys = append(keys, key)
	}
	if r.End() != nil {
		return nil, errAnnouncement
	}
	return keys, nil
}

// algorithms returns those with which the host may prove that it has key; none
// for a certificate, and for a key that the configuration does not allow.
func (u *updating) algorithms(key hostkey.PublicKey) []string {
	if _, ok := key.(*hostkey.Certificate); ok {
		return nil
	}
	algorithms := hostkey.Algorithms(key.Type())
	if slices.ContainsFunc(u.formats, func(f hostkey.Format) bool { return f.Name == key.Type() }) {
		algorithms = append(algorithms, key.Type())
	}
	if u.allowed == nil {
		return algorithms
	}
	return slices.DeleteFunc(algorithms, func(name string) bool { return !slices.Contains(u.allowed, name) })
}

// prove asks the host to sign for keys.
//
//	byte      SSH_MSG_GLOBAL_REQUEST
//	string    "hostkeys-prove-00@openssh.com"
//	boolean   TRUE
//	string[]  host keys
//
// The answer has a signature for each, in the same order.
func (u *updating) prove(ctx context.Context, keys []hostkey.PublicKey) error {
	var payload []byte
	for _, key := range keys {
		payload = wire.AppendString(payload, key.Marshal())
	}
	reply, err := u.client.mux.Request(ctx, proveRequest, payload)
	if err != nil {
		return fmt.Errorf("%w: %w", errProof, err)
	}
	state := u.client.State()
	r := wire.NewReader(reply)
	for _, key := range keys {
		if err := u.verify(key, &state, r.Blob()); err != nil {
			return fmt.Errorf("%w: %s %s: %w", errProof, key.Type(), hostkey.Fingerprint(key), err)
		}
	}
	if r.End() != nil {
		return fmt.Errorf("%w: the answer is malformed", errProof)
	}
	return nil
}

// verify checks one signature, which is over what no other signature of a host
// is over, in this session and no other.
//
//	string    "hostkeys-prove-00@openssh.com"
//	string    session identifier
//	string    host key
func (u *updating) verify(key hostkey.PublicKey, state *transport.State, blob []byte) error {
	signature, err := hostkey.ParseSignature(blob)
	if err != nil {
		return err
	}
	signed := wire.AppendString(nil, proveRequest)
	signed = wire.AppendString(signed, state.SessionID)
	signed = wire.AppendString(signed, key.Marshal())
	// Keys of RSA sign in several ways. The host is to take the one agreed on
	// if that is of RSA, and one that is sound otherwise.
	algorithms := u.algorithms(key)
	if agreed := state.HostKeyAlgorithm; slices.Contains(algorithms, agreed) {
		algorithms = []string{agreed}
	}
	if !slices.Contains(algorithms, signature.Algorithm) {
		return fmt.Errorf("the signature is made with %q", signature.Algorithm)
	}
	return hostkey.Verify(key, signature.Algorithm, signed, signature)
}

// wait waits for the end of what is under way, if anything is.
func (u *updating) wait(ctx context.Context) error {
	u.mu.Lock()
	ended := u.ended
	u.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return u.outcome
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// HostKeysUpdated waits until the keys that the host has announced, if it has
// announced any yet, have been dealt with by [Config].Updater, and returns what
// that returned. A program that is about to end calls it before [Client.Close],
// which ends what is under way; servers announce their keys before anything
// else.
func (c *Client) HostKeysUpdated(ctx context.Context) error {
	if c.updating == nil {
		return nil
	}
	return c.updating.wait(ctx)
}

// end ends what is under way, and waits for that.
func (u *updating) end() {
	u.cancel()
	u.wait(context.Background())
}
