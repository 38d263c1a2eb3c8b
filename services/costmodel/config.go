package costmodel

import (
	"fmt"
	"time"

	"github.com/attunedb/attune/services/costmodel/internal/learner"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/reservoir"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

// Config of the service. Zero fields take the defaults.
type Config struct {
	// MinSamples is the samples after which a challenger is trained. Default 200.
	MinSamples int `config:"min_samples" usage:"samples after which a challenger is trained"`
	// MinInterval is the least time between two trainings. Default 10 s.
	MinInterval time.Duration `config:"min_interval" usage:"least time between two trainings"`
	// TrainShare is the most of one core that training takes over time. Default 0.25.
	TrainShare float64 `config:"train_share" usage:"most of one core that training takes over time"`
	// Checkpoint is how often what was learnt is stored. Default 10 s.
	Checkpoint time.Duration `config:"checkpoint" usage:"how often what was learnt is stored"`
	// Versions is the most versions stored beside those in use or to be gone back to. Default 20.
	Versions int `config:"versions" usage:"most versions stored"`
	// Samples is the most samples learnt from. Default 20,000.
	Samples int `config:"samples" usage:"most samples learnt from"`
	// Members and Trees size the ensemble. Defaults 5 and 40.
	Members int `config:"members" usage:"boosted models in the ensemble"`
	Trees   int `config:"trees" usage:"most trees of each boosted model"`
	// Templates and Runs bound the evidence a challenger is judged on. Defaults 50 and 64.
	Templates int `config:"templates" usage:"templates that a challenger is judged on"`
	Runs      int `config:"runs" usage:"recent runs per template that a challenger is judged on"`
	// MinTemplates and MinPairs are the evidence without which a champion stays. Defaults 5 and 8.
	MinTemplates int `config:"min_templates" usage:"templates with a choice of plans without which a champion stays"`
	MinPairs     int `config:"min_pairs" usage:"pairs of plans without which a champion stays"`
	// StreamBytes bounds the feedback stream. Default 1 GiB.
	StreamBytes int64 `config:"stream_bytes" usage:"most bytes of feedback that NATS keeps"`
	// Replicas of stream and object store in a NATS cluster. Default 1.
	Replicas int `config:"replicas" usage:"copies of stream and versions in the NATS cluster"`
	// Seed fixes all sampling.
	Seed uint64 `config:"seed" usage:"fixes all sampling"`
}

// Names that services share. Keys are relative to the coordinator's prefix.
const (
	// FeedbackStream holds what executors publish on FeedbackSubject.
	FeedbackStream  = "ATTUNE_FEEDBACK"
	FeedbackSubject = "attune.feedback"
	// ChampionKey holds {"version", "pinned"}: the version that planners use.
	ChampionKey = "model/champion"
	// Election is the trainer's.
	Election = "trainer"
	// ServiceName is under which replicas register.
	ServiceName = "costmodel"

	championPrefix = "model/"
	nextKey        = "costmodel/next"
	objectBucket   = "ATTUNE_MODELS"
	durableName    = "costmodel"
)

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		p   *int
		def int
	}{{&c.MinSamples, 200}, {&c.Versions, 20}, {&c.Templates, 50}, {&c.Runs, 64}, {&c.Replicas, 1}} {
		if *f.p <= 0 {
			*f.p = f.def
		}
	}
	if c.MinInterval <= 0 {
		c.MinInterval = 10 * time.Second
	}
	if c.Checkpoint <= 0 {
		c.Checkpoint = 10 * time.Second
	}
	if c.TrainShare == 0 {
		c.TrainShare = 0.25
	}
	if !(c.TrainShare > 0 && c.TrainShare <= 1) {
		return c, fmt.Errorf("costmodel: train share %v is not in (0, 1]", c.TrainShare)
	}
	return c, nil
}

func (c Config) learner() learner.Config {
	return learner.Config{Seed: c.Seed, Reservoir: reservoir.Config{Total: c.Samples},
		Train:   train.Config{Members: c.Members, Trees: c.Trees, Seed: c.Seed},
		Promote: promote.Config{MinTemplates: c.MinTemplates, MinPairs: c.MinPairs}}
}
