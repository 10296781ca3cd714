package channel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func isDone(d *deadline) bool {
	select {
	case <-d.Done():
		return true
	default:
		return false
	}
}

func TestDeadlineIsAContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadline
		var ctx context.Context = &d
		_, ok := ctx.Deadline()
		require.False(t, ok)
		require.NoError(t, ctx.Err())
		require.Nil(t, ctx.Value("key"))

		at := time.Now().Add(time.Second)
		woken := 0
		d.set(at, func() { woken++ })
		got, ok := ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, at, got)
		done := ctx.Done()
		time.Sleep(time.Second - 1)
		synctest.Wait()
		require.Zero(t, woken)
		require.NoError(t, ctx.Err())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, 1, woken)
		require.Equal(t, context.DeadlineExceeded, ctx.Err())
		<-done
		require.True(t, d.passed())
	})
}

func TestDeadlineMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadline
		woken := 0
		wake := func() { woken++ }

		d.set(time.Now().Add(time.Second), wake)
		done := d.Done()
		d.set(time.Now().Add(time.Hour), wake)
		time.Sleep(time.Minute)
		require.False(t, d.passed(), "the earlier deadline no longer counts")
		require.Zero(t, woken)

		d.set(time.Now().Add(-1), wake)
		require.True(t, d.passed())
		require.Equal(t, 1, woken, "those who wait are woken by a deadline in the past")
		<-done // who waited with the later deadline is woken too

		d.set(time.Time{}, wake)
		require.False(t, d.passed(), "no deadline")
		require.False(t, isDone(&d))
		time.Sleep(2 * time.Hour)
		require.False(t, d.passed())
		require.Equal(t, 1, woken)
	})
}

func TestDeadlineIgnoresALateTimer(t *testing.T) {
	var d deadline
	d.set(time.Now().Add(time.Hour), func() {})
	late := d.number
	d.set(time.Now().Add(2*time.Hour), func() {})
	require.False(t, d.expire(late), "fired, and was overtaken by set")
	require.False(t, d.passed())
	require.True(t, d.expire(d.number))
	d.end()
}

func TestDeadlineEnd(t *testing.T) {
	var d deadline
	done := d.Done()
	d.end()
	d.end()
	<-done
	require.Equal(t, context.Canceled, d.Err())
	require.False(t, d.passed(), "a closed channel is not a timeout")
	d.set(time.Now().Add(-1), func() { t.Error("nobody to wake") })
	require.Equal(t, context.Canceled, d.Err())
	require.True(t, isDone(&d))

	var unasked deadline
	unasked.end()
	require.True(t, isDone(&unasked), "asked for after the end")
}

func TestDeadlineCostsNothingPerWait(t *testing.T) {
	var d deadline
	d.set(time.Now().Add(time.Hour), func() {})
	defer d.end()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = d.Done()
		_ = d.Err()
	}))
}
