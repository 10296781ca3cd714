package sftp

import (
	"io/fs"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// draft-ietf-secsh-filexfer-02, section 5: each field is there if its flag is,
// in this order.
func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		name string
		a    Attributes
		wire string
	}{
		{"nothing", Attributes{}, "\x00\x00\x00\x00"},
		{"size", Attributes{Flags: HasSize, Size: 1<<40 + 1}, "\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x01"},
		{"owner", Attributes{Flags: HasOwner, UID: 1, GID: 2}, "\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02"},
		{"permissions", Attributes{Flags: HasPermissions, Permissions: 0o100644}, "\x00\x00\x00\x04\x00\x00\x81\xa4"},
		{"times", Attributes{Flags: HasTimes, Accessed: 3, Modified: math.MaxUint32}, "\x00\x00\x00\x08\x00\x00\x00\x03\xff\xff\xff\xff"},
		{"extended", Attributes{Flags: HasExtended, Extended: []Extension{{"a", "b"}}}, "\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x00\x00\x01b"},
		{"all", Attributes{HasSize | HasOwner | HasPermissions | HasTimes, 1, 2, 3, 4, 5, 6, nil},
			"\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x06"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.wire, string(test.a.append(nil)))
			r := wire.NewReader([]byte(test.wire))
			got, err := parseAttributes(&r)
			require.NoError(t, err)
			require.NoError(t, r.End())
			require.Equal(t, test.a, got)
			for n := range len(test.wire) {
				r := wire.NewReader([]byte(test.wire[:n]))
				_, err := parseAttributes(&r)
				require.Error(t, err, "cut to %d bytes", n)
			}
		})
	}
}

func TestModes(t *testing.T) {
	for st, mode := range map[uint32]fs.FileMode{
		0o100644: 0o644,
		0o040755: fs.ModeDir | 0o755,
		0o120777: fs.ModeSymlink | 0o777,
		0o010600: fs.ModeNamedPipe | 0o600,
		0o140600: fs.ModeSocket | 0o600,
		0o020620: fs.ModeDevice | fs.ModeCharDevice | 0o620,
		0o060660: fs.ModeDevice | 0o660,
		0o104755: fs.ModeSetuid | 0o755,
		0o102755: fs.ModeSetgid | 0o755,
		0o041777: fs.ModeDir | fs.ModeSticky | 0o777,
	} {
		require.Equal(t, mode, fileMode(st), "%o", st)
		require.Equal(t, st, posixMode(mode), "%o", st)
	}
	require.Equal(t, fs.FileMode(0o644), fileMode(0o644), "a server that leaves the kind out")
	require.Equal(t, fs.ModeIrregular, fileMode(0o170000), "a kind nobody knows is none that is copied")
}

func TestModeTexts(t *testing.T) {
	for st, text := range map[uint32]string{
		0o100644: "-rw-r--r--", 0o040755: "drwxr-xr-x", 0o120777: "lrwxrwxrwx", 0o104755: "-rwsr-xr-x", 0o104644: "-rwSr--r--",
		0o102755: "-rwxr-sr-x", 0o102644: "-rw-r-Sr--", 0o041777: "drwxrwxrwt", 0o041770: "drwxrwx--T", 0: "?---------",
		0o010600: "prw-------", 0o140600: "srw-------", 0o020600: "crw-------", 0o060600: "brw-------",
	} {
		require.Equal(t, text, modeText(st), "%o", st)
	}
}

func TestTimes(t *testing.T) {
	require.EqualValues(t, 0, seconds(time.Unix(-5, 0)), "before there was time")
	require.EqualValues(t, math.MaxUint32, seconds(time.Unix(1<<33, 0)), "after 2106")
	require.EqualValues(t, 7, seconds(time.Unix(7, 999)))
}

func TestFileInfo(t *testing.T) {
	info := &fileInfo{"name", Attributes{Size: math.MaxUint64, Permissions: 0o040700, Modified: 9}}
	require.Equal(t, int64(math.MaxInt64), info.Size())
	require.True(t, info.IsDir())
	require.Equal(t, fs.ModeDir, info.Type())
	again, err := info.Info()
	require.NoError(t, err)
	require.Equal(t, info, again)
	require.Contains(t, info.String(), "drwx------")
	a := attributesOf(&fileInfo{"x", Attributes{Flags: HasExtended | HasSize, Size: 3}})
	require.Equal(t, HasSize, a.Flags, "what is extended is not passed on")
}
