package pgwire

import (
	"context"
	"time"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// Sessions is what the door needs of session.Manager.
type Sessions interface {
	Open(session.Options) (Session, error)
	Cancel(id, secret uint32)
}

// Session is what the door needs of session.Session; the contracts are there.
type Session interface {
	ID() uint32
	Secret() uint32
	Reported() []session.Setting
	TxnStatus() byte
	Zone() *time.Location

	Execute(context.Context, *session.Request, session.Sink) error
	Sync(context.Context) error
	Fail()
	Prepare(ctx context.Context, name, sql string, declared []types.Type) (*session.Description, error)
	Describe(name string) (*session.Description, error)
	Unprepare(name string)

	Cancel()
	Close()
}

// managed makes a session.Manager a Sessions.
type managed struct{ m *session.Manager }

func (m managed) Open(o session.Options) (Session, error) {
	s, err := m.m.Open(o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (m managed) Cancel(id, secret uint32) { m.m.Cancel(id, secret) }
