package history

import (
	"errors"
	"time"

	"github.com/attunedb/attune/services/history/internal/store"
)

// Config of the service. Zero fields take the defaults; Data is required.
type Config struct {
	// Data is the directory of the store; one replica each.
	Data string
	// Templates is the most templates remembered. Default 2,000.
	Templates int `config:"templates" usage:"most templates that are remembered"`
	// Runs is the most recent runs kept of a template. Default 64.
	Runs int `config:"runs" usage:"recent runs kept of each template"`
	// Window is how many recent times percentiles are over. Default 128.
	Window int `config:"window" usage:"recent times that percentiles are over"`
	// Subplans is the most sub-plans whose row counts are remembered. Default 50,000.
	Subplans int `config:"subplans" usage:"most sub-plans whose row counts are remembered"`
	// StreamBytes bounds the feedback stream. Default 1 GiB.
	StreamBytes int64 `config:"stream_bytes" usage:"most bytes of feedback that NATS keeps"`
	// Replicas of the stream and the bucket in a NATS cluster. Default 1.
	Replicas int `config:"replicas" usage:"copies of stream and bucket in the NATS cluster"`
	// Resync is how often the bucket is compared as a whole, beside following it. Default 1 min.
	Resync time.Duration `config:"resync" usage:"how often the guard's records are compared as a whole"`
	// WatchBuffer is the transitions that a watcher may be behind. Default 256.
	WatchBuffer int `config:"watch_buffer" usage:"transitions a watcher may be behind"`
	// Batch is how many feedback messages are taken in with one write. Default 64.
	Batch int `config:"batch" usage:"feedback messages taken in with one write"`
}

// Names that services share.
const (
	// FeedbackStream holds what executors publish on FeedbackSubject.
	FeedbackStream  = "ATTUNE_FEEDBACK"
	FeedbackSubject = "attune.feedback"
	// TransitionSubject carries history.v1.PlanTransition, plain publish and subscribe.
	TransitionSubject = "attune.transitions"
	// guardBucket holds the guard's records and plans.
	guardBucket = "ATTUNE_GUARD"
)

func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, errors.New("history: no data directory")
	}
	if c.Resync <= 0 {
		c.Resync = time.Minute
	}
	if c.WatchBuffer <= 0 {
		c.WatchBuffer = 256
	}
	return c, nil
}

func (c Config) store() store.Config {
	return store.Config{Templates: c.Templates, Runs: c.Runs, Window: c.Window, Subplans: c.Subplans}
}
