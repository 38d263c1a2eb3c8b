package profilecmd

import (
	"errors"
	"fmt"
	"io"

	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/render"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Output says where a report goes. With JSON, standard output holds one object and nothing else.
type Output struct {
	// Dir and HTML are a directory and a page to write; empty for none.
	Dir, HTML string
	JSON      bool
	// Out is standard output, Err takes notes for a person.
	Out, Err io.Writer
}

// ErrIncomplete says that some processes gave no profile; the others' results were written.
var ErrIncomplete = errors.New("not every process was profiled")

// Write analyses profiles and writes what was found. Without any profile, it is an error that names the reasons.
func (o Output) Write(profiles []*profilerv1.ProcessProfile, in analysis.Input) error {
	if len(profiles) == 0 {
		var errs []error
		for _, m := range in.Missing {
			errs = append(errs, fmt.Errorf("%s: %s", m.Process, m.Reason))
		}
		return fmt.Errorf("no process was profiled: %w", errors.Join(errs...))
	}
	r := analysis.Analyze(profiles, in)
	var errs []error
	if o.JSON {
		errs = append(errs, render.JSON(o.Out, r))
	} else {
		errs = append(errs, render.Summary(o.Out, r))
	}
	if o.Dir != "" {
		err := render.Directory(o.Dir, r, profiles)
		if err == nil {
			fmt.Fprintf(o.Err, "\nThe report and the raw profiles are in %s: open %s/report.html, or run attune profile serve %s\n", o.Dir, o.Dir, o.Dir)
		}
		errs = append(errs, err)
	}
	if o.HTML != "" {
		errs = append(errs, render.File(o.HTML, func(w io.Writer) error { return render.HTML(w, r) }))
	}
	if len(in.Missing) > 0 {
		errs = append(errs, fmt.Errorf("%w: %d of %d are missing", ErrIncomplete, len(in.Missing), len(in.Missing)+len(profiles)))
	}
	return errors.Join(errs...)
}

// Pair finds what of two sets of profiles belongs together: the same process by name, or by its services where each side has one process with
// them. A process without a partner is named in alone.
func Pair(before, after []*profilerv1.ProcessProfile) (pairs [][2]*profilerv1.ProcessProfile, alone []string) {
	if len(before) == 1 && len(after) == 1 {
		return [][2]*profilerv1.ProcessProfile{{before[0], after[0]}}, nil
	}
	used := make([]bool, len(before))
	match := func(a *profilerv1.ProcessProfile, key func(*profilerv1.ProcessProfile) string) int {
		at, n := -1, 0
		for i, b := range before {
			if !used[i] && key(b) == key(a) {
				at, n = i, n+1
			}
		}
		if n != 1 {
			return -1
		}
		return at
	}
	services := func(p *profilerv1.ProcessProfile) string { return fmt.Sprint(p.GetServices()) }
	var left []*profilerv1.ProcessProfile
	for _, a := range after {
		if i := match(a, analysis.Name); i >= 0 {
			used[i] = true
			pairs = append(pairs, [2]*profilerv1.ProcessProfile{before[i], a})
			continue
		}
		left = append(left, a)
	}
	for _, a := range left {
		if i := match(a, services); i >= 0 {
			used[i] = true
			pairs = append(pairs, [2]*profilerv1.ProcessProfile{before[i], a})
			continue
		}
		alone = append(alone, analysis.Name(a)+" (after only)")
	}
	for i, b := range before {
		if !used[i] {
			alone = append(alone, analysis.Name(b)+" (before only)")
		}
	}
	return pairs, alone
}
