package fakeserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// Server is the service and what it has seen. Its methods are safe for concurrent use.
type Server struct {
	queryv1.UnimplementedQueryServiceServer
	grpc *grpc.Server
	lis  *bufconn.Listener

	mu       sync.Mutex
	canceled int
	sessions int
	messages int
	copied   strings.Builder
}

// Start serves until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{grpc: grpc.NewServer(), lis: bufconn.Listen(1 << 20)}
	queryv1.RegisterQueryServiceServer(s.grpc, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.grpc.Serve(s.lis)
	}()
	t.Cleanup(func() {
		s.grpc.Stop()
		<-done
	})
	return s
}

// Dial connects to the server, whatever the address.
func (s *Server) Dial(ctx context.Context, _ string) (net.Conn, error) { return s.lis.DialContext(ctx) }

// Stop breaks all connections.
func (s *Server) Stop() { s.grpc.Stop() }

// Canceled returns how many statements were cancelled.
func (s *Server) Canceled() int { return s.get(&s.canceled) }

// Sessions returns how many sessions are open.
func (s *Server) Sessions() int { return s.get(&s.sessions) }

// Messages returns how many messages sessions have received.
func (s *Server) Messages() int { return s.get(&s.messages) }

// Copied returns the data of all loads.
func (s *Server) Copied() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copied.String()
}

func (s *Server) get(n *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *n
}

func (s *Server) add(n *int, d int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n += d
}

// sink takes a result.
type sink interface {
	fields([]physical.Field) error
	batch(*vec.Batch) error
}

// state is that of a session; a statement outside of one has its own.
type state struct {
	txn byte
	set []string
}

func (s *Server) run(ctx context.Context, st *state, stmt *queryv1.Statement, out sink) (*queryv1.Completion, error) {
	c, err := s.statement(ctx, st, stmt, out)
	if err != nil && st.txn == 'T' {
		st.txn = 'E'
	}
	return c, err
}

func (s *Server) statement(ctx context.Context, st *state, stmt *queryv1.Statement, out sink) (*queryv1.Completion, error) {
	sql := stmt.GetSql()
	params, err := wire.DatumsFromProto(stmt.GetParams())
	if err != nil {
		return nil, err
	}
	switch {
	case sql == "COMMIT", sql == "ROLLBACK":
		tag := sql
		if st.txn == 'E' {
			tag = "ROLLBACK"
		}
		st.txn = 'I'
		return &queryv1.Completion{Tag: tag}, nil
	case st.txn == 'E':
		return nil, sqlerr.New(sqlerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	case strings.HasPrefix(sql, "BEGIN"):
		st.txn = 'T'
		return &queryv1.Completion{Tag: "BEGIN"}, nil
	case strings.HasPrefix(sql, "SET "):
		st.set = append(st.set, strings.TrimPrefix(sql, "SET "))
		return &queryv1.Completion{Tag: "SET"}, nil
	case sql == "SHOW ALL":
		for name, value := range stmt.GetSettings() {
			st.set = append(st.set, name+" = "+value)
		}
		slices.Sort(st.set)
		return one(out, types.NewString(types.Text, strings.Join(st.set, "; ")))
	case sql == "echo":
		return one(out, params...)
	case sql == "SELECT 1":
		return one(out, types.NewInt(types.Int4, 1))
	case sql == "types":
		return allTypes(out)
	case sql == "sleep", sql == "hang":
		<-ctx.Done()
		s.add(&s.canceled, 1)
		return nil, sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	var code string
	if n, _ := fmt.Sscanf(sql, "fail %s", &code); n == 1 {
		e := sqlerr.New(sqlerr.Code(code), "it failed").At(7).WithHint("try again").WithDetail("all of it").WithTable("t", "c", "t_check")
		e.Schema, e.DataType, e.Where = "public", "integer", "line 3"
		return nil, e
	}
	if n, _ := fmt.Sscanf(sql, "late %s", &code); n == 1 {
		if _, err := one(out, types.NewInt(types.Int8, 1)); err != nil {
			return nil, err
		}
		return nil, sqlerr.New(sqlerr.Code(code), "it failed late")
	}
	count, size := 0, 2
	if n, _ := fmt.Sscanf(sql, "rows %d size %d", &count, &size); n >= 1 {
		return countRows(ctx, out, count, size)
	}
	return &queryv1.Completion{Tag: "INSERT 0 3", Rows: 3, Nanos: 1000, Notices: []*queryv1.Notice{
		{Severity: "NOTICE", Content: &typesv1.SqlError{Code: "00000", Message: "well done"}}}}, nil
}

// CopyIn loads lines; a line "bad" fails.
func (s *Server) CopyIn(stream grpc.ClientStreamingServer[queryv1.CopyInRequest, queryv1.CopyInResponse]) error {
	var data strings.Builder
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.GetStatement().GetSql() == "" {
		return wire.ErrorToStatus(sqlerr.New(sqlerr.ProtocolViolation, "no statement"))
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.add(&s.canceled, 1)
			return err
		}
		data.Write(m.GetData())
		if strings.Contains(data.String(), "bad\n") {
			return wire.ErrorToStatus(sqlerr.New(sqlerr.BadCopyFileFormat, "bad line").WithWhere("COPY t, line 2"))
		}
	}
	s.mu.Lock()
	s.copied.WriteString(data.String())
	s.mu.Unlock()
	n := uint64(strings.Count(data.String(), "\n"))
	return stream.SendAndClose(&queryv1.CopyInResponse{Completion: &queryv1.Completion{Tag: fmt.Sprintf("COPY %d", n), Rows: n}})
}
