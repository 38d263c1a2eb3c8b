package storage

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// countedFS counts what is done to files by their class. Every file that it opens is a countedFile.
type countedFS struct {
	vfs.FS
	classes *files.Classes
}

// counted returns a file system whose files are counted, or fs itself when nobody counts. A nil fs is the operating system's.
func counted(fs vfs.FS, classes *files.Classes) vfs.FS {
	if classes == nil {
		return fs
	}
	if fs == nil {
		fs = vfs.Default
	}
	return &countedFS{FS: fs, classes: classes}
}

// classOf names the class of a file of Pebble's.
func classOf(name string) string {
	base := filepath.Base(name)
	switch {
	case strings.Contains(filepath.Dir(name), "checkpoint"):
		return "checkpoint"
	case strings.HasSuffix(base, ".log"):
		return "wal"
	case strings.HasSuffix(base, ".sst"):
		return "sstable"
	case strings.HasSuffix(base, ".blob"):
		return "blob"
	case strings.HasPrefix(base, "MANIFEST"):
		return "manifest"
	}
	return "other"
}

func (fs *countedFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return f, err
	}
	return &countedFile{File: f, class: fs.classes.Class(classOf(name))}, nil
}

// Unwrap implements vfs.FS.
func (fs *countedFS) Unwrap() vfs.FS { return fs.FS }

// Create implements vfs.FS.
func (fs *countedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	return fs.wrap(name, f, err)
}

// Open implements vfs.FS.
func (fs *countedFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, opts...)
	return fs.wrap(name, f, err)
}

// OpenReadWrite implements vfs.FS.
func (fs *countedFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, category, opts...)
	return fs.wrap(name, f, err)
}

// OpenDir implements vfs.FS: a directory's syncs are as dear as a file's.
func (fs *countedFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	return fs.wrap("directory", f, err)
}

// ReuseForWrite implements vfs.FS.
func (fs *countedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(oldname, newname, category)
	return fs.wrap(newname, f, err)
}

// countedFile counts reads, writes and syncs.
type countedFile struct {
	vfs.File
	class *files.Class
}

// Read implements vfs.File.
func (f *countedFile) Read(b []byte) (int, error) {
	start := time.Now()
	n, err := f.File.Read(b)
	f.class.Read(n, time.Since(start))
	return n, err
}

// ReadAt implements vfs.File.
func (f *countedFile) ReadAt(b []byte, at int64) (int, error) {
	start := time.Now()
	n, err := f.File.ReadAt(b, at)
	f.class.Read(n, time.Since(start))
	return n, err
}

// Write implements vfs.File.
func (f *countedFile) Write(b []byte) (int, error) {
	start := time.Now()
	n, err := f.File.Write(b)
	f.class.Wrote(n, time.Since(start))
	return n, err
}

// WriteAt implements vfs.File.
func (f *countedFile) WriteAt(b []byte, at int64) (int, error) {
	start := time.Now()
	n, err := f.File.WriteAt(b, at)
	f.class.Wrote(n, time.Since(start))
	return n, err
}

// Sync implements vfs.File.
func (f *countedFile) Sync() error {
	start := time.Now()
	err := f.File.Sync()
	f.class.Synced(time.Since(start))
	return err
}

// SyncData implements vfs.File.
func (f *countedFile) SyncData() error {
	start := time.Now()
	err := f.File.SyncData()
	f.class.Synced(time.Since(start))
	return err
}

// SyncTo implements vfs.File. It counts when it has synced, not when it has only asked the kernel to.
func (f *countedFile) SyncTo(length int64) (bool, error) {
	start := time.Now()
	full, err := f.File.SyncTo(length)
	if full {
		f.class.Synced(time.Since(start))
	}
	return full, err
}

// writtenBytes is what users wrote in commits: keys and values, without versions and what the log adds.
func writtenBytes(commits []txn.Commit) uint64 {
	n := 0
	for i := range commits {
		for _, m := range commits[i].Mutations {
			if m.Kind != txn.Require {
				n += len(m.Key) + len(m.Value)
			}
		}
	}
	return uint64(n)
}
