package txn

import (
	"time"

	"github.com/attunedb/attune/services/storage/internal/log"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// Config bounds a manager. Zero fields take the defaults.
type Config struct {
	// MaxTxnBytes and MaxTotalBytes bound what one transaction and all of them may stage: 512 MiB and 2 GiB.
	MaxTxnBytes, MaxTotalBytes int64
	// MaxTxns bounds the transactions with staged writes: 65,536.
	MaxTxns int
	// IdleTimeout ends a transaction that nothing is heard of: 60 s.
	IdleTimeout time.Duration
	// RecentKeys bounds the memory of recently written keys, and that of required ones: 1,048,576.
	RecentKeys int
	// Outcomes bounds the memory of finished transactions: 65,536.
	Outcomes int
	// GroupCommits and GroupBytes bound what is appended at once: 512 and 8 MiB.
	GroupCommits int
	GroupBytes   int64
	// LogRetainBytes is how much of the log is kept behind its tail: 16 MiB.
	LogRetainBytes int64
	// Window is how far ahead timestamps are reserved: DefaultWindow.
	Window time.Duration
}

func (c Config) withDefaults() Config {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	count := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&c.MaxTxnBytes, 512<<20)
	def(&c.MaxTotalBytes, 2<<30)
	def(&c.GroupBytes, 8<<20)
	def(&c.LogRetainBytes, 16<<20)
	count(&c.MaxTxns, 1<<16)
	count(&c.RecentKeys, 1<<20)
	count(&c.Outcomes, 1<<16)
	count(&c.GroupCommits, 512)
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = time.Minute
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	return c
}

// Deps are what a manager works on.
type Deps struct {
	Store *mvcc.Store
	Log   log.Log
	// Clock gives the time; nil for time.Now.
	Clock func() time.Time
	// Check, when not nil, fails for schema versions that are not the newest. It is asked about those that a transaction's writes
	// were made for, by the goroutine that commits.
	Check func([]Version) error
	// Prepare, when not nil, may add entries to the batch that applies commits. It is called by one goroutine, in commit order; the
	// commits and what they refer to are never changed afterwards and may be kept.
	Prepare func(b *mvcc.Batch, commits []Commit) error
	// Applied, when not nil, is called after the commits that Prepare saw last are durable and applied, and before they are
	// acknowledged. It must not block.
	Applied func(commits []Commit)
}
