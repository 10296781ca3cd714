package sshconfig

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are what a [Config] says about one destination. They do not change,
// and may be used by many goroutines at once.
type Settings struct {
	destination string // as it was asked for
	host        string // what became of it
	literalUser bool   // the name of the user is as it stands

	account Account
	machine string
	getenv  func(string) (string, bool)
	values  map[string]Value
	tokens  tokens
}

// Destination returns the name that was asked for.
func (s *Settings) Destination() string { return s.destination }

// HostName returns the name or address to connect to.
func (s *Settings) HostName() string { return s.host }

// Port returns the port to connect to.
func (s *Settings) Port() int { return s.Number("port") }

// User returns whom to log in as.
func (s *Settings) User() string { return s.Text("user") }

// Account returns the local user.
func (s *Settings) Account() Account { return s.account }

// Text returns the value of a keyword as [Settings.WriteTo] prints it, and "" if
// it has none. What can be said with several words is one of them there: "true"
// and "false" for some, "yes" and "no" for others.
func (s *Settings) Text(keyword string) string {
	return strings.Join(s.values[canonicalName(keyword)].Words, " ")
}

// List returns the values of a keyword that has several, such as IdentityFile. The
// caller owns it.
func (s *Settings) List(keyword string) []string {
	return slices.Clone(s.values[canonicalName(keyword)].Words)
}

// Yes reports whether a keyword is on.
func (s *Settings) Yes(keyword string) bool {
	text := s.Text(keyword)
	return text == "yes" || text == "true"
}

// Number returns the value of a keyword that is a number, and 0 if it has none.
func (s *Settings) Number(keyword string) int {
	n, _ := strconv.Atoi(s.Text(keyword))
	return n
}

// Seconds returns the value of a keyword that is a time, and 0 if it has none.
func (s *Settings) Seconds(keyword string) time.Duration {
	return time.Duration(s.Number(keyword)) * time.Second
}

// Set returns where a keyword was set, and false if it has its default.
func (s *Settings) Set(keyword string) (at Position, ok bool) {
	at = s.values[canonicalName(keyword)].At
	return at, at != Position{}
}

// Given returns the value of a keyword that has a list of algorithms as it was
// given, such as "+aes128-cbc", and "" if it was not.
func (s *Settings) Given(keyword string) string { return s.values[canonicalName(keyword)].given }

func canonicalName(name string) string {
	name = lower(name)
	if alias, ok := aliases[name]; ok {
		return alias
	}
	return name
}

// RekeyLimit returns after how many bytes, and after how long, keys are to be
// exchanged anew; 0 is for whenever the cipher says.
func (s *Settings) RekeyLimit() (bytes int64, interval time.Duration) {
	bytes, _ = strconv.ParseInt(s.Text("rekeylimit"), 10, 64)
	return bytes, s.Seconds(rekeyInterval)
}

// ForwardAgent returns whether an agent is to be lent, and the address of that if
// it is not the one that is asked for keys.
func (s *Settings) ForwardAgent() (lend bool, address string) {
	return s.Yes("forwardagent"), s.Text(agentPath)
}

// Escape returns the escape character of a session, and false if there is none.
func (s *Settings) Escape() (byte, bool) {
	text := s.Text("escapechar")
	if text == "none" || text == "" {
		return 0, false
	}
	return text[0], true
}

// fail returns an error about a keyword, where that was set.
func (s *Settings) fail(keyword string, err error) error {
	name, _, _ := strings.Cut(keyword, " ")
	return &Error{At: s.values[keyword].At, Keyword: name, Err: err}
}
