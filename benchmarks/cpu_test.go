package benchmarks

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has had of the processors. On a machine that others
// use too, it is steadier than the clock on the wall, which goes on while they run.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// meter is a benchmark's timer for both clocks.
type meter struct {
	b     *testing.B
	spent time.Duration
	since time.Duration
}

func startMeter(b *testing.B) *meter {
	b.ResetTimer()
	return &meter{b: b, since: cpuTime()}
}

// pause is what stands between, off the clock.
func (m *meter) pause(between func()) {
	m.b.StopTimer()
	m.spent += cpuTime() - m.since
	between()
	m.since = cpuTime()
	m.b.StartTimer()
}

// report comes after the last iteration.
func (m *meter) report() {
	m.spent += cpuTime() - m.since
	m.b.ReportMetric(float64(m.spent)/float64(m.b.N), "cpu-ns/op")
}
