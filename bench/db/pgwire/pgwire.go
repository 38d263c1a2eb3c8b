// Package pgwire runs benchmarks on databases that speak PostgreSQL's protocol: PostgreSQL itself, Attune's own door for it, and others.
//
// Prepared statements are executed in the binary format where a type has a simple one. Batch sends all its calls in one go, each with
// a Sync of its own, so that each is a transaction of its own.
package pgwire

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/attunedb/attune/bench/db"
)

// cancelPatience is how long a statement may take to end once its cancellation was sent, before its connection is given up;
// closePatience bounds the farewell of a connection.
const (
	cancelPatience = 5 * time.Second
	closePatience  = 2 * time.Second
)

type database struct {
	name    string
	config  *pgconn.Config
	version string
	analyze string
}

// Open returns the database at dsn, a URL or a list of keywords as PostgreSQL's tools take it, under this name in reports. It fails
// when nobody answers there. Times are in UTC.
func Open(ctx context.Context, dsn, name string) (db.DB, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgwire: the address of %s: %w", name, err)
	}
	if _, set := config.RuntimeParams["timezone"]; !set {
		config.RuntimeParams["timezone"] = "UTC"
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &canceler{conn: c}
	}
	d := &database{name: name, config: config}
	if d.version, err = d.text(ctx, "SELECT version()"); err != nil {
		return nil, fmt.Errorf("pgwire: %s: %w", name, err)
	}
	if strings.HasPrefix(d.version, "PostgreSQL") && !strings.Contains(d.version, "Attune") {
		d.analyze = "ANALYZE"
	}
	return d, nil
}

func (d *database) Name() string { return d.name }

func (d *database) Version(context.Context) (string, error) { return d.version, nil }

// Durability tells what the server's settings promise. A server without the setting fsync always syncs, in groups.
func (d *database) Durability(ctx context.Context) string {
	commit, err := d.text(ctx, "SHOW synchronous_commit")
	if err != nil {
		return "unknown: " + err.Error()
	}
	fsync, err := d.text(ctx, "SHOW fsync")
	switch {
	case err != nil && db.SQLState(err) != undefinedObject:
		return "unknown: " + err.Error()
	case fsync == "off":
		return "none: fsync is off"
	case commit == "off":
		return "the last moments may be lost: synchronous_commit is off"
	}
	return "fsync, group commit"
}

const undefinedObject = "42704"

func (d *database) Traits() db.Traits {
	return db.Traits{Transactions: true, Pipelined: true, Analyze: d.analyze}
}

func (d *database) Open(ctx context.Context) (db.Conn, error) {
	c, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (d *database) open(ctx context.Context) (*conn, error) {
	pg, err := pgconn.ConnectConfig(ctx, d.config)
	if err != nil {
		return nil, fmt.Errorf("pgwire: %w", db.Ended(ctx, err))
	}
	return &conn{pg: pg}, nil
}

// text runs a statement on a connection of its own for its only value.
func (d *database) text(ctx context.Context, sql string) (string, error) {
	c, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	out := ""
	_, err = c.Query(ctx, sql, func(row []any) error {
		out, _ = row[0].(string)
		return nil
	})
	return out, err
}

func (d *database) Load(ctx context.Context, table string, columns []string, rows io.Reader) (int64, error) {
	c, err := d.open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	tag, err := c.pg.CopyFrom(ctx, rows, db.CopyStatement(table, columns))
	if err != nil {
		return 0, fmt.Errorf("pgwire: load of %s: %w", table, db.Ended(ctx, err))
	}
	return tag.RowsAffected(), nil
}

func (d *database) Close() error { return nil }
