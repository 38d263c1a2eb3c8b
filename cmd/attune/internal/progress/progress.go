// Package progress tells a person what a long command is doing.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Line tells what goes on: a bar that is drawn again and again on a terminal, a few lines elsewhere. It is safe for concurrent use; the
// nil Line says nothing.
type Line struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	mu          sync.Mutex
	label, note string
	total, done int64
	started     time.Time
	drawn       time.Time
	told        int64 // quarters told, where there is no terminal
}

// New writes to w, which is a terminal or not.
func New(w io.Writer, terminal bool, now func() time.Time) *Line {
	return &Line{w: w, terminal: terminal, now: now}
}

// redrawEvery bounds how often a bar is drawn.
const redrawEvery = 80 * time.Millisecond

// barCells is the width of a bar.
const barCells = 28

// Begin starts a bar for total steps, and ends the one before. A total of 0 shows no bar, only the label.
func (p *Line) Begin(label string, total int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.label, p.note, p.total, p.done, p.told = label, "", total, 0, 0
	p.started, p.drawn = p.now(), time.Time{}
	if p.terminal {
		p.draw()
	}
}

// Add counts n steps.
func (p *Line) Add(n int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.step()
}

// Set says how many steps are done.
func (p *Line) Set(done int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	p.step()
}

// Note shows a word beside the bar.
func (p *Line) Note(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = fmt.Sprintf(format, args...)
	p.step()
}

func (p *Line) step() {
	switch {
	case p.terminal:
		if p.now().Sub(p.drawn) >= redrawEvery {
			p.draw()
		}
	case p.total > 0:
		if quarter := 4 * p.done / p.total; quarter > p.told && quarter < 4 {
			p.told = quarter
			fmt.Fprintf(p.w, "%s: %d %%\n", p.label, 25*quarter)
		}
	}
}

// End takes the bar away and leaves a line, where there is one to leave.
func (p *Line) End(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	if format != "" {
		fmt.Fprintf(p.w, format+"\n", args...)
	}
	p.label = ""
}

// Elapsed is the time since Begin.
func (p *Line) Elapsed() time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now().Sub(p.started)
}

func (p *Line) draw() {
	p.drawn = p.now()
	line := p.label
	if p.total > 0 {
		line = fmt.Sprintf("%-24s %s %3d %%", p.label, Bar(float64(p.done)/float64(p.total), barCells), min(100*p.done/p.total, 100))
	}
	if p.note != "" {
		line += "  " + p.note
	}
	fmt.Fprint(p.w, "\r"+line+"\x1b[K")
}

// Bar draws a share of width cells, in eighths of a cell.
func Bar(share float64, width int) string {
	share = min(max(share, 0), 1)
	eighths := int(share*float64(8*width) + 0.5)
	full, part := eighths/8, eighths%8
	s := strings.Repeat("█", full)
	cells := full
	if part > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[part-1])
		cells++
	}
	return s + strings.Repeat("·", width-cells)
}
