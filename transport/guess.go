package transport

import (
	"errors"

	"github.com/whelk-ssh/whelk/kex"
)

// errWrongGuess ends a method that was not the one agreed on.
var errWrongGuess = errors.New("transport: guessed another key exchange than the one agreed on")

// A guess runs a client's preferred method before anything is known of the
// server (RFC 4253, section 7). It is the kex.Conn of the method until its
// first read. By then the script has written what it writes first, which goes
// out with our KEXINIT; and only after that read does it look at the
// transcript, which meet has completed.
type guess struct {
	*exchange
	method kex.Method
	early  [][]byte // what it wrote before it read
	met    bool
}

// guess meets the server and agrees with it, by our preferred method if that is
// the server's too.
func (x *exchange) guess() (err error) {
	g := &guess{exchange: x, method: x.conn.config.KeyExchanges[0]}
	x.result, err = g.method.Client(g, &x.transcript)
	switch {
	case errors.Is(err, errWrongGuess):
		x.conn.wrongGuess = len(g.early) > 0
		return x.agree()
	case err == nil && !g.met:
		err = errors.New("transport: the key exchange method read nothing")
	}
	return kexFailure(err)
}

// guessError is err, or a [*GuessError] if the server may have ended the
// connection because of a wrong guess.
func guessError(err error) error {
	var local *Error
	var peer *DisconnectError
	if errors.As(err, &peer) || errors.As(err, &local) && local.Reason == ReasonConnectionLost {
		return &GuessError{err}
	}
	return err
}

// ReadPacket sends the guess and meets the server first.
func (g *guess) ReadPacket() ([]byte, error) {
	if !g.met {
		g.met = true
		c := g.conn
		c.out.start(c.versions[c.role], c.kexInit(len(g.early) > 0), g.early...)
		if err := g.meet(); err != nil {
			return nil, err
		}
		if g.choice.keyExchange != g.method.Name() || len(g.early) > 0 && !g.guessedRight {
			return nil, errWrongGuess
		}
	}
	return g.exchange.ReadPacket()
}

// WritePacket keeps what is written before the first read.
func (g *guess) WritePacket(parts ...[]byte) error {
	if g.met {
		return g.exchange.WritePacket(parts...)
	}
	var payload []byte
	for _, p := range parts {
		payload = append(payload, p...)
	}
	g.early = append(g.early, payload)
	return nil
}
