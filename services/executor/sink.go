package executor

import (
	"errors"
	"io"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/session"
	"github.com/attunedb/attune/wire"
)

// maxBatchBytes is what a message with rows holds, roughly; a single larger row still goes through.
const maxBatchBytes = 8 << 20

// noStreams is the part of a session.Sink that a door without COPY has.
type noStreams struct{}

func errCopy() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "COPY FROM STDIN is not possible here").
		WithHint("Use the CopyIn call, or the PostgreSQL door.")
}

func (noStreams) CopyIn(session.CopyFormat) (io.Reader, error)  { return nil, errCopy() }
func (noStreams) CopyOut(session.CopyFormat) (io.Writer, error) { return nil, errCopyOut() }

func errCopyOut() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "COPY TO STDOUT is not possible here").WithHint("Run the query itself.")
}

// partSink hands the parts of one statement's result to send.
type partSink struct {
	noStreams
	notices *notices
	header  func(*queryv1.Header) error
	batch   func(*typesv1.Batch) error
	done    func(*queryv1.Completion) error
}

func (s *partSink) Fields(fields []physical.Field) error {
	return s.header(&queryv1.Header{Fields: wire.FieldsToProto(fields)})
}

func (s *partSink) Batch(b *vec.Batch) error {
	for _, part := range split(b) {
		if err := s.batch(wire.BatchToProto(part)); err != nil {
			return err
		}
	}
	return nil
}

func (s *partSink) Complete(c *session.Completion) error {
	return s.done(completion(c, s.notices.take()))
}

func (s *partSink) Empty() error { return s.done(completion(&session.Completion{}, s.notices.take())) }

// split cuts a batch until its parts fit a message.
func split(b *vec.Batch) []*vec.Batch {
	if b.Len <= 1 || b.SizeBytes() <= maxBatchBytes {
		return []*vec.Batch{b}
	}
	half := make([]int32, 0, b.Len)
	for i := range b.Len {
		half = append(half, int32(i))
	}
	lo := (&vec.Batch{Cols: b.Cols, Sel: half[:b.Len/2], Len: b.Len}).Compact()
	hi := (&vec.Batch{Cols: b.Cols, Sel: half[b.Len/2:], Len: b.Len}).Compact()
	return append(split(lo), split(hi)...)
}

func completion(c *session.Completion, n []*queryv1.Notice) *queryv1.Completion {
	return &queryv1.Completion{Tag: c.Tag, Rows: c.Rows, Nanos: c.Nanos, PlanCached: c.PlanCached, Notices: n}
}

// maxNotices bounds the notices that wait for a completion.
const maxNotices = 100

// notices gathers messages until a statement ends. It has one user at a time.
type notices struct{ list []*queryv1.Notice }

func (n *notices) add(severity string, e *sqlerr.Error) {
	if len(n.list) < maxNotices {
		n.list = append(n.list, &queryv1.Notice{Severity: severity, Content: wire.SQLErrorToProto(e)})
	}
}

func (n *notices) take() []*queryv1.Notice {
	out := n.list
	n.list = nil
	return out
}

// copySink runs COPY FROM with the data of a call.
type copySink struct {
	partSink
	data io.Reader
}

func (s *copySink) CopyIn(session.CopyFormat) (io.Reader, error) {
	if s.data == nil {
		return nil, errors.New("executor: the data of COPY was read before")
	}
	r := s.data
	s.data = nil
	return r, nil
}
