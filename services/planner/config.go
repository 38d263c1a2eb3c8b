package planner

import (
	"runtime"
	"time"

	"github.com/attunedb/attune/services/planner/internal/explore"
)

// Config of the service. Zero fields take the defaults.
type Config struct {
	// Instance names this planner among the others in elections. Default "planner".
	Instance string `config:"instance" usage:"this planner's name in elections"`
	// Parallelism is the number of workers that executors give a pipeline. Default the number of processors.
	Parallelism int `config:"parallelism" usage:"workers that an executor gives a pipeline"`
	// StatisticsAge is how old row counts may be. Default 500 ms.
	StatisticsAge time.Duration `config:"statistics_age" usage:"how old row counts may be"`
	// FeedbackAge is how old measured row counts may be. Default 500 ms.
	FeedbackAge time.Duration `config:"feedback_age" usage:"how old measured row counts may be"`
	// HistoryAge is how old what is known of a template may be. Default 200 ms.
	HistoryAge time.Duration `config:"history_age" usage:"how old what is known of a template may be"`
	// Wait bounds how long planning waits for another service. Default 500 ms.
	Wait time.Duration `config:"wait" usage:"how long planning waits for another service"`
	// Explore is the explorer's part.
	Explore explore.Config `config:"explore"`
}

func (c Config) withDefaults() Config {
	if c.Instance == "" {
		c.Instance = "planner"
	}
	if c.Parallelism <= 0 {
		c.Parallelism = runtime.GOMAXPROCS(0)
	}
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.StatisticsAge, 500*time.Millisecond)
	set(&c.FeedbackAge, 500*time.Millisecond)
	set(&c.HistoryAge, 200*time.Millisecond)
	set(&c.Wait, 500*time.Millisecond)
	return c
}
