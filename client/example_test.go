package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/client/internal/fakeserver"
)

// exampleServer stands in for a mesh; with one running, client.Open(ctx, "localhost:7400") is all it takes.
func exampleServer() *client.Client {
	srv := fakeserver.Start(&testing.B{})
	c, err := client.Open(context.Background(), "localhost:7400", client.WithDialer(srv.Dial))
	if err != nil {
		panic(err)
	}
	return c
}

func Example() {
	ctx := context.Background()
	c := exampleServer()
	defer c.Close()

	rows, err := c.Query(ctx, "rows 3") // a real server wants SELECT n, name FROM …
	if err != nil {
		panic(err)
	}
	for rows.Next() {
		var n int64
		var name string
		if err := rows.Scan(&n, &name); err != nil {
			panic(err)
		}
		fmt.Println(n, name)
	}
	if err := rows.Close(); err != nil {
		panic(err)
	}
	// Output:
	// 0 name 0
	// 1 name 1
	// 2 name 2
}

func ExampleError() {
	c := exampleServer()
	defer c.Close()
	_, err := c.Exec(context.Background(), "fail 23514") // such as an INSERT that a CHECK refuses
	var e *client.Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, e.Table, e.Constraint, e.Retryable())
	}
	// Output:
	// 23514 t t_check false
}

func ExampleRows_NextBatch() {
	c := exampleServer()
	defer c.Close()
	rows, err := c.Query(context.Background(), "rows 1000 size 256")
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	var sum int64
	for b := rows.NextBatch(); b != nil; b = rows.NextBatch() {
		for _, n := range b.Column(0).Int64s() {
			sum += n
		}
	}
	fmt.Println(sum, rows.Err())
	// Output:
	// 499500 <nil>
}

func ExampleSession_Pipeline() {
	ctx := context.Background()
	c := exampleServer()
	defer c.Close()
	s, err := c.Session(ctx)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	p := s.Pipeline(ctx)
	for _, word := range []string{"many", "in", "one", "message"} {
		if err := p.Queue("echo", word); err != nil { // such as SELECT … WHERE id = $1
			panic(err)
		}
	}
	for p.Len() > 0 {
		rows, err := p.Recv()
		if err != nil {
			panic(err)
		}
		for rows.Next() {
			fmt.Println(rows.Values()[0])
		}
	}
	// Output:
	// many
	// in
	// one
	// message
}

func ExampleClient_CopyFrom() {
	c := exampleServer()
	defer c.Close()
	r, err := c.CopyFrom(context.Background(), "COPY users FROM STDIN (FORMAT csv)", strings.NewReader("1,Ada\n2,Grace\n"))
	fmt.Println(r.Tag, err)
	// Output:
	// COPY 2 <nil>
}
