// Command attune-duckdb is DuckDB as a program, for benchmarks that compare with it: see bench/db/duckdb, whose driver starts it, and
// bench/db/duckdb/link for what they say to each other.
//
// Usage: attune-duckdb [-file FILE] [-threads N] [-memory-limit SIZE]
//
// It is a module of its own because it needs cgo and DuckDB's library, which nothing else here does. It ends with its standard input.
package main

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/attunedb/attune/bench/db/duckdb/link"
)

func main() {
	file := flag.String("file", "", "the database's `file`; in memory without one")
	threads := flag.Int("threads", 0, "DuckDB's threads; all cores with 0")
	memory := flag.String("memory-limit", "", "DuckDB's memory limit, such as 4GB")
	flag.Parse()
	if err := run(*file, *threads, *memory, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "attune-duckdb:", err)
		os.Exit(1)
	}
}

// run serves the database until in ends.
func run(file string, threads int, memory string, in io.Reader, out io.Writer) error {
	if strings.ContainsAny(file, "?#%") {
		return fmt.Errorf("the name %q has a character that DuckDB's driver takes for something else: rename it", file)
	}
	settings := url.Values{}
	if threads > 0 {
		settings.Set("threads", strconv.Itoa(threads))
	}
	if memory != "" {
		settings.Set("memory_limit", memory)
	}
	database, err := duckdb.NewConnector(file+"?"+settings.Encode(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = database.Close() }()
	version, err := versionOf(database)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "attune-duckdb-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", filepath.Join(dir, "socket"))
	if err != nil {
		return err
	}
	s := &server{database: database, listener: listener, open: map[net.Conn]bool{}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.serve(ctx)
	}()
	if err := json.NewEncoder(out).Encode(link.Ready{Socket: listener.Addr().String(), Version: version}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	cancel()
	s.close()
	<-served
	s.sessions.Wait()
	return nil
}

func versionOf(database *duckdb.Connector) (string, error) {
	c, err := database.Connect(context.Background())
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	rows, err := c.(driver.QueryerContext).QueryContext(context.Background(), "SELECT version()", nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return "", err
	}
	return fmt.Sprint("DuckDB ", row[0]), nil
}

// server accepts connections, each of which is a session.
type server struct {
	database *duckdb.Connector
	listener net.Listener
	sessions sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

func (s *server) serve(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				fmt.Fprintln(os.Stderr, "attune-duckdb:", err)
			}
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.open[c] = true
		s.sessions.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.sessions.Done()
			if err := serve(ctx, s.database, c); err != nil {
				fmt.Fprintln(os.Stderr, "attune-duckdb:", err)
			}
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
			_ = c.Close()
		}()
	}
}

// close ends the sessions.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.listener.Close()
	for c := range s.open {
		_ = c.Close()
	}
}
