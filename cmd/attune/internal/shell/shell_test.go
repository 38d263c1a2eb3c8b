package shell_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/shell"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/platform/rpc"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	"github.com/attunedb/attune/wire"
)

// canned answers a few statements; it is a server to the shell's client, over real gRPC.
type canned struct {
	queryv1.UnimplementedQueryServiceServer
	// ran are the statements in order, copied the bytes of loads.
	ran    []string
	copied string
}

func (c *canned) Session(stream grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]) error {
	txn := "I"
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has gone
		}
		for _, op := range m.GetOperations() {
			results := c.answer(op.GetExecute().GetSql(), &txn)
			for i, r := range results {
				r.Sequence, r.Done, r.TxnStatus = op.GetSequence(), i == len(results)-1, txn
			}
			if err := stream.Send(&queryv1.SessionResponse{Results: results}); err != nil {
				return err
			}
		}
	}
}

func (c *canned) answer(sql string, txn *string) []*queryv1.OperationResult {
	c.ran = append(c.ran, sql)
	done := func(tag string) *queryv1.OperationResult {
		return &queryv1.OperationResult{Part: &queryv1.OperationResult_Completion{Completion: &queryv1.Completion{Tag: tag}}}
	}
	switch {
	case sql == "begin":
		*txn = "T"
		return []*queryv1.OperationResult{done("BEGIN")}
	case strings.HasPrefix(sql, "table"):
		fields := []physical.Field{{Name: "id", Type: types.Of(types.Int8)}, {Name: "name", Type: types.Of(types.Text)},
			{Name: "ok", Type: types.Of(types.Bool)}}
		return []*queryv1.OperationResult{
			{Part: &queryv1.OperationResult_Header{Header: &queryv1.Header{Fields: wire.FieldsToProto(fields)}}},
			{Part: &queryv1.OperationResult_Batch{Batch: wire.BatchToProto(rows())}},
			done("SELECT 3"),
		}
	case strings.HasPrefix(sql, "wrong"):
		err := sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", "nmae").At(7).WithHint("Perhaps you meant %q.", "name")
		return []*queryv1.OperationResult{{Part: &queryv1.OperationResult_Error{Error: wire.SQLErrorToProto(err)}}}
	}
	return []*queryv1.OperationResult{done("OK")}
}

// rows is three rows: an ordinary one, one of NULLs, and one with an empty and dangerous text.
func rows() *vec.Batch {
	id, name, ok := vec.NewBuilder(types.Of(types.Int8), 3), vec.NewBuilder(types.Of(types.Text), 3), vec.NewBuilder(types.Of(types.Bool), 3)
	vec.Append(id, int64(1))
	name.AppendString("ada, \"countess\"")
	ok.AppendBool(true)
	id.AppendNull()
	name.AppendNull()
	ok.AppendNull()
	vec.Append(id, int64(9007199254740993))
	name.AppendString("")
	ok.AppendBool(false)
	return vec.NewBatch(3, id.Finish(), name.Finish(), ok.Finish())
}

func (c *canned) CopyIn(stream grpc.ClientStreamingServer[queryv1.CopyInRequest, queryv1.CopyInResponse]) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&queryv1.CopyInResponse{Completion: &queryv1.Completion{Tag: "COPY 2", Rows: 2}})
		}
		if err != nil {
			return err
		}
		if st := m.GetStatement(); st != nil {
			c.ran = append(c.ran, st.GetSql())
		}
		c.copied += string(m.GetData())
	}
}

// start gives a shell on a canned server, and what it writes.
func start(t *testing.T, cfg shell.Config) (s *shell.Shell, server *canned, out, errs *strings.Builder) {
	t.Helper()
	network := rpc.NewNetwork()
	l, err := network.Listen("mem://canned")
	if err != nil {
		t.Fatal(err)
	}
	server = &canned{}
	g := grpc.NewServer()
	queryv1.RegisterQueryServiceServer(g, server)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///canned", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return network.Dial(ctx, "mem://canned") }))
	if err != nil {
		t.Fatal(err)
	}
	out, errs = &strings.Builder{}, &strings.Builder{}
	cfg.Out, cfg.Err = out, errs
	s = shell.New(cfg, client.New(conn))
	t.Cleanup(func() {
		_ = s.Close()
		_ = conn.Close()
		g.Stop()
		<-served
	})
	return s, server, out, errs
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  shell.Config
		want string
	}{
		{"aligned", shell.Config{}, `        id        |      name       | ok 
------------------+-----------------+----
                1 | ada, "countess" | t
                  |                 |
 9007199254740993 |                 | f
(3 rows)

`},
		{"csv", shell.Config{Format: shell.CSV}, `id,name,ok
1,"ada, ""countess""",t
,,
9007199254740993,"",f
`},
		{"json", shell.Config{Format: shell.JSON}, `[
{"id":1,"name":"ada, \"countess\"","ok":true},
{"id":null,"name":null,"ok":null},
{"id":9007199254740993,"name":"","ok":false}
]
`},
		{"expanded", shell.Config{Expanded: true}, `-[ RECORD 1 ]----------
id   | 1
name | ada, "countess"
ok   | t
-[ RECORD 2 ]----------
id   |
name |
ok   |
-[ RECORD 3 ]----------
id   | 9007199254740993
name |
ok   | f

`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, out, errs := start(t, c.cfg)
			if err := s.RunText(t.Context(), "table t;"); err != nil {
				t.Fatal(err, errs)
			}
			if out.String() != c.want {
				t.Errorf("got\n%s\nwant\n%s", out, c.want)
			}
		})
	}
}

func TestAScriptStopsAtTheFirstFailureAndShowsThePlace(t *testing.T) {
	s, server, out, errs := start(t, shell.Config{})
	path := filepath.Join(t.TempDir(), "script.sql")
	if err := os.WriteFile(path, []byte("begin;\n\nwrong nmae;\ntable t;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.RunFile(t.Context(), path); !errors.Is(err, shell.ErrFailed) {
		t.Fatalf("error %v", err)
	}
	if got := strings.Join(server.ran, "|"); got != "begin|wrong nmae" {
		t.Errorf("ran %s", got)
	}
	want := path + ":3: ERROR:  column \"nmae\" does not exist (42703)\nLINE 1: wrong nmae\n" +
		"              ^\nHINT:  Perhaps you meant \"name\".\n"
	if errs.String() != want {
		t.Errorf("got\n%s\nwant\n%s", errs, want)
	}
	if out.String() != "BEGIN\n" {
		t.Errorf("output %q", out)
	}
}

func TestCopyTakesTheLinesThatFollow(t *testing.T) {
	s, server, out, errs := start(t, shell.Config{})
	script := "copy t from stdin (format csv);\n1,a\n2,b;c\n\\.\nlast;\n"
	if err := s.RunText(t.Context(), script); err != nil {
		t.Fatal(err, errs)
	}
	if server.copied != "1,a\n2,b;c\n" {
		t.Errorf("copied %q", server.copied)
	}
	if got := strings.Join(server.ran, "|"); got != "copy t from stdin (format csv)|last" {
		t.Errorf("ran %s", got)
	}
	if out.String() != "COPY 2\nOK\n" {
		t.Errorf("output %q", out)
	}
}

func TestCopyIsRefusedInATransaction(t *testing.T) {
	s, server, _, errs := start(t, shell.Config{})
	if err := s.RunText(t.Context(), "begin; copy t from stdin;\n1\n\\.\n"); !errors.Is(err, shell.ErrFailed) {
		t.Fatalf("error %v", err)
	}
	if server.copied != "" || !strings.Contains(errs.String(), "transaction of its own") {
		t.Errorf("copied %q, said %q", server.copied, errs)
	}
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	script, data := filepath.Join(dir, "a.sql"), filepath.Join(dir, "d.csv")
	for path, content := range map[string]string{script: "one;\n\\q\nnever;\n", data: "7\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, script, ran, out, errs string
		failed                       bool
	}{
		{"help", "\\?\n", "", "leave", "", false},
		{"leave", "a;\n\\q\nb;\n", "a", "", "", false},
		{"timing", "\\timing on\na;\n", "a", "", "Time: ", false},
		{"format", "\\format json\ntable t;\n", "table t", "{\"id\":1", "", false},
		{"include", "\\i " + script + "\nb;\n", "one|b", "", "", false},
		{"copy", "\\copy t (a) from '" + data + "' (format csv)\n", "COPY t (a) FROM STDIN (format csv)", "COPY 2", "", false},
		{"unknown", "\\nope\na;\n", "", "", "unknown command", true},
		{"absent file", "\\i " + dir + "/none\n", "", "", "no such file", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, server, out, errs := start(t, shell.Config{})
			err := s.RunText(t.Context(), c.script)
			if errors.Is(err, shell.ErrFailed) != c.failed || err != nil && !c.failed {
				t.Fatalf("error %v: %s", err, errs)
			}
			if got := strings.Join(server.ran, "|"); got != c.ran {
				t.Errorf("ran %q, want %q", got, c.ran)
			}
			if !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errs) {
				t.Errorf("output %q, messages %q", out, errs)
			}
		})
	}
}
