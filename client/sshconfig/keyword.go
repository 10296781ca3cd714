package sshconfig

import "slices"

// A keyword is one of ssh_config(5).
type keyword struct {
	name  string
	read  func(*line) ([]string, error)                      // what the arguments mean, as -G prints it; none if nothing
	keep  func(s *Settings, name string, v Value, user bool) // nil: the first value counts
	unset []string                                           // without a value
	show  func(s *Settings, name string) []string            // lines of -G; nil: the value, if there is one
}

// keywords are those that have a value, in the order of "ssh -G", which prints
// what is asked about most often first.
var keywords = []keyword{
	{name: "user", read: readWord},
	{name: "hostname", read: readWord},
	{name: "port", read: readPort, unset: []string{"22"}},

	{name: "addressfamily", read: oneOf("inet", "inet6", "any"), unset: []string{"any"}},
	{name: "batchmode", read: readFlag, unset: no},
	{name: "canonicalizefallbacklocal", read: readFlag, unset: yes},
	{name: "canonicalizehostname", read: oneOf("true|yes", "false|no", "always"), unset: []string{"false"}},
	{name: "checkhostip", read: readFlag, unset: no},
	{name: "compression", read: oneOf("yes", "no"), unset: no},
	{name: "controlmaster", read: oneOf("true|yes", "false|no", "auto", "ask", "autoask"), unset: []string{"false"}},
	{name: "enablesshkeysign", read: readFlag, unset: no},
	{name: "clearallforwardings", read: readFlag, unset: no},
	{name: "exitonforwardfailure", read: readFlag, unset: no},
	{name: "fingerprinthash", read: oneOf("MD5", "SHA1", "SHA256", "SHA384", "SHA512"), unset: []string{"SHA256"}},
	{name: "forwardx11", read: readFlag, unset: no},
	{name: "forwardx11trusted", read: readFlag, unset: no},
	{name: "gatewayports", read: readFlag, unset: no},
	{name: "gssapiauthentication", read: readFlag, unset: no},
	{name: "gssapidelegatecredentials", read: readFlag, unset: no},
	{name: "hashknownhosts", read: readFlag, unset: no},
	{name: "hostbasedauthentication", read: readFlag, unset: no},
	{name: "identitiesonly", read: readFlag, unset: no},
	{name: "kbdinteractiveauthentication", read: readFlag, unset: yes},
	{name: "nohostauthenticationforlocalhost", read: readFlag, unset: no},
	{name: "passwordauthentication", read: readFlag, unset: yes},
	{name: "permitlocalcommand", read: readFlag, unset: no},
	{name: "proxyusefdpass", read: readFlag, unset: no},
	{name: "pubkeyauthentication", read: oneOf("true|yes", "false|no", "unbound", "host-bound"), unset: []string{"true"}},
	{name: "requesttty", read: oneOf("true|yes", "false|no", "force", "auto"), unset: []string{"auto"}},
	{name: "sessiontype", read: oneOf("none", "subsystem", "default"), unset: []string{"default"}},
	{name: "stdinnull", read: readFlag, unset: no},
	{name: "forkafterauthentication", read: readFlag, unset: no},
	{name: "streamlocalbindunlink", read: readFlag, unset: no},
	{name: "stricthostkeychecking", read: oneOf("true|yes", "false|no|off", "ask", "accept-new"), unset: []string{"ask"}},
	{name: "tcpkeepalive", read: readFlag, unset: yes},
	{name: "tunnel", read: oneOf("ethernet", "point-to-point|true|yes", "false|no"), unset: []string{"false"}},
	{name: "verifyhostkeydns", read: oneOf("true|yes", "false|no", "ask"), unset: []string{"false"}},
	{name: "visualhostkey", read: readFlag, unset: no},
	{name: "updatehostkeys", read: oneOf("true|yes", "false|no", "ask")}, // the default depends: see finish
	{name: "enableescapecommandline", read: readFlag, unset: no},
	{name: "warnweakcrypto", read: readWeakCrypto, unset: yes},

	{name: "canonicalizemaxdots", read: readNumber, unset: []string{"1"}},
	{name: "connectionattempts", read: readNumber, unset: []string{"1"}},
	{name: "forwardx11timeout", read: readTime, unset: []string{"1200"}},
	{name: "numberofpasswordprompts", read: readNumber, unset: []string{"3"}},
	{name: "serveralivecountmax", read: readNumber, unset: []string{"3"}},
	{name: "serveraliveinterval", read: readTime, unset: []string{"0"}},
	{name: "requiredrsasize", read: readNumber, unset: []string{"1024"}},
	{name: "obscurekeystroketiming", read: readObscure, unset: yes},

	{name: "bindaddress", read: readWord},
	{name: "bindinterface", read: readWord},
	{name: "ciphers", read: readWord},
	{name: "controlpath", read: readWord},
	{name: "hostkeyalgorithms", read: readWord},
	{name: "hostkeyalias", read: readWord},
	{name: "hostbasedacceptedalgorithms", read: readWord},
	{name: "identityagent", read: readAgent},
	{name: "ignoreunknown", read: readWord},
	{name: "kbdinteractivedevices", read: readWord},
	{name: "kexalgorithms", read: readWord},
	{name: "casignaturealgorithms", read: readWord},
	{name: "localcommand", read: readRaw},
	{name: "remotecommand", read: readRaw},
	{name: "loglevel", read: oneOf("SILENT|QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG|DEBUG1", "DEBUG2", "DEBUG3"), unset: []string{"INFO"}},
	{name: "macs", read: readWord},
	{name: "pkcs11provider", read: readWord},
	{name: "securitykeyprovider", read: readWord},
	{name: "preferredauthentications", read: readWord},
	{name: "pubkeyacceptedalgorithms", read: readWord},
	{name: "xauthlocation", read: readWord, unset: []string{"/usr/bin/xauth"}},
	{name: "knownhostscommand", read: readRaw},
	{name: "tag", read: readWord},
	{name: "versionaddendum", read: readAddendum},

	{name: "dynamicforward", read: readDynamic, keep: keepForward, show: showForwards},
	{name: "localforward", read: readLocal, keep: keepForward, show: showForwards},
	{name: "remoteforward", read: readRemote, keep: keepForward, show: showForwards},

	{name: "identityfile", read: readWord, keep: keepFile, unset: identities, show: showEach},
	{name: "canonicaldomains", read: readDomains, show: showList},
	{name: "certificatefile", read: readWord, keep: keepFile, show: showEach},
	{name: "globalknownhostsfile", read: readFiles, unset: []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}, show: showList},
	{name: "userknownhostsfile", read: readFiles, unset: []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}, show: showList},
	{name: "revokedhostkeys", read: readFiles, show: showList},
	{name: "sendenv", read: readSendEnv, keep: keepSendEnv, show: showEach},
	{name: "setenv", read: readSetEnv, show: showEach},
	{name: "logverbose", read: readFiles, show: showList},
	{name: "channeltimeout", read: readChannelTimeout, show: showList},

	{name: "permitremoteopen", read: readPermitOpen, unset: []string{"any"}, show: showList},
	{name: "addkeystoagent", read: readAddKeys, unset: []string{"false"}},
	{name: "forwardagent", read: readForwardAgent, keep: keepForwardAgent, unset: no, show: showForwardAgent},
	{name: "connecttimeout", read: readTime, unset: []string{"none"}},
	{name: "tunneldevice", read: readTunnelDevice, unset: []string{"any:any"}},
	{name: "canonicalizepermittedcnames", read: readCNAMEs, show: showCNAMEs},
	{name: "controlpersist", read: readControlPersist, unset: no},
	{name: "escapechar", read: readEscape, unset: []string{"~"}},
	{name: "ipqos", read: readQoS, unset: []string{"ef cs0"}},
	{name: "rekeylimit", read: readRekey, keep: keepRekey, show: showRekey},
	{name: "streamlocalbindmask", read: readMask, unset: []string{"0177"}},
	{name: "syslogfacility", read: oneOf("DAEMON", "USER", "AUTH", "AUTHPRIV", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7"), unset: []string{"USER"}},
	{name: "proxycommand", read: readRaw, keep: keepProxyCommand, show: showProxyCommand},
	{name: "proxyjump", read: readJump, keep: keepJump},
}

var (
	yes = []string{"yes"}
	no  = []string{"no"}
)

// identities are the usual names of keys, in the order in which they are tried.
var identities = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", "~/.ssh/id_ed25519_sk", "~/.ssh/id_ecdsa_sk"}

// aliases are other names of keywords, most of them old.
var aliases = map[string]string{
	"challengeresponseauthentication": "kbdinteractiveauthentication",
	"dsaauthentication":               "pubkeyauthentication",
	"hostbasedkeytypes":               "hostbasedacceptedalgorithms",
	"identityfile2":                   "identityfile",
	"keepalive":                       "tcpkeepalive",
	"pubkeyacceptedkeytypes":          "pubkeyacceptedalgorithms",
	"skeyauthentication":              "kbdinteractiveauthentication",
	"smartcarddevice":                 "pkcs11provider",
	"tisauthentication":               "kbdinteractiveauthentication",
}

// ignored are keywords that OpenSSH, or that of Debian, had once or has, and
// that mean nothing to anyone else.
var ignored = []string{
	"afstokenpassing", "cipher", "compressionlevel", "fallbacktorsh", "globalknownhostsfile2",
	"kerberosauthentication", "kerberostgtpassing", "protocol", "rhostsauthentication",
	"rhostsrsaauthentication", "rsaauthentication", "useprivilegedport", "userknownhostsfile2",
	"useroaming", "usersh",
	"gssapiclientidentity", "gssapikexalgorithms", "gssapikeyexchange", "gssapirenewalforcesrekey",
	"gssapiserveridentity", "gssapitrustdns", "protocolkeepalives", "setuptimeout",
}

// find returns the keyword of a name in lower case, or nil.
func find(name string) *keyword {
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	i := slices.IndexFunc(keywords, func(k keyword) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &keywords[i]
}

// Keywords returns the names of the keywords that [Settings] have, in lower case
// and in the order of [Settings.WriteTo].
func Keywords() []string {
	names := make([]string, len(keywords))
	for i, k := range keywords {
		names[i] = k.name
	}
	return names
}
