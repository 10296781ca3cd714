package transport

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// I2, CVE-2026-55199: how many extensions an EXT_INFO has is not what it says,
// and costs nothing. More than 64 are refused, and more than 16
// KiB.
func TestI2ExtensionCounts(t *testing.T) {
	of := func(n int) []byte {
		m := new(wire.ExtInfo)
		for i := range n {
			m.Extensions = append(m.Extensions, wire.Extension{Name: fmt.Sprint(i), Value: []byte("v")})
		}
		return m.Append(nil)
	}
	sized := func(n int) []byte {
		return (&wire.ExtInfo{Extensions: []wire.Extension{{Name: "x", Value: make([]byte, n-1-4-5-4)}}}).Append(nil)
	}
	claiming := func(n uint32, p []byte) []byte {
		binary.BigEndian.PutUint32(p[1:], n)
		return p
	}
	for name, test := range map[string]struct {
		payload []byte
		ok      bool
	}{
		"none":                       {of(0), true},
		"16 KiB":                     {sized(16 << 10), true},
		"16 KiB and 1":               {sized(16<<10 + 1), false},
		"64":                         {of(64), true},
		"65":                         {of(65), false},
		"1000":                       {of(1000), false},
		"2^32-1, and none":           {claiming(1<<32-1, of(0)), false},
		"2^32-1, and 10":             {claiming(1<<32-1, of(10)), false},
		"2^31, and 10":               {claiming(1<<31, of(10)), false},
		"one more than there are":    {claiming(11, of(10)), false},
		"one less than there are":    {claiming(9, of(10)), false},
		"a count that is cut":        {[]byte{7, 0xff, 0xff}, false},
		"a name that is 2^32-1 long": {append(claiming(1, of(0)), 0xff, 0xff, 0xff, 0xff), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []role{client, server} {
				c := newConn(nil, map[role]*Config{client: clientConfig(), server: serverConfig()}[r], r)
				begun := time.Now()
				err := c.takeExtInfo(test.payload)
				require.Less(t, time.Since(begun), time.Second)
				require.Equal(t, test.ok, err == nil, "%v", err)
				if !test.ok {
					requireReason(t, err, ReasonProtocolError)
					require.Empty(t, c.State().Extensions)
				}
			}
		})
	}
	huge := claiming(1<<32-1, of(10))
	require.Less(t, testing.AllocsPerRun(10, func() { wire.ParseExtInfo(huge) }), 50.0)
}
