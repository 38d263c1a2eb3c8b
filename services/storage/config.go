package storage

import (
	"errors"
	"time"

	"github.com/attunedb/attune/platform/config"
)

// Config of the service. Zero fields take the defaults; Data is required.
type Config struct {
	// Data is the directory of the rows; one node each.
	Data string
	// CacheBytes bounds the block cache. Default 128 MiB.
	CacheBytes config.ByteSize `config:"cache_bytes" usage:"most memory for cached blocks of rows"`
	// MemTableBytes is the size of a memtable, of which there may be four. Default 64 MiB.
	MemTableBytes config.ByteSize `config:"memtable_bytes" usage:"size of a table in memory before it is written out"`
	// Retention is how long replaced versions can be read. Default 10 min.
	Retention time.Duration `config:"retention" usage:"how long replaced versions of rows can be read"`
	// CollectEvery is how often replaced versions beyond it are removed. Default 5 s.
	CollectEvery time.Duration `config:"collect_every" usage:"how often replaced versions are removed"`
	// IdleTimeout ends a transaction of which nothing is heard. Default 1 min.
	IdleTimeout time.Duration `config:"idle_timeout" usage:"when a transaction of which nothing is heard is rolled back"`
	// TxnBytes and StagedBytes bound the uncommitted writes of one and of all transactions. Default 512 MiB and 2 GiB.
	TxnBytes    config.ByteSize `config:"txn_bytes" usage:"most uncommitted writes of one transaction"`
	StagedBytes config.ByteSize `config:"staged_bytes" usage:"most uncommitted writes of all transactions"`
}

func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, errors.New("storage: no data directory")
	}
	if c.Retention <= 0 {
		c.Retention = 10 * time.Minute
	}
	if c.CollectEvery <= 0 {
		c.CollectEvery = 5 * time.Second
	}
	return c, nil
}
