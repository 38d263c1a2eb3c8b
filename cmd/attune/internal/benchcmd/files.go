package benchcmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/attunedb/attune/bench/report"
)

// Files are where a report goes, each empty for not at all.
type Files struct {
	// JSON, HTML and Markdown are paths. Dir takes all three as report.json, report.html and report.md.
	JSON, HTML, Markdown, Dir string
}

// Empty reports whether there is none.
func (f Files) Empty() bool { return f == Files{} }

type file struct {
	path  string
	write func(*report.Report, io.Writer) error
}

func (f Files) list() []file {
	asJSON, asHTML, asMarkdown := (*report.Report).Write, (*report.Report).HTML, (*report.Report).Markdown
	var out []file
	add := func(path string, write func(*report.Report, io.Writer) error) {
		if path != "" {
			out = append(out, file{path, write})
		}
	}
	if f.Dir != "" {
		add(filepath.Join(f.Dir, "report.json"), asJSON)
		add(filepath.Join(f.Dir, "report.md"), asMarkdown)
		add(filepath.Join(f.Dir, "report.html"), asHTML)
	}
	add(f.JSON, asJSON)
	add(f.Markdown, asMarkdown)
	add(f.HTML, asHTML)
	return out
}

// Check finds out before anything is measured whether the files can be written: a name that cannot should not cost a run. What stands there is
// left alone.
func (f Files) Check() error {
	if f.Dir != "" {
		if err := os.MkdirAll(f.Dir, 0o755); err != nil { //nolint:gosec // reports are for everybody
			return fmt.Errorf("the directory for results cannot be made: %w", err)
		}
	}
	for _, one := range f.list() {
		_, before := os.Lstat(one.path)
		file, err := os.OpenFile(one.path, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // as above
		if err != nil {
			return fmt.Errorf("the result file cannot be written, and nothing was measured: %w", err)
		}
		err = file.Close()
		if errors.Is(before, fs.ErrNotExist) {
			err = errors.Join(err, os.Remove(one.path))
		}
		if err != nil {
			return fmt.Errorf("the result file cannot be written, and nothing was measured: %w", err)
		}
	}
	return nil
}

// Write writes the files. A file is replaced once its successor is complete, so that a full disk costs neither the old nor the other
// files. What could not be written is named; fallback, where it is not nil, then gets the JSON, so that nothing is lost.
func (f Files) Write(r *report.Report, fallback io.Writer) error {
	var errs []error
	for _, one := range f.list() {
		if err := replace(one.path, func(w io.Writer) error { return one.write(r, w) }); err != nil {
			errs = append(errs, explain(one.path, err))
		}
	}
	if len(errs) > 0 && fallback != nil {
		errs = append(errs, r.Write(fallback))
	}
	return errors.Join(errs...)
}

// replace writes a file beside path and renames it. What is no regular file, such as a pipe, is written as it is.
func replace(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		out, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(out), out.Close())
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".attune-bench-*")
	if err != nil {
		return err
	}
	err = errors.Join(write(out), out.Chmod(0o644), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		_ = os.Remove(out.Name())
	}
	return err
}

func explain(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%s was not written, the disk is full: the figures are printed as JSON instead; save them elsewhere and draw them with \"attune bench report\" (%w)",
			path, err)
	}
	return fmt.Errorf("%s was not written: %w", path, err)
}
