package executor

import (
	"errors"
	"time"

	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/pgwire"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// Config is how an executor is set up. Zero values have the defaults that are named.
type Config struct {
	// Instance names the executor in feedback. Default "executor".
	Instance string
	// PGListen is the address of the PostgreSQL door; empty leaves it out.
	PGListen string
	// MaxSessions bounds open sessions of both doors together. Default 1000.
	MaxSessions int `config:"max_sessions" usage:"most open sessions"`
	// MaxRunning bounds statements that run pipelines at a time. Default 64.
	MaxRunning int `config:"max_running" usage:"most statements that run pipelines at a time"`
	// MaxPlans bounds the plan cache. Default 8192.
	MaxPlans int `config:"max_plans" usage:"most plans in the plan cache"`
	// MemoryBytes bounds what one statement holds. Default 1 GiB.
	MemoryBytes int64 `config:"memory_bytes" usage:"most bytes that one statement holds"`
	// Parallelism is the number of workers of a pipeline. Default 1.
	Parallelism int `config:"parallelism" usage:"workers of a pipeline"`
	// MaxResultRows bounds the result of a unary call. Default 100,000.
	MaxResultRows int `config:"max_result_rows" usage:"most rows of a unary call"`
	// SlowNanos is the time from which every execution is reported by itself. Default 1 ms.
	SlowNanos int64 `config:"slow_nanos" usage:"nanoseconds from which every execution is reported by itself"`
	// BackgroundTimeout bounds a plan that is tried in the background. Default 5 min.
	BackgroundTimeout time.Duration `config:"background_timeout" usage:"longest run of a plan in the background"`
	// DrainTimeout is how long Stop waits for sessions to end. Default 10 s.
	DrainTimeout time.Duration `config:"drain_timeout" usage:"how long a stop waits for sessions"`
}

func (c Config) withDefaults() Config {
	if c.Instance == "" {
		c.Instance = "executor"
	}
	if c.MaxPlans == 0 {
		c.MaxPlans = 8192
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 1000
	}
	if c.MaxResultRows == 0 {
		c.MaxResultRows = 100_000
	}
	if c.BackgroundTimeout == 0 {
		c.BackgroundTimeout = 5 * time.Minute
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 10 * time.Second
	}
	return c
}

// Validate reports what cannot be.
func (c Config) Validate() error {
	if c.MaxSessions < 0 || c.MaxRunning < 0 || c.MaxPlans < 0 || c.MemoryBytes < 0 || c.Parallelism < 0 || c.MaxResultRows < 0 {
		return errors.New("executor: a negative bound")
	}
	return nil
}

func (c Config) sessions() session.Config {
	return session.Config{MaxSessions: c.MaxSessions, MaxRunning: c.MaxRunning, MemoryBytes: c.MemoryBytes, Parallelism: c.Parallelism}
}

func (c Config) feedback() feedback.Config { return feedback.Config{SlowNanos: c.SlowNanos} }

func (c Config) pgwire() pgwire.Config {
	return pgwire.Config{Listen: c.PGListen, MaxConnections: c.MaxSessions}
}
