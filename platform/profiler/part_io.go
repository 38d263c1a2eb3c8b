package profiler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"

	"github.com/attunedb/attune/platform/profiler/files"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// ioCounters are what the process and the kernel count of I/O.
type ioCounters struct {
	files   files.Snapshot
	process procfs.ProcIO
	disks   map[string]blockdevice.IOStats
}

// ioCounters returns also what it could read when it returns an error.
func (p *Profiler) ioCounters() (c ioCounters, err error) {
	c.files = p.deps.Files.Snapshot()
	var process, disks error
	c.process, process = p.host.processIO()
	c.disks, disks = p.host.disks()
	return c, errors.Join(process, disks)
}

const sectorBytes = 512

// since returns what was counted after an earlier reading.
func (c ioCounters) since(then ioCounters, elapsed time.Duration) *profilerv1.IoProfile {
	out := &profilerv1.IoProfile{
		ReadBytes: c.process.ReadBytes - then.process.ReadBytes, WriteBytes: c.process.WriteBytes - then.process.WriteBytes,
	}
	out.Classes, out.ReadAmplification, out.WriteAmplification = c.files.Since(then.files)
	for _, name := range slices.Sorted(maps.Keys(c.disks)) {
		a, b := then.disks[name], c.disks[name]
		d := &profilerv1.BlockDevice{
			Name: name, Reads: b.ReadIOs - a.ReadIOs, Writes: b.WriteIOs - a.WriteIOs,
			ReadBytes: (b.ReadSectors - a.ReadSectors) * sectorBytes, WriteBytes: (b.WriteSectors - a.WriteSectors) * sectorBytes,
			BusyNanos: int64(b.IOsTotalTicks-a.IOsTotalTicks) * int64(time.Millisecond),
		}
		if elapsed > 0 {
			d.QueueLength = float64(b.WeightedIOTicks-a.WeightedIOTicks) * float64(time.Millisecond) / float64(elapsed)
		}
		operations := d.Reads + d.Writes
		if operations == 0 && d.BusyNanos == 0 {
			continue
		}
		if operations > 0 {
			d.MeanNanos = int64((b.ReadTicks-a.ReadTicks+b.WriteTicks-a.WriteTicks)*uint64(time.Millisecond)) / int64(operations)
		}
		out.Devices = append(out.Devices, d)
	}
	return out
}

type ioPart struct{ then, now ioCounters }

func (*ioPart) part() profilerv1.Part { return profilerv1.Part_PART_IO }

func (i *ioPart) begin(_ context.Context, w *window) error {
	// What cannot be read at the begin fails again at the end, and is told there.
	i.then, _ = w.p.ioCounters()
	return nil
}

func (i *ioPart) stop(w *window) (err error) {
	i.now, err = w.p.ioCounters()
	return err
}

func (i *ioPart) end(w *window, out *profilerv1.ProcessProfile) error {
	out.Io = i.now.since(i.then, w.elapsed)
	return nil
}

func (*ioPart) restore() {}
