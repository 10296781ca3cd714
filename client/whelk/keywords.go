package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// A keyword is one of ssh_config(5).
type keyword struct {
	set     func(s *settings, value string) error
	repeats bool // further values add to the first
}

// keywords are those that change anything, in lower case.
var keywords = map[string]keyword{
	"addressfamily":            {set: oneOf(func(s *settings) *string { return &s.family }, "any", "inet", "inet6")},
	"batchmode":                {set: yesNo(func(s *settings) *bool { return &s.batch })},
	"casignaturealgorithms":    {set: setCASignatures},
	"checkhostip":              {set: yesNo(func(s *settings) *bool { return &s.checkIP })},
	"ciphers":                  {set: setCiphers},
	"compression":              {set: setCompression},
	"connecttimeout":           {set: setConnectTimeout},
	"globalknownhostsfile":     {set: files(func(s *settings) *[]string { return &s.globalHosts })},
	"hashknownhosts":           {set: yesNo(func(s *settings) *bool { return &s.hashHosts })},
	"hostkeyalgorithms":        {set: setHostKeyAlgorithms},
	"hostkeyalias":             {set: text(func(s *settings) *string { return &s.alias })},
	"forwardagent":             {set: setForwardAgent},
	"identitiesonly":           {set: yesNo(func(s *settings) *bool { return &s.identitiesOnly })},
	"identityagent":            {set: text(func(s *settings) *string { return &s.agent })},
	"identityfile":             {set: addIdentity, repeats: true},
	"kexalgorithms":            {set: setKeyExchanges},
	"loglevel":                 {set: setLogLevel},
	"macs":                     {set: setMACs},
	"numberofpasswordprompts":  {set: setPrompts},
	"passwordauthentication":   {set: yesNo(func(s *settings) *bool { return &s.password })},
	"port":                     {set: setPort},
	"preferredauthentications": {set: setPreferred},
	"pubkeyacceptedalgorithms": {set: setUserKeyAlgorithms},
	"pubkeyacceptedkeytypes":   {set: setUserKeyAlgorithms}, // its name until OpenSSH 8.5
	"pubkeyauthentication":     {set: yesNo(func(s *settings) *bool { return &s.publicKey })},
	"rekeylimit":               {set: setRekeyLimit},
	"requesttty":               {set: oneOf(func(s *settings) *string { return &s.requestTTY }, "auto", "no", "yes", "force")},
	"revokedhostkeys":          {set: files(func(s *settings) *[]string { return &s.revokedHosts })},
	"sendenv":                  {set: addSendEnv, repeats: true},
	"setenv":                   {set: addSetEnv, repeats: true},
	"stricthostkeychecking":    {set: setStrict},
	"updatehostkeys":           {set: oneOf(func(s *settings) *string { return &s.updateHosts }, "yes", "no", "ask")},
	"user":                     {set: setUser},
	"userknownhostsfile":       {set: files(func(s *settings) *[]string { return &s.userHosts })},

	"clearallforwardings":     {set: yesNo(func(s *settings) *bool { return &s.forwards.clear })},
	"dynamicforward":          {set: addForward('D'), repeats: true},
	"exitonforwardfailure":    {set: yesNo(func(s *settings) *bool { return &s.forwards.exit })},
	"forwardx11":              {set: yesNo(func(s *settings) *bool { return &s.x11.forward })},
	"forwardx11timeout":       {set: setX11Timeout},
	"forwardx11trusted":       {set: yesNo(func(s *settings) *bool { return &s.x11.trusted })},
	"xauthlocation":           {set: text(func(s *settings) *string { return &s.x11.xauth })},
	"gatewayports":            {set: yesNo(func(s *settings) *bool { return &s.forwards.gateway })},
	"localforward":            {set: addForward('L'), repeats: true},
	"permitremoteopen":        {set: setRemoteOpen},
	"remoteforward":           {set: addForward('R'), repeats: true},
	"streamlocalbindmask":     {set: setBindMask},
	"streamlocalbindunlink":   {set: yesNo(func(s *settings) *bool { return &s.forwards.unlink })},
	"enableescapecommandline": {set: yesNo(func(s *settings) *bool { return &s.commandLine })},
	"escapechar":              {set: setEscape},
	"forkafterauthentication": {set: yesNo(func(s *settings) *bool { return &s.fork })},
	"localcommand":            {set: text(func(s *settings) *string { return &s.localCommand })},
	"permitlocalcommand":      {set: yesNo(func(s *settings) *bool { return &s.permitLocal })},
	"remotecommand":           {set: setRemoteCommand},
	"serveralivecountmax":     {set: setAliveCount},
	"serveraliveinterval":     {set: setAliveInterval},
	"sessiontype":             {set: oneOf(func(s *settings) *string { return &s.sessionType }, "default", "none", "subsystem")},
	"stdinnull":               {set: yesNo(func(s *settings) *bool { return &s.stdinNull })},
	"tcpkeepalive":            {set: yesNo(func(s *settings) *bool { return &s.tcpKeepAlive })},
	"keepalive":               {set: yesNo(func(s *settings) *bool { return &s.tcpKeepAlive })}, // its name until OpenSSH 3.9

	"hostbasedauthentication":         {set: yesNo(func(s *settings) *bool { return &s.hostbased })},
	"hostbasedkeyfile":                {set: files(func(s *settings) *[]string { return &s.machineKeys })}, // ours
	"kbdinteractiveauthentication":    {set: yesNo(func(s *settings) *bool { return &s.interactive })},
	"challengeresponseauthentication": {set: yesNo(func(s *settings) *bool { return &s.interactive })}, // its name until OpenSSH 8.7
}

// fixed are keywords with the only value that is supported so far, which is
// what whelk does anyway.
var fixed = map[string]string{
	"canonicalizehostname": "no",
	"controlmaster":        "no",
	"controlpath":          "none",
	"gssapiauthentication": "no",
	"proxycommand":         "none",
	"proxyjump":            "none",
	"tunnel":               "no",
	"verifyhostkeydns":     "no",
	"visualhostkey":        "no",
}

// yesNo is a keyword that is on or off.
func yesNo(field func(*settings) *bool) func(*settings, string) error {
	return func(s *settings, value string) error {
		switch strings.ToLower(value) {
		case "yes", "true":
			*field(s) = true
		case "no", "false":
			*field(s) = false
		default:
			return fmt.Errorf("%q is neither yes nor no", value)
		}
		return nil
	}
}

// oneOf is a keyword with a few values.
func oneOf(field func(*settings) *string, values ...string) func(*settings, string) error {
	return func(s *settings, value string) error {
		value = strings.ToLower(value)
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(values, ", "))
		}
		*field(s) = value
		return nil
	}
}

// text is a keyword with any value.
func text(field func(*settings) *string) func(*settings, string) error {
	return func(s *settings, value string) error {
		*field(s) = value
		return nil
	}
}

// files is a keyword with a list of files, or none.
func files(field func(*settings) *[]string) func(*settings, string) error {
	return func(s *settings, value string) error {
		list, err := words(value)
		if err != nil {
			return err
		}
		if len(list) == 1 && strings.EqualFold(list[0], "none") {
			list = nil
		}
		*field(s) = list
		return nil
	}
}

// setCompression offers what ssh -C offers: the method that begins before
// authentication only to servers that have no other.
func setCompression(s *settings, value string) error {
	var wanted bool
	if err := yesNo(func(*settings) *bool { return &wanted })(s, value); err != nil {
		return err
	}
	s.transport.Compression = nil
	if wanted {
		s.transport.Compression = []string{"zlib@openssh.com", "zlib", "none"}
	}
	return nil
}

func setPort(s *settings, value string) (err error) {
	s.port, err = parsePort(value)
	return err
}

func setUser(s *settings, value string) error {
	s.user = value
	return checkName("user", value)
}

func setConnectTimeout(s *settings, value string) error {
	limit, err := parseTime(value)
	if err == nil && limit <= 0 {
		err = fmt.Errorf("%q is no time to connect in", value)
	}
	s.connectTimeout = limit
	return err
}

func setPrompts(s *settings, value string) (err error) {
	s.prompts, err = strconv.Atoi(value)
	if err != nil || s.prompts < 0 || s.prompts > 60 {
		return fmt.Errorf("%q is not a number from 0 to 60", value)
	}
	return nil
}

func setPreferred(s *settings, value string) error {
	s.preferred = strings.Split(value, ",")
	return nil
}

func setLogLevel(s *settings, value string) error {
	for l, name := range levelNames {
		if strings.EqualFold(value, name) {
			s.logLevel = level(l)
			return nil
		}
	}
	if strings.EqualFold(value, "DEBUG") {
		s.logLevel = levelDebug1
		return nil
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(levelNames, ", "))
}

// setRekeyLimit takes "bytes [time]", where "default" and "none" stand for
// nothing out of the ordinary.
func setRekeyLimit(s *settings, value string) error {
	list, err := words(value)
	if err != nil {
		return err
	}
	if len(list) == 0 || len(list) > 2 {
		return fmt.Errorf("%q is not of the form BYTES TIME", value)
	}
	if !strings.EqualFold(list[0], "default") {
		if s.transport.Rekey.Bytes, err = parseBytes(list[0]); err != nil {
			return err
		}
		if n := s.transport.Rekey.Bytes; n > 0 && n < 16 {
			return fmt.Errorf("%d bytes are too few: 16 is the least", n)
		}
	}
	if len(list) == 2 && !strings.EqualFold(list[1], "none") {
		s.transport.Rekey.Interval, err = parseTime(list[1])
	}
	return err
}

func setStrict(s *settings, value string) error {
	switch strings.ToLower(value) {
	case "yes", "true":
		s.policy = knownhosts.Strict
	case "ask":
		s.policy = knownhosts.Ask
	case "accept-new":
		s.policy = knownhosts.AcceptNew
	case "no", "false", "off":
		s.policy = knownhosts.InsecureAcceptChanged
	default:
		return fmt.Errorf("%q is none of yes, accept-new, ask, no", value)
	}
	return nil
}

func addIdentity(s *settings, value string) error {
	if !strings.EqualFold(value, "none") {
		s.identities = append(s.identities, strings.Trim(value, `"`))
	}
	return nil
}

// addSetEnv takes NAME=value, more than once. The first value counts.
func addSetEnv(s *settings, value string) error {
	list, err := words(value)
	if err != nil {
		return err
	}
	for _, v := range list {
		name, _, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not of the form NAME=value", v)
		}
		set := func(other string) bool { return strings.HasPrefix(other, name+"=") }
		if !slices.ContainsFunc(s.setEnv, set) {
			s.setEnv = append(s.setEnv, v)
		}
	}
	return nil
}

// addSendEnv takes patterns of names. One behind a dash takes those patterns
// back that it matches.
func addSendEnv(s *settings, value string) error {
	list, err := words(value)
	if err != nil {
		return err
	}
	for _, pattern := range list {
		if back, ok := strings.CutPrefix(pattern, "-"); ok {
			s.sendEnv = slices.DeleteFunc(s.sendEnv, func(p string) bool { return match(back, p) })
			continue
		}
		s.sendEnv = append(s.sendEnv, pattern)
	}
	return nil
}

// match reports whether name is what pattern describes: "*" stands for any
// characters and "?" for one.
func match(pattern, name string) bool {
	for pattern != "" && pattern[0] != '*' {
		if name == "" || pattern[0] != '?' && pattern[0] != name[0] {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	if pattern == "" {
		return name == ""
	}
	for i := range len(name) + 1 {
		if match(pattern[1:], name[i:]) {
			return true
		}
	}
	return false
}

// environment returns the variables to be set for the remote command.
func (s *settings) environment(ours []string) []string {
	env := slices.Clone(s.setEnv)
	for _, v := range ours {
		name, _, _ := strings.Cut(v, "=")
		if slices.ContainsFunc(s.sendEnv, func(pattern string) bool { return match(pattern, name) }) {
			env = append(env, v)
		}
	}
	return env
}
