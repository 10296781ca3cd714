package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/algolist"
)

// keywords are those of sshd_config(5) that are known, in lower case.
var keywords = map[string]func(*options, string) error{
	"acceptenv":                func(o *options, v string) error { o.acceptEnv = append(o.acceptEnv, strings.Fields(v)...); return nil },
	"allowagentforwarding":     func(o *options, v string) (err error) { o.lendAgent, err = yesNo(v); return err },
	"authenticationmethods":    setChains,
	"authorizedkeysfile":       setAuthorizedKeys,
	"authorizedprincipalsfile": setAuthorizedPrincipals,
	"banner":                   func(o *options, v string) error { o.banner = unlessNone(v); return nil },
	"casignaturealgorithms":    setCASignatures,
	"ciphers":                  func(o *options, v string) (err error) { o.transport.Ciphers, err = algolist.Ciphers(v); return err },
	"compression":              setCompression,
	"hostcertificate":          setHostCertificate,
	"hostkey":                  setHostKey,
	"hostkeyalgorithms":        setHostKeyAlgorithms,
	"kexalgorithms":            setKeyExchanges,
	"listenaddress":            setListenAddress,
	"loglevel":                 setLogLevel,
	"logingracetime":           setLoginGraceTime,
	"macs":                     func(o *options, v string) (err error) { o.transport.MACs, err = algolist.MACs(v); return err },
	"maxauthtries":             func(o *options, v string) (err error) { o.maxTries, err = positive(v); return err },
	"maxsessions":              func(o *options, v string) (err error) { o.sessions, err = positive(v); return err },
	"maxstartups":              setMaxStartups,
	"modulifile":               func(o *options, v string) error { o.moduli = v; return nil },
	"permittty":                func(o *options, v string) (err error) { o.permitTTY, err = yesNo(v); return err },
	"permituserenvironment":    setPermitUserEnvironment,
	"persourcemaxstartups":     setPerSource,
	"port":                     setPort,
	"pubkeyacceptedalgorithms": setUserKeyAlgorithms,
	"pubkeyacceptedkeytypes":   setUserKeyAlgorithms, // its name until OpenSSH 8.5
	"pubkeyauthentication":     func(o *options, v string) (err error) { o.pubkey, err = yesNo(v); return err },
	"rekeylimit":               setRekeyLimit,
	"revokedkeys":              setRevokedKeys,
	"subsystem":                setSubsystem,
	"trustedusercakeys":        setTrustedUserCAKeys,
	"unusedconnectiontimeout":  setUnusedTimeout,

	// These are ours.
	"passwordfile":     func(o *options, v string) error { o.methods.passwords = unlessNone(v); return nil },
	"knownhostsfile":   fileList(func(o *options) *[]string { return &o.methods.knownHosts }),
	"trustedhostsfile": fileList(func(o *options) *[]string { return &o.methods.trustedHosts }),

	// Addresses that connect; the last three are ours.
	"persourcenetblocksize":      setNetBlockSize,
	"persourcepenalties":         setPenalties,
	"persourcepenaltyexemptlist": setExempt,
	"persourcerate":              setRate,
	"proxyprotocol":              func(o *options, v string) (err error) { o.sources.proxied, err = yesNo(v); return err },
	"proxyprotocolfrom":          setProxies,

	"printlastlog": ignored,
	"printmotd":    ignored,
	"tcpkeepalive": ignored,
	"usedns":       ignored,

	"strictmodes": only("yes"),

	"allowstreamlocalforwarding":      setDirections(func(f *forwarding) *string { return &f.sockets }),
	"allowtcpforwarding":              setDirections(func(f *forwarding) *string { return &f.tcp }),
	"disableforwarding":               func(o *options, v string) (err error) { o.forwarding.disable, err = yesNo(v); return err },
	"gatewayports":                    setGatewayPorts,
	"permitlisten":                    setPermitListen,
	"permitopen":                      setPermitOpen,
	"streamlocalbindmask":             setBindMask,
	"streamlocalbindunlink":           func(o *options, v string) (err error) { o.forwarding.unlink, err = yesNo(v); return err },
	"challengeresponseauthentication": setInteractive, // its name until OpenSSH 8.7
	"gssapiauthentication":            only("no"),
	"hostbasedauthentication":         func(o *options, v string) (err error) { o.methods.hostbased, err = yesNo(v); return err },
	"hostbasedusesnamefrompacketonly": func(o *options, v string) (err error) { o.methods.anyAddress, err = yesNo(v); return err },
	"kbdinteractiveauthentication":    setInteractive,
	"kerberosauthentication":          only("no"),
	"passwordauthentication":          setPasswords,
	"permitemptypasswords":            only("no"),
	"permittunnel":                    only("no"),
	"permituserrc":                    only("no"),
	"usepam":                          only("no"),
	"x11displayoffset":                setDisplayOffset,
	"x11forwarding":                   func(o *options, v string) (err error) { o.x11.forward, err = yesNo(v); return err },
	"x11uselocalhost":                 func(o *options, v string) (err error) { o.x11.localhost, err = yesNo(v); return err },
	"xauthlocation":                   func(o *options, v string) error { o.x11.xauth = v; return nil },
}

func ignored(*options, string) error { return nil }

// only takes no value but one: what it stands for cannot be otherwise.
func only(value string) func(*options, string) error {
	return func(_ *options, v string) error {
		if !strings.EqualFold(v, value) {
			return fmt.Errorf("%q is not supported, only %q", v, value)
		}
		return nil
	}
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
	if err != nil || n < 1 || n > 1<<30 {
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

// setCompression takes yes and delayed, which are the same: nothing is
// decompressed for who has not authenticated.
func setCompression(o *options, v string) error {
	wanted := strings.EqualFold(v, "delayed")
	if !wanted {
		var err error
		if wanted, err = yesNo(v); err != nil {
			return fmt.Errorf("%q is none of yes, delayed, no", v)
		}
	}
	o.transport.Compression = nil
	if wanted {
		o.transport.Compression = []string{"none", "zlib@openssh.com"}
	}
	return nil
}

func setPort(o *options, v string) error {
	if _, err := strconv.ParseUint(v, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port: it is a number from 0 to 65535", v)
	}
	o.port = v
	return nil
}

func setHostKey(o *options, v string) error {
	o.hostKeys = append(o.hostKeys, v)
	return nil
}

func setAuthorizedKeys(o *options, v string) error {
	o.authorizedKeys = nil
	if unlessNone(v) != "" {
		o.authorizedKeys = strings.Fields(v)
	}
	return nil
}

// setListenAddress reads host, host:port or [host]:port. Of several the last
// one counts.
func setListenAddress(o *options, v string) error {
	if ip := strings.Trim(v, "[]"); net.ParseIP(ip) != nil || !strings.Contains(v, ":") {
		o.address = ip
		return nil
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return err
	}
	o.address = host
	return setPort(o, port)
}

func setLogLevel(o *options, v string) error {
	switch strings.ToUpper(v) {
	case "QUIET":
		o.logLevel = silent
	case "FATAL", "ERROR":
		o.logLevel = slog.LevelError
	case "INFO", "VERBOSE":
		o.logLevel = slog.LevelInfo
	case "DEBUG", "DEBUG1":
		o.logLevel = slog.LevelDebug
	case "DEBUG2", "DEBUG3":
		o.logLevel = slog.LevelDebug
		o.verbose = max(o.verbose, 2)
	default:
		return fmt.Errorf("%q is none of QUIET FATAL ERROR INFO VERBOSE DEBUG DEBUG1 DEBUG2 DEBUG3", v)
	}
	return nil
}

func setLoginGraceTime(o *options, v string) (err error) {
	o.loginGrace, err = parseDuration(v)
	if err == nil && o.loginGrace == 0 {
		o.loginGrace = forever
	}
	return err
}

func setUnusedTimeout(o *options, v string) (err error) {
	if unlessNone(v) == "" {
		o.unused = 0
		return nil
	}
	o.unused, err = parseDuration(v)
	return err
}

// setMaxStartups reads start:rate:full or full.
func setMaxStartups(o *options, v string) error {
	var numbers []int
	for field := range strings.SplitSeq(v, ":") {
		n, err := positive(field)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	s := &o.startups
	switch {
	case len(numbers) == 1:
		s.Start, s.Percent, s.Full = numbers[0], 100, numbers[0]
	case len(numbers) == 3 && numbers[1] <= 100 && numbers[0] <= numbers[2]:
		s.Start, s.Percent, s.Full = numbers[0], numbers[1], numbers[2]
	default:
		return fmt.Errorf("%q is neither start:rate:full nor a number", v)
	}
	return nil
}

func setPerSource(o *options, v string) (err error) {
	if unlessNone(v) == "" {
		o.startups.PerSource = -1
		return nil
	}
	o.startups.PerSource, err = positive(v)
	return err
}

// setSubsystem reads a name and a command.
func setSubsystem(o *options, v string) error {
	i := strings.IndexAny(v, " \t")
	if i < 0 {
		return errors.New("it has a name and no command")
	}
	command := strings.TrimSpace(v[i:])
	if strings.HasPrefix(command, "internal-sftp") {
		return errors.New("internal-sftp is not supported: name a program, such as /usr/lib/openssh/sftp-server")
	}
	o.subsystems[v[:i]] = command
	return nil
}

func setRekeyLimit(o *options, v string) (err error) {
	o.transport.Rekey.Bytes, o.transport.Rekey.Interval, err = parseRekeyLimit(v)
	return err
}
