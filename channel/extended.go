package channel

import (
	"io"

	"github.com/whelk-ssh/whelk/wire"
)

// Stderr returns the stream of extended data of type SSH_EXTENDED_DATA_STDERR
// (RFC 4254, section 5.2) beside the channel's data. Its Read returns what the
// peer sent if [Params].Extended says so, its Write sends, both as those of
// the Channel do and with the same deadlines; it implements [io.WriterTo] too.
// It has no end of its own: EOF and CLOSE are the channel's.
func (c *Channel) Stderr() io.ReadWriter { return extended{c} }

// extended is the face of a Channel that Stderr shows.
type extended struct{ c *Channel }

func (e extended) Read(p []byte) (int, error) { return e.c.read(&e.c.stderr, p) }

func (e extended) Write(p []byte) (int, error) { return e.c.write(&e.c.stderrOut, p) }

func (e extended) WriteTo(w io.Writer) (int64, error) { return e.c.writeTo(&e.c.stderr, w) }

// deliverExtendedData handles SSH_MSG_CHANNEL_EXTENDED_DATA. Data of a type
// nobody reads is thrown away and granted again, or the window would run out.
func (c *Channel) deliverExtendedData(p []byte) error {
	m, err := wire.ParseChannelExtendedData(p)
	if err != nil {
		return err
	}
	if m.Type != wire.ExtendedDataStderr || !c.extended {
		return c.receive(nil, m.Data, 0)
	}
	return c.receive(&c.stderr, m.Data, len(p)-len(m.Data))
}
