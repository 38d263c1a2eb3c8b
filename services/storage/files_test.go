package storage_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/platform/profiler/files"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
	"github.com/attunedb/attune/services/storage"
	"github.com/attunedb/attune/services/storage/storagetest"
)

// Each commit is a write and a sync of the log, which holds at least what users wrote; closing and opening again reads tables; and the
// arenas are told of while the service is open.
func TestFilesAreCountedByClass(t *testing.T) {
	c := storagetest.NewCatalog()
	table := storagetest.People(7, 1)
	table.Indexes = nil
	c.Put(table)
	classes, fs := files.New(), vfs.NewMem()
	arenas := map[string]func() uint64{}
	deps := storage.Deps{Catalog: c, FS: fs, Files: classes, RegisterArena: func(owner string, bytes func() uint64) func() {
		arenas[owner] = bytes
		return func() { delete(arenas, owner) }
	}}
	s, stop := start(t, storage.Config{Data: "data"}, deps)
	if memtables := arenas["pebble memtables"]; memtables == nil || memtables() == 0 || arenas["pebble cache"] == nil {
		t.Errorf("arenas are %v", arenas)
	}

	before := classes.Snapshot()
	const commits = 20
	user := 0
	for i := range int64(commits) {
		m := insertions(table, 10*i, 10)
		for _, x := range m {
			user += len(x.Key) + len(x.Value)
		}
		ts, err := s.Timestamp(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(context.Background(), &access.Write{
			Snapshot: access.Snapshot{Txn: uint64(i + 1), Timestamp: ts}, Tables: []access.TableVersion{{ID: table.ID, Version: table.Version}},
			Mutations: m, Commit: true,
		}); err != nil {
			t.Fatal(err)
		}
	}
	got, _, amplification := classes.Snapshot().Since(before)
	wal := class(got, "wal")
	if wal.GetSyncs().GetCount() < commits || wal.GetWrites().GetCount() < commits || wal.GetWriteBytes() < uint64(user) {
		t.Errorf("%d commits of %d bytes, but the log saw %v", commits, user, wal)
	}
	written := uint64(0)
	for _, f := range got {
		written += f.GetWriteBytes()
	}
	if want := float64(written) / float64(user); amplification != want {
		t.Errorf("the write amplification is %v, want %v", amplification, want)
	}

	stop()
	if len(arenas) > 0 {
		t.Errorf("arenas of a closed service: %v", arenas)
	}
	before = classes.Snapshot()
	s, _ = start(t, storage.Config{Data: "data"}, deps)
	got, _, _ = classes.Snapshot().Since(before)
	// The log is replayed into a table, and the manifest says so.
	if class(got, "wal").GetReadBytes() == 0 || class(got, "sstable").GetWriteBytes() == 0 || class(got, "manifest").GetSyncs().GetCount() == 0 {
		t.Errorf("opening again did %v", got)
	}

	// A scan of all rows asks for what users wrote, or a little more. As if a file gave a thousand times that:
	before = classes.Snapshot()
	classes.Class("sstable").Read(1000*user, time.Millisecond)
	ts, err := s.Timestamp(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Scan(context.Background(), &access.Scan{Snapshot: access.Snapshot{Timestamp: ts}, Index: catalog.PrimaryIndex,
		Table: access.TableVersion{ID: table.ID, Version: table.Version}, Columns: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rows.Next(context.Background())
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	rows.Close()
	rows.Close()
	got, amplification, _ = classes.Snapshot().Since(before)
	read := float64(class(got, "sstable").GetReadBytes())
	if least := read / float64(2*user); amplification < least || amplification > read/float64(user) {
		t.Errorf("%v bytes were read for %d of users: an amplification of %v", read, user, amplification)
	}
}

// class returns a class of files, empty when there is none.
func class(of []*profilerv1.FileClass, name string) *profilerv1.FileClass {
	if i := slices.IndexFunc(of, func(f *profilerv1.FileClass) bool { return f.GetName() == name }); i >= 0 {
		return of[i]
	}
	return nil
}
