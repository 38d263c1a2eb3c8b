package drift

import (
	"container/list"
	"math"
	"slices"
	"sync"
)

// Config sets the tests. Zero fields take the defaults. Errors are in natural-log
// units: 0.7 is a factor of two.
type Config struct {
	// MinSamples is the observations before a detector may alarm. Default 30.
	MinSamples int
	// Tolerance is the rise of the mean error that does not count. Default 0.1.
	Tolerance float64
	// Threshold is the sum of errors beyond mean and tolerance that alarms: a
	// mean error that rises by 1 alarms after about Threshold observations.
	// Default 12.
	Threshold float64
	// Level is the running mean error that alarms whatever came before. Default
	// ln 3.
	Level float64
	// Templates is the most templates watched. Default 4,096.
	Templates int
}

func (c Config) withDefaults() Config {
	if c.MinSamples <= 0 {
		c.MinSamples = 30
	}
	if c.Tolerance <= 0 {
		c.Tolerance = 0.1
	}
	if c.Threshold <= 0 {
		c.Threshold = 12
	}
	if c.Level <= 0 {
		c.Level = math.Log(3)
	}
	if c.Templates <= 0 {
		c.Templates = 4096
	}
	return c
}

// errorLimit bounds one observation, so that a single hiccup cannot alarm.
const errorLimit = 3

// levelMemory is the share of the newest observation in the running mean that
// Level bounds: about the last thirty count.
const levelMemory = 1.0 / 30

// State of a detector.
type State uint8

// The states. Rising means that errors have grown, Bad that they are large.
const (
	Steady State = iota
	Rising
	Bad
)

// String is the state's name in events and metrics.
func (s State) String() string {
	switch s {
	case Rising:
		return "rising"
	case Bad:
		return "bad"
	}
	return "steady"
}

// detector is one Page-Hinkley test with a bound on the running mean.
type detector struct {
	n       int
	mean    float64 // over all observations since the reset
	sum     float64 // of error − mean − tolerance
	lowest  float64 // least value that sum has had
	running float64 // exponentially weighted mean
	state   State
}

func (d *detector) observe(cfg *Config, err float64) State {
	d.n++
	d.mean += (err - d.mean) / float64(d.n)
	d.sum += err - d.mean - cfg.Tolerance
	d.lowest = math.Min(d.lowest, d.sum)
	// The weight of a plain mean at first, so that the start does not count twice.
	d.running += (err - d.running) * math.Max(levelMemory, 1/float64(d.n))
	if d.state == Steady && d.n >= cfg.MinSamples {
		switch {
		case d.running > cfg.Level:
			d.state = Bad
		case d.sum-d.lowest > cfg.Threshold:
			d.state = Rising
		}
	}
	return d.state
}

// Monitor watches the error of the model in use. It is safe for concurrent use.
// Make one with New.
type Monitor struct {
	cfg Config

	mu        sync.Mutex
	global    detector
	templates map[string]*list.Element
	byAge     *list.List // of *watched, the one seen most recently in front
}

type watched struct {
	template string
	detector detector
}

// New makes a Monitor that has seen nothing.
func New(cfg Config) *Monitor {
	return &Monitor{cfg: cfg.withDefaults(), templates: map[string]*list.Element{}, byAge: list.New()}
}

// Verdict is the state after an observation. Alarmed is set by the very
// observation that turns the global or the template's state from Steady.
type Verdict struct {
	Global, Template State
	Alarmed          bool
}

// Observe takes in that a run of template was predicted and measured, both in
// nanoseconds. A measurement that is not finite and positive is ignored; such a
// prediction counts as the largest error there is, since it is the model's.
func (m *Monitor) Observe(template string, predictedNanos, measuredNanos float64) Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !(measuredNanos > 0) || math.IsInf(measuredNanos, 1) {
		v := Verdict{Global: m.global.state}
		if e := m.templates[template]; e != nil {
			v.Template = e.Value.(*watched).detector.state
		}
		return v
	}
	err := math.Abs(math.Log(measuredNanos / predictedNanos))
	if !(err <= errorLimit) {
		err = errorLimit
	}
	e := m.templates[template]
	if e == nil {
		if len(m.templates) == m.cfg.Templates {
			oldest := m.byAge.Back()
			delete(m.templates, oldest.Value.(*watched).template)
			m.byAge.Remove(oldest)
		}
		e = m.byAge.PushFront(&watched{template: template})
		m.templates[template] = e
	}
	m.byAge.MoveToFront(e)
	w := e.Value.(*watched)
	globalBefore, templateBefore := m.global.state, w.detector.state
	v := Verdict{Global: m.global.observe(&m.cfg, err), Template: w.detector.observe(&m.cfg, err)}
	v.Alarmed = v.Global != globalBefore || v.Template != templateBefore
	return v
}

// Summary is what the monitor holds.
type Summary struct {
	Global       State
	Observations int
	// MeanError is the running mean of |ln(measured ÷ predicted)| over all.
	MeanError float64
	// Drifted are the templates not Steady, in order of name; Watched counts all.
	Drifted []string
	Watched int
}

// Summary describes the present state; the caller owns it.
func (m *Monitor) Summary() Summary {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Summary{Global: m.global.state, Observations: m.global.n, MeanError: m.global.running, Watched: len(m.templates)}
	for template, e := range m.templates {
		if e.Value.(*watched).detector.state != Steady {
			s.Drifted = append(s.Drifted, template)
		}
	}
	slices.Sort(s.Drifted)
	return s
}

// Reset forgets everything. Call it when another model comes into use: its
// errors have nothing to do with those of the former.
func (m *Monitor) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.global = detector{}
	clear(m.templates)
	m.byAge.Init()
}
