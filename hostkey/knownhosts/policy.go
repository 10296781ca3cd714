package knownhosts

// A Policy says what to do about a host key that the files do not vouch for.
// A revoked key is refused by all of them, and a changed one by all but the
// last.
type Policy int

const (
	// Strict refuses unknown hosts. It is StrictHostKeyChecking=yes of
	// ssh_config(5).
	Strict Policy = iota
	// AcceptNew adds unknown hosts to the first file. It is
	// StrictHostKeyChecking=accept-new.
	AcceptNew
	// Ask has Config.Ask decide about unknown hosts, and adds those it accepts
	// to the first file. It is StrictHostKeyChecking=ask. Without a function to
	// ask it is Strict.
	Ask
	// InsecureWarn accepts unknown hosts with a warning and remembers none: an
	// unknown host is never known, and its key may be another each time.
	InsecureWarn
	// InsecureAcceptChanged adds unknown hosts, or warns if it cannot, and
	// accepts changed keys with a warning, leaving the files alone: it
	// protects from nothing. It is StrictHostKeyChecking=no.
	InsecureAcceptChanged
)
