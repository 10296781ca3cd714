package hostkey

import (
	"cmp"
	"maps"
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// Marshal returns the list as [ParseKRL] reads it, without signatures. What
// was added in another order gives the same bytes. The caller owns the result.
func (l *KRL) Marshal() []byte {
	b := wire.AppendUint32([]byte(krlMagic), krlVersion)
	b = wire.AppendUint64(b, l.Version)
	b = wire.AppendUint64(b, uint64(max(0, l.Generated.Unix())))
	b = wire.AppendUint64(b, 0)
	b = wire.AppendString(b, "")
	b = wire.AppendString(b, l.Comment)
	for _, authority := range slices.Sorted(maps.Keys(l.authorities)) {
		data := wire.AppendString(wire.AppendString(nil, authority), "")
		b = appendSection(b, krlCertificates, l.authorities[authority].append(data))
	}
	b = appendStrings(b, krlKeys, slices.Sorted(maps.Keys(l.keys)))
	var sums []string
	for sum := range l.sha1s {
		sums = append(sums, string(sum[:]))
	}
	b = appendStrings(b, krlSHA1, slices.Sorted(slices.Values(sums)))
	sums = nil
	for sum := range l.sha256s {
		sums = append(sums, string(sum[:]))
	}
	return appendStrings(b, krlSHA256, slices.Sorted(slices.Values(sums)))
}

func appendSection(b []byte, section byte, data []byte) []byte {
	return wire.AppendString(append(b, section), data)
}

// appendStrings appends a section of strings, unless there are none.
func appendStrings(b []byte, section byte, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	var data []byte
	for _, s := range list {
		data = wire.AppendString(data, s)
	}
	return appendSection(b, section, data)
}

func (a *revokedBy) append(b []byte) []byte {
	bitmaps := slices.Clone(a.bitmaps)
	for rest := a.serials; len(rest) > 0; {
		cluster := clusterOf(rest)
		switch {
		case len(cluster) > 1:
			bitmaps = append(bitmaps, bitmapOf(cluster))
		case cluster[0].low == cluster[0].high:
			b = appendSection(b, krlSerials, wire.AppendUint64(nil, cluster[0].low))
		default:
			b = appendSection(b, krlSerialRange, wire.AppendUint64(wire.AppendUint64(nil, cluster[0].low), cluster[0].high))
		}
		rest = rest[len(cluster):]
	}
	slices.SortStableFunc(bitmaps, func(x, y serialBitmap) int { return cmp.Compare(x.offset, y.offset) })
	for _, m := range bitmaps {
		b = appendSection(b, krlSerialBitmap, wire.AppendUnsigned(wire.AppendUint64(nil, m.offset), m.bits))
	}
	return appendStrings(b, krlKeyIDs, slices.Sorted(maps.Keys(a.ids)))
}

// Ranges that a bitmap holds in fewer bytes than sections of their own: those
// that are short and near each other.
const (
	maxClusterRange = 128     // serial numbers in one, and between two
	maxClusterSpan  = 1 << 16 // serial numbers that one bitmap covers
)

// clusterOf returns the ranges at the beginning of list that go into one
// bitmap, or one that does not.
func clusterOf(list []serialRange) []serialRange {
	short := func(r serialRange) bool { return r.high-r.low < maxClusterRange }
	n := 1
	for n < len(list) && short(list[n-1]) && short(list[n]) &&
		list[n].low-list[n-1].high <= maxClusterRange && list[n].high-list[0].low < maxClusterSpan {
		n++
	}
	return list[:n]
}

func bitmapOf(cluster []serialRange) serialBitmap {
	offset := cluster[0].low
	bits := make([]byte, (cluster[len(cluster)-1].high-offset)/8+1)
	for _, r := range cluster {
		for i := r.low - offset; i <= r.high-offset; i++ {
			bits[uint64(len(bits))-1-i/8] |= 1 << (i % 8)
		}
	}
	return serialBitmap{offset, bits}
}
