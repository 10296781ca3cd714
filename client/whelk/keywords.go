package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// A keyword is one of ssh_config(5), and what whelk makes of it.
type keyword struct {
	name string // in lower case
	take func(s *settings, v value) error

	// Of a keyword without take, idle is the value with which it asks for
	// nothing, as "ssh -G" prints it. Any other is refused if it is an option,
	// and, if dear is set, in a file too: who wrote it there would miss it. In
	// a file there is a warning if loud is set.
	idle       string
	dear, loud bool
}

// keywords are all of them, each once.
var keywords = []keyword{
	{name: "addkeystoagent", idle: "false"},
	{name: "addressfamily", take: elsewhere},
	{name: "batchmode", take: yesNo(func(s *settings) *bool { return &s.batch })},
	{name: "bindaddress", take: elsewhere},
	{name: "bindinterface", take: elsewhere},
	{name: "canonicaldomains", take: elsewhere},
	{name: "canonicalizefallbacklocal", take: elsewhere},
	{name: "canonicalizehostname", take: elsewhere},
	{name: "canonicalizemaxdots", take: elsewhere},
	{name: "canonicalizepermittedcnames", take: elsewhere},
	{name: "casignaturealgorithms", take: takeCASignatures},
	{name: "certificatefile", take: elsewhere},
	{name: "channeltimeout", idle: "", dear: true},
	{name: "checkhostip", take: yesNo(func(s *settings) *bool { return &s.checkIP })},
	{name: "ciphers", take: takeCiphers},
	{name: "clearallforwardings", take: elsewhere},
	{name: "compression", take: takeCompression},
	{name: "connectionattempts", take: elsewhere},
	{name: "connecttimeout", take: takeConnectTimeout},
	{name: "controlmaster", idle: "false"},
	{name: "controlpath", take: elsewhere}, // of no use without ControlMaster
	{name: "controlpersist", take: elsewhere},
	{name: "dynamicforward", idle: "", dear: true},
	{name: "enableescapecommandline", take: yesNo(func(s *settings) *bool { return &s.commandLine })},
	{name: "enablesshkeysign", take: elsewhere}, // read by ssh-keysign alone
	{name: "escapechar", take: takeEscape},
	{name: "exitonforwardfailure", take: elsewhere}, // of no use without forwardings
	{name: "fingerprinthash", idle: "SHA256"},
	{name: "forkafterauthentication", take: yesNo(func(s *settings) *bool { return &s.fork })},
	{name: "forwardagent", take: takeForwardAgent},
	{name: "forwardx11", idle: "no"},
	{name: "forwardx11timeout", take: elsewhere}, // of no use without ForwardX11
	{name: "forwardx11trusted", take: elsewhere},
	{name: "gatewayports", take: elsewhere}, // of no use without forwardings
	{name: "globalknownhostsfile", take: list(func(s *settings) *[]string { return &s.globalHosts })},
	{name: "gssapiauthentication", idle: "no"},
	{name: "gssapidelegatecredentials", idle: "no"},
	{name: "hashknownhosts", take: yesNo(func(s *settings) *bool { return &s.hashHosts })},
	{name: "hostbasedacceptedalgorithms", take: elsewhere},
	{name: "hostbasedauthentication", take: yesNo(func(s *settings) *bool { return &s.hostbased })},
	{name: "hostbasedkeyfile", take: takeMachineKeys}, // ours
	{name: "hostkeyalgorithms", take: takeHostKeyAlgorithms},
	{name: "hostkeyalias", take: text(func(s *settings) *string { return &s.alias })},
	{name: "hostname", take: text(func(s *settings) *string { return &s.host })},
	{name: "identitiesonly", take: elsewhere},
	{name: "identityagent", take: text(func(s *settings) *string { return &s.agent })},
	{name: "identityfile", take: elsewhere},
	{name: "ignoreunknown", take: elsewhere},
	{name: "ipqos", take: elsewhere}, // the classes are those of the system
	{name: "kbdinteractiveauthentication", take: yesNo(func(s *settings) *bool { return &s.interactive })},
	{name: "kbdinteractivedevices", idle: ""},
	{name: "kexalgorithms", take: takeKeyExchanges},
	{name: "knownhostscommand", idle: "", loud: true},
	{name: "localcommand", take: text(func(s *settings) *string { return &s.localCommand })},
	{name: "localforward", idle: "", dear: true},
	{name: "loglevel", take: takeLogLevel},
	{name: "logverbose", idle: ""},
	{name: "macs", take: takeMACs},
	{name: "nohostauthenticationforlocalhost", take: yesNo(func(s *settings) *bool { return &s.trustLocalhost })},
	{name: "numberofpasswordprompts", take: takePrompts},
	{name: "obscurekeystroketiming", take: elsewhere}, // a server need not know
	{name: "passwordauthentication", take: yesNo(func(s *settings) *bool { return &s.password })},
	{name: "permitlocalcommand", take: yesNo(func(s *settings) *bool { return &s.permitLocal })},
	{name: "permitremoteopen", idle: "any", dear: true},
	{name: "pkcs11provider", idle: "", loud: true},
	{name: "port", take: takePort},
	{name: "preferredauthentications", take: takePreferred},
	{name: "proxycommand", take: elsewhere},
	{name: "proxyjump", take: elsewhere},
	{name: "proxyusefdpass", take: elsewhere},
	{name: "pubkeyacceptedalgorithms", take: takeUserKeyAlgorithms},
	{name: "pubkeyauthentication", take: takePublicKey},
	{name: "rekeylimit", take: takeRekeyLimit},
	{name: "remotecommand", take: text(func(s *settings) *string { return &s.remoteCommand })},
	{name: "remoteforward", idle: "", dear: true},
	{name: "requesttty", take: takeRequestTTY},
	{name: "requiredrsasize", take: elsewhere}, // fewer bits than 1024 are none here
	{name: "revokedhostkeys", take: list(func(s *settings) *[]string { return &s.revokedHosts })},
	{name: "securitykeyprovider", idle: "internal", loud: true},
	{name: "sendenv", take: list(func(s *settings) *[]string { return &s.sendEnv })},
	{name: "serveralivecountmax", take: takeAliveCount},
	{name: "serveraliveinterval", take: takeAliveInterval},
	{name: "sessiontype", take: text(func(s *settings) *string { return &s.sessionType })},
	{name: "setenv", take: list(func(s *settings) *[]string { return &s.setEnv })},
	{name: "stdinnull", take: yesNo(func(s *settings) *bool { return &s.stdinNull })},
	{name: "streamlocalbindmask", take: elsewhere}, // of no use without forwardings
	{name: "streamlocalbindunlink", take: elsewhere},
	{name: "stricthostkeychecking", take: takeStrict},
	{name: "syslogfacility", take: elsewhere}, // of no use without -y
	{name: "tag", take: elsewhere},
	{name: "tcpkeepalive", take: elsewhere},
	{name: "tunnel", idle: "false", dear: true},
	{name: "tunneldevice", take: elsewhere}, // of no use without Tunnel
	{name: "updatehostkeys", take: takeUpdateHostKeys},
	{name: "user", take: text(func(s *settings) *string { return &s.user })},
	{name: "userknownhostsfile", take: list(func(s *settings) *[]string { return &s.userHosts })},
	{name: "verifyhostkeydns", idle: "false"},
	{name: "versionaddendum", idle: ""},
	{name: "visualhostkey", idle: "no"},
	{name: "warnweakcrypto", take: elsewhere}, // -v says so
	{name: "xauthlocation", take: elsewhere},  // of no use without ForwardX11
}

// own are the keywords that OpenSSH does not have.
var own = []string{"hostbasedkeyfile"}

// A value is what the configuration says about a keyword.
type value struct {
	*sshconfig.Settings
	keyword string
}

func (v value) text() string { return v.Text(v.keyword) }

func (v value) isSet() bool {
	_, ok := v.Set(v.keyword)
	return ok
}

// fail is an error about the keyword, where it is set.
func (v value) fail(err error) error {
	at, _ := v.Set(v.keyword)
	return &sshconfig.Error{At: at, Keyword: v.keyword, Err: err}
}

// elsewhere is for what the configuration, or package client, has done with, and
// what means nothing by itself.
func elsewhere(*settings, value) error { return nil }

// takeAll fills s with what the configuration says.
func (s *settings) takeAll(from *sshconfig.Settings) error {
	for _, k := range keywords {
		v := value{from, k.name}
		take := k.take
		if take == nil {
			take = k.refuse
		}
		if err := take(s, v); err != nil {
			return v.fail(err)
		}
	}
	return nil
}

// A notice is about what is asked for, and not done.
type notice struct {
	loud bool
	text string
}

// refuse refuses what whelk does not do, or takes a note of it.
func (k keyword) refuse(s *settings, v value) error {
	at, given := v.Set(k.name)
	asked := v.text()
	switch {
	case !given || asked == k.idle:
		return nil
	case !k.dear && !at.Option:
		s.passedOver = append(s.passedOver, notice{k.loud, fmt.Sprintf("%v: %s %s is passed over: whelk does not support it yet", at, k.name, asked)})
		return nil
	case k.idle == "":
		return fmt.Errorf("%q is not supported yet by whelk: leave it out, or use ssh", asked)
	}
	return fmt.Errorf("%q is not supported yet by whelk, only %q: leave it out, or use ssh", asked, k.idle)
}

// yesNo is a keyword that is on or off.
func yesNo(field func(*settings) *bool) func(*settings, value) error {
	return func(s *settings, v value) error {
		*field(s) = v.Yes(v.keyword)
		return nil
	}
}

// text is a keyword with any value.
func text(field func(*settings) *string) func(*settings, value) error {
	return func(s *settings, v value) error {
		*field(s) = v.text()
		return nil
	}
}

// list is a keyword with several values.
func list(field func(*settings) *[]string) func(*settings, value) error {
	return func(s *settings, v value) error {
		*field(s) = v.List(v.keyword)
		return nil
	}
}

// takeCompression offers what ssh -C offers: the method that begins before
// authentication only to servers that have no other.
func takeCompression(s *settings, v value) error {
	if v.Yes(v.keyword) {
		s.transport.Compression = []string{"zlib@openssh.com", "zlib", "none"}
	}
	return nil
}

// takeConnectTimeout has a minute for who does not say, and all the time for who
// says 0.
func takeConnectTimeout(s *settings, v value) error {
	switch {
	case v.isSet() && v.Seconds(v.keyword) == 0:
		s.connectTimeout = 24 * time.Hour
	case v.isSet():
		s.connectTimeout = v.Seconds(v.keyword)
	}
	return nil
}

// maxPrompts bounds what a server can have somebody asked.
const maxPrompts = 60

func takePrompts(s *settings, v value) error {
	s.prompts = min(v.Number(v.keyword), maxPrompts)
	return nil
}

func takePort(s *settings, v value) error {
	s.port = v.Port()
	return nil
}

func takePreferred(s *settings, v value) error {
	if v.isSet() {
		s.preferred = strings.Split(v.text(), ",")
	}
	return nil
}

func takePublicKey(s *settings, v value) error {
	s.publicKey = v.text() != "false"
	return nil
}

func takeLogLevel(s *settings, v value) error {
	for l, name := range levelNames {
		if v.text() == name {
			s.logLevel = level(l)
			return nil
		}
	}
	s.logLevel = map[string]level{"SILENT": levelQuiet, "DEBUG": levelDebug1}[v.text()] // other names
	return nil
}

func takeRekeyLimit(s *settings, v value) error {
	s.transport.Rekey.Bytes, s.transport.Rekey.Interval = v.RekeyLimit()
	return nil
}

func takeRequestTTY(s *settings, v value) error {
	s.requestTTY = v.text()
	if other, ok := map[string]string{"true": "yes", "false": "no"}[s.requestTTY]; ok {
		s.requestTTY = other
	}
	return nil
}

func takeStrict(s *settings, v value) error {
	s.policy = map[string]knownhosts.Policy{
		"true": knownhosts.Strict, "ask": knownhosts.Ask, "accept-new": knownhosts.AcceptNew, "false": knownhosts.InsecureAcceptChanged,
	}[v.text()]
	return nil
}

func takeUpdateHostKeys(s *settings, v value) error {
	s.updateHosts = map[string]string{"true": "yes", "false": "no", "ask": "ask"}[v.text()]
	return nil
}

func takeMachineKeys(s *settings, v value) error {
	if v.isSet() {
		s.machineKeys = v.List(v.keyword)
	}
	return nil
}
