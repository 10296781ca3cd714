//go:build unix

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What holds where nothing is said.
func TestDefaults(t *testing.T) {
	got := printed(t)
	for keyword, want := range map[string]string{
		"addressfamily":                   "any",
		"allowagentforwarding":            "no",
		"allowstreamlocalforwarding":      "yes",
		"allowtcpforwarding":              "yes",
		"authenticationmethods":           "any",
		"authorizedkeyscommand":           "none",
		"authorizedkeyscommanduser":       "none",
		"authorizedkeysfile":              ".ssh/authorized_keys",
		"authorizedprincipalscommand":     "none",
		"authorizedprincipalscommanduser": "none",
		"authorizedprincipalsfile":        "none",
		"banner":                          "none",
		"channeltimeout":                  "none",
		"chrootdirectory":                 "none",
		"clientaliveinterval":             "0",
		"compression":                     "no",
		"disableforwarding":               "no",
		"exposeauthinfo":                  "no",
		"fingerprinthash":                 "SHA256",
		"forcecommand":                    "none",
		"gatewayports":                    "no",
		"hostbasedauthentication":         "no",
		"hostbasedusesnamefrompacketonly": "no",
		"hostkeyagent":                    "none",
		"ignorerhosts":                    "no",
		"ignoreuserknownhosts":            "no",
		"kbdinteractiveauthentication":    "no",
		"knownhostsfile":                  ".ssh/known_hosts /etc/ssh/ssh_known_hosts",
		"listenaddress":                   "127.0.0.1:22",
		"loglevel":                        "ERROR",
		"logingracetime":                  "120",
		"maxauthtries":                    "6",
		"maxsessions":                     "64",
		"maxstartups":                     "128:30:1024",
		"modulifile":                      "/etc/ssh/moduli",
		"passwordauthentication":          "no",
		"passwordfile":                    "none",
		"permitemptypasswords":            "no",
		"permitlisten":                    "any",
		"permitopen":                      "any",
		"permitrootlogin":                 "yes",
		"permittty":                       "yes",
		"permittunnel":                    "no",
		"permituserenvironment":           "no",
		"permituserrc":                    "no",
		"persourcemaxstartups":            "32",
		"pidfile":                         "none",
		"port":                            "22",
		"pubkeyauthentication":            "yes",
		"rekeylimit":                      "0 0",
		"revokedkeys":                     "none",
		"streamlocalbindmask":             "0177",
		"streamlocalbindunlink":           "no",
		"subsystem":                       "sftp internal-sftp",
		"strictmodes":                     "yes",
		"trustedhostsfile":                ".shosts /etc/ssh/shosts.equiv",
		"trustedusercakeys":               "none",
		"unusedconnectiontimeout":         "none",
		"usedns":                          "no",
		"usepam":                          "no",
		"versionaddendum":                 "none",
		"x11displayoffset":                "10",
		"x11forwarding":                   "no",
		"x11uselocalhost":                 "yes",
		"xauthlocation":                   "/usr/bin/xauth",
	} {
		require.Equal(t, []string{want}, got[keyword], keyword)
	}
	for _, keyword := range []string{"acceptenv", "allowusers", "denyusers", "allowgroups", "denygroups", "hostkey", "hostcertificate", "setenv"} {
		require.Empty(t, got[keyword], "%s is a list of nothing", keyword)
	}
	require.Contains(t, got["ciphers"][0], "aes256-gcm@openssh.com")
	require.Contains(t, got["macs"][0], "hmac-sha2-256-etm@openssh.com")
	require.Contains(t, got["kexalgorithms"][0], "mlkem768x25519-sha256")
	require.NotContains(t, got["casignaturealgorithms"][0], "ssh-rsa,")
	require.Contains(t, got["pubkeyacceptedalgorithms"][0], "ssh-ed25519-cert-v01@openssh.com")
}

// What is set is shown, in one form.
func TestShown(t *testing.T) {
	for _, test := range []struct{ line, keyword, want string }{
		{"AddressFamily INET6", "addressfamily", "inet6"},
		{"AllowAgentForwarding TRUE", "allowagentforwarding", "yes"},
		{"AuthenticationMethods publickey,password hostbased", "authenticationmethods", "publickey,password hostbased"},
		{"AuthorizedKeysFile NONE", "authorizedkeysfile", "none"},
		{"AuthorizedKeysFile a \"b c\"", "authorizedkeysfile", "a b c"},
		{"AuthorizedPrincipalsFile %h/p", "authorizedprincipalsfile", "%h/p"},
		{"CASignatureAlgorithms ssh-ed25519", "casignaturealgorithms", "ssh-ed25519"},
		{"Ciphers aes256-ctr,aes128-ctr", "ciphers", "aes256-ctr,aes128-ctr"},
		{"Compression delayed", "compression", "yes"},
		{"HostKeyAgent SSH_AUTH_SOCK", "hostkeyagent", "SSH_AUTH_SOCK"},
		{"KexAlgorithms curve25519-sha256", "kexalgorithms", "curve25519-sha256"},
		{"LogLevel debug1", "loglevel", "DEBUG"},
		{"LogLevel Verbose", "loglevel", "VERBOSE"},
		{"LoginGraceTime 0", "logingracetime", "0"},
		{"LoginGraceTime 1h1m1s", "logingracetime", "3661"},
		{"MACs hmac-sha2-512", "macs", "hmac-sha2-512"},
		{"MaxStartups 5", "maxstartups", "5:100:5"},
		{"PerSourceMaxStartups none", "persourcemaxstartups", "none"},
		{"PermitListen 8080 [::1]:*", "permitlisten", "*:8080 [::1]:*"},
		{"PermitOpen none", "permitopen", "none"},
		{"PermitOpen any", "permitopen", "any"},
		{"PermitRootLogin prohibit-password", "permitrootlogin", "without-password"},
		{"PermitUserEnvironment false", "permituserenvironment", "no"},
		{"RekeyLimit default 1d", "rekeylimit", "0 86400"},
		{"RekeyLimit 1K", "rekeylimit", "1024 0"},
		{"Subsystem sftp \"/usr/lib/sftp-server\"  -l INFO", "subsystem", "sftp /usr/lib/sftp-server -l INFO"},
		{"UnusedConnectionTimeout 0", "unusedconnectiontimeout", "none"},
		{"VersionAddendum a  b", "versionaddendum", "a  b"},
	} {
		t.Run(test.line, func(t *testing.T) {
			require.Equal(t, []string{test.want}, printed(t, "-f", config(t, test.line+"\n"))[test.keyword])
			require.Equal(t, []string{test.want}, printed(t, "-o", test.line)[test.keyword])
		})
	}
}

// A name without a meaning of its own changes what another keyword does.
func TestOldNames(t *testing.T) {
	passwords := config(t, "")
	got := printed(t, "-o", "ChallengeResponseAuthentication=yes", "-o", "PasswordFile="+passwords, "-o", "PubkeyAcceptedKeyTypes=ssh-ed25519")
	require.Equal(t, []string{"yes"}, got["kbdinteractiveauthentication"])
	require.Equal(t, []string{"ssh-ed25519"}, got["pubkeyacceptedalgorithms"])
	require.Empty(t, got["challengeresponseauthentication"])
	require.Empty(t, got["pubkeyacceptedkeytypes"])
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is gone") }

func TestShowFails(t *testing.T) {
	require.EqualError(t, newOptions().show(broken{}), "the pipe is gone")
	var errs bytes.Buffer
	require.Equal(t, 255, run([]string{"-T"}, broken{}, &errs))
	require.Equal(t, "whelkd: the pipe is gone\n", errs.String())
}

// sshd_config(5), TIME FORMATS.
func TestParseDuration(t *testing.T) {
	for v, want := range map[string]time.Duration{
		"0": 0, "600": 600 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "1H": time.Hour, "2d": 48 * time.Hour,
		"1w1d1h1m1s": (8*24+1)*time.Hour + 61*time.Second, "1m30": 90 * time.Second, "1s1s": 2 * time.Second,
	} {
		got, err := parseDuration(v)
		require.NoError(t, err, v)
		require.Equal(t, want, got, v)
	}
	for _, v := range []string{"m", "1x", "-1", "1.5h", " 1", "1 h", "99999999999999999999", "5300w", "3000000000s"} {
		_, err := parseDuration(v)
		require.ErrorContains(t, err, v)
	}
}

func TestParseSize(t *testing.T) {
	for v, want := range map[string]int64{"1": 1, "1k": 1 << 10, "3M": 3 << 20, "2G": 2 << 30, "16": 16} {
		got, err := parseSize(v)
		require.NoError(t, err, v)
		require.Equal(t, want, got, v)
	}
	for _, v := range []string{"K", "0", "-1", "1T", "1KK", "1.5G", "9999999999G", "x"} {
		_, err := parseSize(v)
		require.ErrorContains(t, err, v)
	}
}

// What a keyword refuses, by its own words.
func TestRefusals(t *testing.T) {
	for option, why := range map[string]string{
		"AddressFamily=inet5":               "is none of any, inet, inet6",
		"AuthenticationMethods=zork":        `"zork" is none of publickey`,
		"AuthenticationMethods=any any":     `"any" is none of`,
		"Compression=zlib":                  "is none of yes, delayed, no",
		"ForceCommand=":                     "has no value",
		"IgnoreRhosts=maybe":                "is neither yes nor no",
		"ListenAddress=a:b:c":               "too many colons",
		"ListenAddress=host:99999":          `"99999" is not a port`,
		"LogLevel=LOUD":                     "is none of QUIET FATAL",
		"MaxStartups=1:2":                   "is neither start:rate:full nor a number",
		"PerSourceMaxStartups=0":            "is not a number from 1 on",
		"PermitOpen=a:b":                    "is not a port: it is a number from 1 to 65535, or *",
		"PermitUserEnvironment=A?":          "is not a name, or the beginning of one",
		"Port=70000":                        "is a number from 0 to 65535",
		"RekeyLimit=1 2 3":                  `"1 2 3" is not an amount and a time`,
		"RekeyLimit=1G x":                   "is not a time",
		"SetEnv==x":                         "is not of the form NAME=value",
		"Subsystem=sftp internal-sftp -P x": "internal-sftp has no option",
		"VersionAddendum=\xff":              "characters of US-ASCII",
		"HostbasedAcceptedAlgorithms=x":     "it is not supported",
		"IPQoS=af21 cs1":                    `"af21 cs1" is not supported, only "none"`,
		"RequiredRSASize=1024":              `only "2048"`,
		"PubkeyAuthOptions=verify-required": "only \"none\"",
	} {
		_, err := parse("-o", option)
		require.ErrorContains(t, err, why, option)
		keyword, _, _ := strings.Cut(option, "=")
		require.ErrorContains(t, err, keyword)
	}
}
