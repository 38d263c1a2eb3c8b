package benchcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/attunedb/attune/bench/db"
)

const (
	settlePoll  = 250 * time.Millisecond
	settleCalm  = 2 * time.Second
	settleLimit = 20 * time.Second
)

// settledSize is the size of a directory's files once it has not changed for a while, as a store compacts in the background.
func settledSize(ctx context.Context, dir string) (int64, error) {
	ticker := time.NewTicker(settlePoll)
	defer ticker.Stop()
	last, since := int64(-1), time.Duration(0)
	for waited := time.Duration(0); waited < settleLimit && since < settleCalm; waited += settlePoll {
		size, err := directorySize(dir)
		if err != nil {
			return 0, err
		}
		if since += settlePoll; size != last {
			last, since = size, 0
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return last, nil
}

func directorySize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = e.Info(); err == nil {
				sum += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // a store removes files at any time
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("the size of %s: %w", dir, err)
	}
	return sum, nil
}

// postgresSize is the database's size after a checkpoint.
func postgresSize(ctx context.Context, d db.DB) (size int64, err error) {
	conn, err := d.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return 0, fmt.Errorf("a checkpoint before the size is asked for: %w", err)
	}
	_, err = conn.Query(ctx, "SELECT pg_database_size(current_database())", func(row []any) error {
		n, ok := row[0].(int64)
		if !ok {
			return fmt.Errorf("the size of the database is a %T", row[0])
		}
		size = n
		return nil
	})
	return size, err
}
