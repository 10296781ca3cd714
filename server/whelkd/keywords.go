//go:build unix

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/server"
)

// A keyword is one of sshd_config(5).
type keyword struct {
	name  string
	when  when
	lines lines
	set   func(*options, *server.ConfigLine) error
	show  func(*options) []string // its values, a line of -T each; nil if it is not shown
}

// When says where a keyword may stand.
type when bool

const (
	always  when = false // outside of any Match
	matched when = true  // behind one too
)

// Lines says which lines with a keyword count.
type lines byte

const (
	first lines = iota
	group       // all in the source that has any
	list        // and those of -o
)

// keywords are those that whelkd does something for.
var keywords = []keyword{
	{"AcceptEnv", matched, list, words(func(o *options, v []string) error {
		o.session.acceptEnv = append(o.session.acceptEnv, v...)
		return nil
	}), lists(func(o *options) []string { return o.session.acceptEnv })},
	{"AddressFamily", always, first, one(func(o *options, v string) error { return o.where.setFamily(v) }), text(func(o *options) string { return o.where.familyName() })},
	{"AllowAgentForwarding", matched, first, flag(func(o *options) *bool { return &o.lendAgent }), yes(func(o *options) bool { return o.lendAgent })},
	{"AllowGroups", matched, list, words(func(o *options, v []string) error { return patterns(&o.access.AllowGroups, v) }), lists(func(o *options) []string { return o.access.AllowGroups })},
	{"AllowUsers", matched, list, words(func(o *options, v []string) error { return patterns(&o.access.AllowUsers, v) }), lists(func(o *options) []string { return o.access.AllowUsers })},
	{"AuthenticationMethods", matched, first, words(setChains), text(showChains)},
	{"AuthorizedKeysCommand", matched, first, rest(func(o *options, v string) error { return o.keysProgram.set(v, keyTokens, "%u") }), text(func(o *options) string { return o.keysProgram.command })},
	{"AuthorizedKeysCommandUser", matched, first, one(func(o *options, v string) error { o.keysProgram.user = unlessNone(v); return nil }), text(func(o *options) string { return o.keysProgram.user })},
	{"AuthorizedKeysFile", matched, first, words(setAuthorizedKeys), text(func(o *options) string { return strings.Join(o.authorizedKeys, " ") })},
	{"AuthorizedPrincipalsCommand", matched, first, rest(func(o *options, v string) error { return o.namesProgram.set(v, nameTokens, "") }), text(func(o *options) string { return o.namesProgram.command })},
	{"AuthorizedPrincipalsCommandUser", matched, first, one(func(o *options, v string) error { o.namesProgram.user = unlessNone(v); return nil }), text(func(o *options) string { return o.namesProgram.user })},
	{"AuthorizedPrincipalsFile", matched, first, one(setAuthorizedPrincipals), text(func(o *options) string { return o.principals })},
	{"Banner", matched, first, file(func(o *options) *string { return &o.banner }), text(func(o *options) string { return o.banner })},
	{"CASignatureAlgorithms", matched, first, one(setCASignatures), names(caSignatures)},
	{"ChallengeResponseAuthentication", always, first, flag(func(o *options) *bool { return &o.methods.interactive }), nil}, // its name until OpenSSH 8.7
	{"Ciphers", always, first, one(func(o *options, v string) (err error) { o.transport.Ciphers, err = algolist.Ciphers(v); return err }), names(cipherNames)},
	{"ClientAliveCountMax", matched, first, one(setAliveCount), text(showAliveCount)},
	{"ClientAliveInterval", matched, first, one(setAliveInterval), text(func(o *options) string { return seconds(o.alive.Interval) })},
	{"Compression", always, first, one(setCompression), text(showCompression)},
	{"DenyGroups", matched, list, words(func(o *options, v []string) error { return patterns(&o.access.DenyGroups, v) }), lists(func(o *options) []string { return o.access.DenyGroups })},
	{"DenyUsers", matched, list, words(func(o *options, v []string) error { return patterns(&o.access.DenyUsers, v) }), lists(func(o *options) []string { return o.access.DenyUsers })},
	{"DisableForwarding", matched, first, flag(func(o *options) *bool { return &o.forwarding.disabled }), yes(func(o *options) bool { return o.forwarding.disabled })},
	{"ExposeAuthInfo", matched, first, flag(func(o *options) *bool { return &o.session.expose }), yes(func(o *options) bool { return o.session.expose })},
	{"ForceCommand", matched, first, rest(func(o *options, v string) error { o.session.command = unlessNone(v); return nil }), text(func(o *options) string { return o.session.command })},
	{"HostbasedAuthentication", matched, first, flag(func(o *options) *bool { return &o.methods.hostbased }), yes(func(o *options) bool { return o.methods.hostbased })},
	{"HostbasedUsesNameFromPacketOnly", matched, first, flag(func(o *options) *bool { return &o.methods.anyAddress }), yes(func(o *options) bool { return o.methods.anyAddress })},
	{"HostCertificate", always, list, one(func(o *options, v string) error { return appendPath(&o.hostCertificates, v) }), lists(func(o *options) []string { return o.hostCertificates })},
	{"HostKey", always, list, one(func(o *options, v string) error { return appendPath(&o.hostKeys, v) }), lists(func(o *options) []string { return o.hostKeys })},
	{"HostKeyAgent", always, first, one(func(o *options, v string) error { o.hostKeyAgent = unlessNone(v); return nil }), text(func(o *options) string { return o.hostKeyAgent })},
	{"HostKeyAlgorithms", always, first, one(setHostKeyAlgorithms), names(hostKeyAlgorithms)},
	{"IgnoreRhosts", matched, first, one(setIgnoreRhosts), yes(func(o *options) bool { return o.methods.ignoreTrusted })},
	{"IgnoreUserKnownHosts", always, first, flag(func(o *options) *bool { return &o.methods.ignoreKnown }), yes(func(o *options) bool { return o.methods.ignoreKnown })},
	{"KbdInteractiveAuthentication", matched, first, flag(func(o *options) *bool { return &o.methods.interactive }), yes(func(o *options) bool { return o.methods.interactive })},
	{"KexAlgorithms", always, first, one(setKeyExchanges), names(kexNames)},
	{"ListenAddress", always, group, one(func(o *options, v string) error { return o.where.add(v) }), lists(func(o *options) []string { return o.where.addresses() })},
	{"LogLevel", matched, first, one(setLogLevel), text(func(o *options) string { return o.logging.name })},
	{"LoginGraceTime", always, first, one(setLoginGraceTime), text(showLoginGraceTime)},
	{"MACs", always, first, one(func(o *options, v string) (err error) { o.transport.MACs, err = algolist.MACs(v); return err }), names(macNames)},
	{"MaxAuthTries", matched, first, one(func(o *options, v string) (err error) { o.maxTries, err = positive(v); return err }), number(func(o *options) int { return o.maxTries }, 6)},
	{"MaxSessions", matched, first, one(func(o *options, v string) (err error) { o.sessions, err = positive(v); return err }), number(func(o *options) int { return o.sessions }, 64)},
	{"MaxStartups", always, first, one(setMaxStartups), text(showMaxStartups)},
	{"ModuliFile", always, first, file(func(o *options) *string { return &o.moduli }), text(showModuli)},
	{"PasswordAuthentication", matched, first, one(setPasswords), yes(func(o *options) bool { return o.methods.passwords != "" && o.methods.password != "no" })},
	{"PermitListen", matched, first, words(setPermitListen), text(func(o *options) string { return showPermits(o.forwarding.listen) })},
	{"PermitOpen", matched, first, words(setPermitOpen), text(func(o *options) string { return showPermits(o.forwarding.open) })},
	{"PermitRootLogin", matched, first, one(setRootMode), text(showRootMode)},
	{"PermitTTY", matched, first, flag(func(o *options) *bool { return &o.session.permitTTY }), yes(func(o *options) bool { return o.session.permitTTY })},
	{"PermitUserEnvironment", always, first, one(setPermitUserEnvironment), text(showPermitUserEnvironment)},
	{"PerSourceMaxStartups", always, first, one(setPerSource), text(showPerSource)},
	{"PerSourceNetBlockSize", always, first, one(setNetBlockSize), text(showNetBlockSize)},
	{"PerSourcePenalties", always, first, words(func(o *options, v []string) error { return setPenalties(o, strings.Join(v, " ")) }), nil},
	{"PerSourcePenaltyExemptList", always, first, one(setExempt), text(func(o *options) string { return showNetworks(o.sources.penalties.Exempt) })},
	{"PidFile", always, first, file(func(o *options) *string { return &o.pidFile }), text(func(o *options) string { return o.pidFile })},
	{"Port", always, group, one(func(o *options, v string) error { return o.where.addPort(v) }), lists(func(o *options) []string { return o.where.allPorts() })},
	{"PubkeyAcceptedAlgorithms", matched, first, one(setUserKeyAlgorithms), names(userKeyAlgorithms)},
	{"PubkeyAcceptedKeyTypes", matched, first, one(setUserKeyAlgorithms), nil}, // its name until OpenSSH 8.5
	{"PubkeyAuthentication", matched, first, flag(func(o *options) *bool { return &o.pubkey }), yes(func(o *options) bool { return o.pubkey })},
	{"RekeyLimit", matched, first, words(setRekeyLimit), text(showRekeyLimit)},
	{"RevokedKeys", matched, first, one(setRevokedKeys), text(func(o *options) string { return strings.Join(o.keys.RevokedKeys, " ") })},
	{"SetEnv", matched, first, words(setSetEnv), lists(func(o *options) []string { return o.session.setEnv })},
	{"Subsystem", always, list, words(setSubsystem), lists(showSubsystems)},
	{"TCPKeepAlive", always, first, one(func(o *options, v string) error { return o.where.setKeepAlive(v) }), yes(func(o *options) bool { return !o.where.silent })},
	{"TrustedUserCAKeys", matched, first, one(setTrustedUserCAKeys), text(func(o *options) string { return strings.Join(o.keys.TrustedUserCAKeys, " ") })},
	{"UnusedConnectionTimeout", matched, first, one(setUnusedTimeout), text(showUnusedTimeout)},
	{"VersionAddendum", always, first, rest(func(o *options, v string) error { return o.setAddendum(v) }), text(func(o *options) string { return o.addendum })},

	// These are ours.
	{"KnownHostsFile", matched, first, fileList(func(o *options) *[]string { return &o.methods.knownHosts }), text(func(o *options) string { return strings.Join(o.methods.knownHosts, " ") })},
	{"PasswordFile", matched, first, one(func(o *options, v string) error { o.methods.passwords = unlessNone(v); return nil }), text(func(o *options) string { return o.methods.passwords })},
	{"PerSourceRate", always, first, one(setRate), nil},
	{"ProxyProtocol", always, first, flag(func(o *options) *bool { return &o.sources.proxied }), yes(func(o *options) bool { return o.sources.proxied })},
	{"ProxyProtocolFrom", always, first, one(setProxies), text(func(o *options) string { return showNetworks(o.sources.proxies) })},
	{"TrustedHostsFile", matched, first, fileList(func(o *options) *[]string { return &o.methods.trustedHosts }), text(func(o *options) string { return strings.Join(o.methods.trustedHosts, " ") })},
}

// fixed are those that can have but one effect here: what they are set to is
// taken if it asks for that, and refused otherwise. Those with "*" ask for
// nothing, since they are about what is fixed, or about how a program of
// OpenSSH does it.
var fixed = []keyword{
	fixedTo("AllowStreamLocalForwarding", "no"),
	fixedTo("AllowTcpForwarding", "no"),
	fixedTo("ChannelTimeout", "none"),
	fixedTo("ChrootDirectory", "none"),
	fixedTo("FingerprintHash", "SHA256"),
	fixedTo("GatewayPorts", "no"),
	fixedTo("GSSAPIAuthentication", "no"),
	fixedTo("GSSAPICleanupCredentials", "*"),
	fixedTo("GSSAPIKeyExchange", "no"),
	fixedTo("GSSAPIStrictAcceptorCheck", "*"),
	fixedTo("HostbasedAcceptedAlgorithms"),
	fixedTo("HostbasedAcceptedKeyTypes"),
	fixedTo("IPQoS", "none"),
	fixedTo("KerberosAuthentication", "no"),
	fixedTo("KerberosGetAFSToken", "*"),
	fixedTo("KerberosOrLocalPasswd", "*"),
	fixedTo("KerberosTicketCleanup", "*"),
	fixedTo("LogVerbose", "none"),
	fixedTo("PermitEmptyPasswords", "no"),
	fixedTo("PermitTunnel", "no"),
	fixedTo("PermitUserRC", "no"),
	fixedTo("PrintLastLog", "*"),
	fixedTo("PrintMotd", "*"),
	fixedTo("Protocol", "2"),
	fixedTo("PubkeyAuthOptions", "none", "touch-required"),
	fixedTo("RDomain", "none"),
	fixedTo("RefuseConnection", "no"),
	fixedTo("RequiredRSASize", "2048"),
	fixedTo("SecurityKeyProvider", "internal"),
	fixedTo("StreamLocalBindMask", "*"),
	fixedTo("StreamLocalBindUnlink", "*"),
	fixedTo("StrictModes", "yes"),
	fixedTo("SyslogFacility", "*"),
	fixedTo("UseDNS", "no"),
	fixedTo("UsePAM", "no"),
	fixedTo("UsePrivilegeSeparation", "*"),
	fixedTo("X11DisplayOffset", "*"),
	fixedTo("X11Forwarding", "no"),
	fixedTo("X11UseLocalhost", "*"),
	fixedTo("XAuthLocation", "*"),
}

// fixedTo is a row of fixed, with the values that are taken. The first is the
// one shown, unless it is "*".
func fixedTo(name string, values ...string) keyword {
	k := keyword{name: name, when: matched, set: rest(func(_ *options, v string) error {
		if len(values) == 0 {
			return errors.New("it is not supported")
		}
		for _, value := range values {
			if value == "*" || strings.EqualFold(v, value) {
				return nil
			}
		}
		return fmt.Errorf("%q is not supported, only %q", v, values[0])
	})}
	if len(values) > 0 && values[0] != "*" {
		k.show = func(*options) []string { return values[:1] }
	}
	return k
}

// unknown is the error for a keyword that is in no table.
func unknown(name string) error {
	var known []string
	for _, table := range [][]keyword{keywords, fixed} {
		for _, k := range table {
			known = append(known, k.name)
		}
	}
	return fmt.Errorf("keyword %q is not known, or not supported: the nearest is %s", name, algolist.Nearest(name, known))
}

// one takes a value of one word.
func one(set func(*options, string) error) func(*options, *server.ConfigLine) error {
	return func(o *options, line *server.ConfigLine) error {
		if len(line.Args) > 1 {
			return fmt.Errorf("%q is more than one word: quote it if it has spaces", line.Rest)
		}
		if len(line.Args) == 0 || line.Args[0] == "" {
			return errors.New("it has no value")
		}
		return set(o, line.Args[0])
	}
}

// words takes a value of any number of words, and at least one.
func words(set func(*options, []string) error) func(*options, *server.ConfigLine) error {
	return func(o *options, line *server.ConfigLine) error {
		if len(line.Args) == 0 || line.Args[0] == "" {
			return errors.New("it has no value")
		}
		return set(o, line.Args)
	}
}

// rest takes a value as it is written, with quotes and all.
func rest(set func(*options, string) error) func(*options, *server.ConfigLine) error {
	return func(o *options, line *server.ConfigLine) error { return set(o, line.Rest) }
}

// flag takes yes or no.
func flag(field func(*options) *bool) func(*options, *server.ConfigLine) error {
	return one(func(o *options, v string) (err error) { *field(o), err = yesNo(v); return err })
}

func yesNo(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "yes", "true":
		return true, nil
	case "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither yes nor no", v)
}

func positive(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > math.MaxInt32/2 {
		return 0, fmt.Errorf("%q is not a number from 1 on", v)
	}
	return n, nil
}

func unlessNone(v string) string {
	if strings.EqualFold(v, "none") {
		return ""
	}
	return v
}
