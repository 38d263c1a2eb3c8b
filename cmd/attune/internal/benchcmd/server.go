package benchcmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/attunedb/attune/bench/db/attunegrpc"
	"github.com/attunedb/attune/bench/db/duckdb"
	"github.com/attunedb/attune/bench/db/pgwire"
	"github.com/attunedb/attune/bench/peer/postgres"
	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/bench/suite"
	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	"github.com/attunedb/attune/platform/config"
)

// Place is where the database to measure is: at most one of GRPC and PG; neither is a server of the command's own.
type Place struct {
	// GRPC is an address of Attune's gRPC door, PG a connection string of anything that speaks PostgreSQL's protocol.
	GRPC, PG string
	// Unary sends each statement as a call of its own, over gRPC; without it a connection is a session on a stream, which has transactions and
	// sends a worker's operations together.
	Unary bool
	// InProcess reaches a server of the command's own through memory, without the network's part of the work.
	InProcess bool
	// Dir is where a server of the command's own keeps its data, "" for a temporary directory, which is removed.
	Dir    string
	Memory config.ByteSize
	Log    *slog.Logger
	// Patience bounds reaching a server; 0 is connectTimeout.
	Patience time.Duration
}

// connectTimeout bounds reaching a server.
const connectTimeout = 10 * time.Second

// Open connects to the database, or starts it. The returned function ends what was started and removes its data.
func Open(ctx context.Context, p Place) (suite.Database, func() error, error) {
	if p.Patience == 0 {
		p.Patience = connectTimeout
	}
	reach, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	switch {
	case p.PG != "":
		d, err := pgwire.Open(reach, p.PG, "pg")
		if err != nil {
			return suite.Database{}, nil, p.unreachable(address(p.PG), err)
		}
		return suite.Database{DB: d}, d.Close, nil
	case p.GRPC != "":
		c, err := client.Open(reach, p.GRPC)
		if err != nil {
			return suite.Database{}, nil, p.unreachable(p.GRPC, err)
		}
		d := attunegrpc.New(c, attunegrpc.Options{Name: "attune", Pipelined: !p.Unary})
		return suite.Database{DB: d}, func() error { return errors.Join(d.Close(), c.Close()) }, nil
	}
	return embedded(ctx, p)
}

// unreachable says which server was not reached and what to do. It hides that the cause is one of connecting, which other commands report with
// another exit status: a benchmark without a server is a run that is not valid.
func (p Place) unreachable(where string, err error) error {
	what := fmt.Sprintf("no database answers at %s: is it up, and is this the right address? Start one with \"attune up\", or leave the address out to measure a server of the command's own", where)
	if errors.Is(err, context.DeadlineExceeded) {
		what = fmt.Sprintf("the database at %s does not answer within %s: it may be overloaded, stopped, or behind a firewall", where, p.Patience)
	}
	return fmt.Errorf("%s (%v)", what, err) //nolint:errorlint // see above
}

// address takes what may be secret out of a connection string.
func address(dsn string) string {
	if at := strings.LastIndex(dsn, "@"); at >= 0 && strings.Contains(dsn, "://") {
		rest, _, _ := strings.Cut(dsn[at+1:], "?")
		return rest
	}
	var kept []string
	for _, word := range strings.Fields(dsn) {
		if !strings.HasPrefix(word, "password=") {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// embedded starts all services in this process. They are reached through a port of this machine, as peers and the limits are, unless the place
// says otherwise.
func embedded(ctx context.Context, p Place) (suite.Database, func() error, error) {
	dir, remove := p.Dir, func() error { return nil }
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "attune-bench-"); err != nil {
			return suite.Database{}, nil, fmt.Errorf("a directory for the database: %w", err)
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	log, open := newLate(p.Log)
	s, err := stack.New(stack.Config{Data: dir, Memory: p.Memory, Log: log, GRPCListen: "127.0.0.1:0"})
	if err == nil {
		err = s.Start(ctx)
	}
	open.Store(true)
	if err != nil {
		return suite.Database{}, nil, errors.Join(fmt.Errorf("starting a database in %s: %w", dir, err), remove())
	}
	stop := func() error { return errors.Join(s.Stop(context.WithoutCancel(ctx)), remove()) }
	name, c, closeClient, err := reach(ctx, s, p.InProcess)
	if err != nil {
		return suite.Database{}, nil, errors.Join(err, stop())
	}
	d := attunegrpc.New(c, attunegrpc.Options{Name: name, Pipelined: !p.Unary})
	return suite.Database{
			DB: d, Processes: []resource.Watch{{Name: "attune and client", PID: os.Getpid()}},
			Size: func() (int64, error) { return settledSize(ctx, filepath.Join(dir, stack.Storage)) },
		},
		func() error { return errors.Join(d.Close(), closeClient(), stop()) }, nil
}

// reach connects to a server of this process and says what reports call it.
func reach(ctx context.Context, s *stack.Stack, inProcess bool) (name string, c *client.Client, closeClient func() error, err error) {
	if !inProcess {
		if c, err = client.Open(ctx, s.Address()); err != nil {
			return "", nil, nil, err
		}
		return "attune", c, c.Close, nil
	}
	conn, err := s.Conn(stack.Executor)
	if err != nil {
		return "", nil, nil, err
	}
	return "attune-in-process", client.New(conn), conn.Close, nil
}

// Peers lists the names that OpenPeer takes.
func Peers() []string { return []string{"postgres", "duckdb"} }

// OpenPeer starts a private server of another database, or says why there is none; dir is for its data.
func OpenPeer(ctx context.Context, name, dir string) (suite.Database, func() error, error) {
	switch name {
	case "postgres":
		s, err := postgres.Start(ctx, postgres.Options{})
		if err != nil {
			return suite.Database{}, nil, err
		}
		d, err := pgwire.Open(ctx, s.DSN(), "postgres")
		if err != nil {
			return suite.Database{}, nil, errors.Join(err, s.Close())
		}
		return suite.Database{
				DB: d, Processes: []resource.Watch{{Name: "postgres", PID: s.PID(), Tree: true}},
				Size: func() (int64, error) { return postgresSize(ctx, d) },
			},
			func() error { return errors.Join(d.Close(), s.Close()) }, nil
	case "duckdb":
		return openDuckDB(ctx, dir)
	}
	return suite.Database{}, nil, fmt.Errorf("there is no peer %q: the peers are %s", name, strings.Join(Peers(), ", "))
}

// openDuckDB starts DuckDB in a process of its own.
func openDuckDB(ctx context.Context, dir string) (suite.Database, func() error, error) {
	d, err := duckdb.Open(ctx, duckdb.Options{File: filepath.Join(dir, "duckdb")})
	if err != nil {
		return suite.Database{}, nil, err
	}
	return suite.Database{DB: d, Processes: []resource.Watch{{Name: "duckdb", PID: d.PID()}}}, d.Close, nil
}
