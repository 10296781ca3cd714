//go:build unix

package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInternalSFTPFlags(t *testing.T) {
	for flags, want := range map[string]sftpOptions{
		"":                                {},
		"-R":                              {readOnly: true},
		"-d /srv -R":                      {directory: "/srv", readOnly: true},
		"-u 027 -r %h/files":              {umask: 0o027, root: "%h/files"},
		"-e -f AUTH -l DEBUG3":            {},
		"-f AUTH -d /a -l INFO -d /b":     {directory: "/b"},
		"-u 0":                            {},
		"-r /jail -d /home -u 777 -R -e ": {directory: "/home", root: "/jail", readOnly: true, umask: fs.ModePerm},
	} {
		got, err := parseSFTP(strings.Fields(flags))
		require.NoError(t, err, flags)
		require.Equal(t, want, got, flags)
		require.NoError(t, checkSubsystem("internal-sftp "+flags))
	}
	for flags, want := range map[string]string{
		"-P open": `"-P"`, "-p read": `"-p"`, "-u": "needs a value", "-u 999": "umask", "-u 1777": "umask", "-u x": "umask",
		"-d": "needs a value", "/srv": `"/srv"`, "-Rd /srv": `"-Rd"`,
	} {
		_, err := parseSFTP(strings.Fields(flags))
		require.ErrorContains(t, err, want, flags)
		require.Error(t, checkSubsystem("internal-sftp "+flags))
	}
	for _, command := range []string{"", "cat", "/usr/lib/openssh/sftp-server -P open", "internal-sftpd -P"} {
		require.False(t, isInternalSFTP(command), command)
		require.NoError(t, checkSubsystem(command))
	}
}
