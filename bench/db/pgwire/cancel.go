package pgwire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// cancelEvery is how often a cancellation is sent again: one that arrives before its statement has begun is lost, and each ends one
// statement of a batch alone.
const cancelEvery = 25 * time.Millisecond

// canceler cancels what runs on a connection when its context ends. Should that not help, the connection's deadline does.
type canceler struct {
	conn *pgconn.PgConn
	stop chan struct{}
	done chan struct{}
}

// HandleCancel implements ctxwatch.Handler.
func (c *canceler) HandleCancel(context.Context) {
	_ = c.conn.Conn().SetDeadline(time.Now().Add(cancelPatience))
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	go c.run(c.stop, c.done)
}

func (c *canceler) run(stop, done chan struct{}) {
	defer close(done)
	again := time.NewTicker(cancelEvery)
	defer again.Stop()
	for {
		// A request under way is not given up: it could end the connection's next statement. What it fails with, the deadline mends.
		ctx, cancel := context.WithTimeout(context.Background(), cancelPatience)
		_ = c.conn.CancelRequest(ctx)
		cancel()
		select {
		case <-stop:
			return
		case <-again.C:
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler.
func (c *canceler) HandleUnwatchAfterCancel() {
	close(c.stop)
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{})
}
