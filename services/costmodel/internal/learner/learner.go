package learner

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/services/costmodel/internal/drift"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/reservoir"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

// Config of a Learner. Zero fields take the defaults of their packages.
type Config struct {
	Reservoir reservoir.Config
	Drift     drift.Config
	Train     train.Config
	Promote   promote.Config
	// Seen is the execution ids that are known again. Default 16,384.
	Seen int
	// Seed fixes all sampling.
	Seed uint64
}

// Execution is one completed run.
type Execution struct {
	ID string
	// Template names the query template.
	Template    string
	AtUnixNanos int64
	Pipelines   []Pipeline
}

// Pipeline is one pipeline of it, with its actual features and elapsed time.
type Pipeline struct {
	Features forest.PipelineFeatures
	Nanos    float64
}

// Learner is safe for concurrent use. Make one with New.
type Learner struct {
	cfg       Config
	reservoir *reservoir.Reservoir
	classical *costmodel.Classical
	monitor   *drift.Monitor

	mu       sync.Mutex
	seen     window
	champion *costmodel.Predictor // nil until SetChampion
	events   uint64
	since    uint64
	drifted  bool
}

// New makes a learner that knows nothing.
func New(cfg Config) *Learner {
	if cfg.Seen <= 0 {
		cfg.Seen = 16_384
	}
	return &Learner{cfg: cfg, monitor: drift.New(cfg.Drift),
		reservoir: reservoir.New(cfg.Reservoir, rand.New(rand.NewPCG(cfg.Seed, 1))),
		classical: costmodel.NewClassical(costmodel.DefaultUnits()),
		seen:      window{size: cfg.Seen, ids: map[string]struct{}{}}}
}

// Take learns from an execution and returns the samples it gave; none when its id is known. Pipelines without usable time or
// features give none.
func (l *Learner) Take(x *Execution) (samples int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.ID != "" && !l.seen.add(x.ID) {
		return 0
	}
	l.events++
	predicted, measured := 0.0, 0.0
	for i := range x.Pipelines {
		p := &x.Pipelines[i]
		s := reservoir.Sample{Template: x.Template, Features: p.Features, Nanos: p.Nanos, AtUnixNanos: x.AtUnixNanos}
		if !l.reservoir.Add(s) {
			continue
		}
		samples++
		if l.champion != nil {
			predicted += l.champion.Predict(&p.Features).Nanos
			measured += p.Nanos
		}
		l.classical.Calibrate(&p.Features, p.Nanos)
	}
	l.since += uint64(samples)
	if measured > 0 && l.monitor.Observe(x.Template, predicted, measured).Alarmed {
		l.drifted = true
	}
	return samples
}

// SetChampion tells whose errors to watch.
func (l *Learner) SetChampion(p *costmodel.Predictor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.champion = p
	l.monitor.Reset()
	l.drifted = false
}

// Status is what a learner holds.
type Status struct {
	// Samples are in the reservoir, Events were taken in, SinceTraining are the samples since training last began.
	Samples               int
	Events, SinceTraining uint64
	// Drifted says that the champion's errors have grown since it came into use or was last trained against.
	Drifted bool
	// MeanError is the running mean of the champion's |ln(measured ÷ predicted)|.
	MeanError float64
}

// Status returns the present state.
func (l *Learner) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{Samples: l.reservoir.Len(), Events: l.events, SinceTraining: l.since, Drifted: l.drifted,
		MeanError: l.monitor.Summary().MeanError}
}

// Classical returns a copy of the calibrated classical model.
func (l *Learner) Classical() (*costmodel.Classical, error) {
	b, err := l.classical.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("learner: %w", err)
	}
	c := costmodel.NewClassical(costmodel.DefaultUnits())
	if err := c.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("learner: %w", err)
	}
	return c, nil
}

// state is what a checkpoint holds.
type state struct {
	Events, Since uint64
	Seen          []string
	Reservoir     []byte
	Classical     []byte
}

// Checkpoint encodes what was learnt.
func (l *Learner) Checkpoint() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := state{Events: l.events, Since: l.since, Seen: l.seen.order}
	var err1, err2 error
	s.Reservoir, err1 = l.reservoir.MarshalBinary()
	s.Classical, err2 = l.classical.MarshalBinary()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("learner: checkpoint: %w", err)
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&s); err != nil {
		return nil, fmt.Errorf("learner: checkpoint: %w", err)
	}
	return b.Bytes(), nil
}

// Restore replaces what was learnt by a checkpoint. What of it is damaged, or of another feature schema, is left out and told in
// the error; the learner is usable all the same.
func (l *Learner) Restore(checkpoint []byte) error {
	var s state
	if err := gob.NewDecoder(bytes.NewReader(checkpoint)).Decode(&s); err != nil {
		return fmt.Errorf("learner: restore: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.since = s.Events, s.Since
	for _, id := range s.Seen {
		l.seen.add(id)
	}
	err := errors.Join(l.reservoir.UnmarshalBinary(s.Reservoir), l.classical.UnmarshalBinary(s.Classical))
	if err != nil {
		return fmt.Errorf("learner: restore: %w", err)
	}
	return nil
}

// window is the last ids of a bounded number.
type window struct {
	size  int
	ids   map[string]struct{}
	order []string // oldest first
}

// add remembers id and reports whether it was not known.
func (w *window) add(id string) bool {
	if _, known := w.ids[id]; known {
		return false
	}
	w.ids[id] = struct{}{}
	w.order = append(w.order, id)
	if len(w.order) > w.size {
		delete(w.ids, w.order[0])
		w.order = w.order[1:]
	}
	return true
}
