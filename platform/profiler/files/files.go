// Package files counts what is read from, written to and synced on files, by class of file: the log, tables, spill files. Whoever
// owns files reports them; this package knows no file system.
package files

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/platform/profiler/latency"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// maxClasses bounds the classes; what comes after is counted together under otherName.
const (
	maxClasses = 64
	otherName  = "other"
)

// Classes are the classes of a process's files, safe for concurrent use. A nil *Classes counts nothing.
type Classes struct {
	mu     sync.RWMutex
	byName map[string]*Class

	userRead, userWritten atomic.Uint64
}

// New returns no classes yet.
func New() *Classes { return &Classes{byName: map[string]*Class{}} }

// Class returns the class of a name, such as "wal", made when there is none. Keep it: looking it up costs more than counting.
func (c *Classes) Class(name string) *Class {
	if c == nil {
		return nil
	}
	c.mu.RLock()
	class := c.byName[name]
	c.mu.RUnlock()
	if class != nil {
		return class
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if class = c.byName[name]; class != nil {
		return class
	}
	if len(c.byName) >= maxClasses-1 {
		name = otherName
		if class = c.byName[name]; class != nil {
			return class
		}
	}
	class = &Class{name: name}
	c.byName[name] = class
	return class
}

// User counts bytes that users asked to read and to write: what amplification is measured against. Either may be 0.
func (c *Classes) User(read, written uint64) {
	if c == nil {
		return
	}
	if read > 0 {
		c.userRead.Add(read)
	}
	if written > 0 {
		c.userWritten.Add(written)
	}
}

// Class is what a class of files saw. A nil *Class counts nothing.
type Class struct {
	name                    string
	reads, writes, syncs    latency.Histogram
	readBytes, writtenBytes atomic.Uint64
}

// Read counts a read of n bytes.
func (c *Class) Read(n int, took time.Duration) {
	if c == nil {
		return
	}
	c.reads.Record(took)
	c.readBytes.Add(uint64(max(n, 0)))
}

// Wrote counts a write of n bytes.
func (c *Class) Wrote(n int, took time.Duration) {
	if c == nil {
		return
	}
	c.writes.Record(took)
	c.writtenBytes.Add(uint64(max(n, 0)))
}

// Synced counts a sync.
func (c *Class) Synced(took time.Duration) {
	if c == nil {
		return
	}
	c.syncs.Record(took)
}

// Snapshot is what was counted until one moment.
type Snapshot struct {
	classes               map[string]classSnapshot
	userRead, userWritten uint64
}

type classSnapshot struct {
	reads, writes, syncs    latency.Snapshot
	readBytes, writtenBytes uint64
}

// Snapshot returns what was counted so far.
func (c *Classes) Snapshot() Snapshot {
	s := Snapshot{classes: map[string]classSnapshot{}}
	if c == nil {
		return s
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for name, class := range c.byName {
		s.classes[name] = classSnapshot{reads: class.reads.Snapshot(), writes: class.writes.Snapshot(), syncs: class.syncs.Snapshot(),
			readBytes: class.readBytes.Load(), writtenBytes: class.writtenBytes.Load()}
	}
	s.userRead, s.userWritten = c.userRead.Load(), c.userWritten.Load()
	return s
}

// Since returns what was counted after an earlier snapshot of the same classes: the classes that saw anything, by name, and how
// many bytes of files were read and written for a byte that users read and wrote, 0 where users moved none.
func (s Snapshot) Since(before Snapshot) (classes []*profilerv1.FileClass, readAmplification, writeAmplification float64) {
	read, written := uint64(0), uint64(0)
	for name, now := range s.classes {
		then := before.classes[name]
		f := &profilerv1.FileClass{Name: name,
			Reads: now.reads.Since(then.reads), Writes: now.writes.Since(then.writes), Syncs: now.syncs.Since(then.syncs),
			ReadBytes: now.readBytes - then.readBytes, WriteBytes: now.writtenBytes - then.writtenBytes}
		if f.Reads == nil && f.Writes == nil && f.Syncs == nil {
			continue
		}
		read += f.ReadBytes
		written += f.WriteBytes
		classes = append(classes, f)
	}
	slices.SortFunc(classes, func(a, b *profilerv1.FileClass) int { return strings.Compare(a.GetName(), b.GetName()) })
	return classes, ratio(read, s.userRead-before.userRead), ratio(written, s.userWritten-before.userWritten)
}

func ratio(of, to uint64) float64 {
	if to == 0 {
		return 0
	}
	return float64(of) / float64(to)
}
