package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/progress"
)

// Mode is how plans are chosen: the value of the setting attune.optimizer.
type Mode string

// The modes.
const (
	Static  Mode = "static"
	Learned Mode = "learned"
)

// statementTimeout bounds one execution, so that a hopeless plan ends the run with a clear message.
const statementTimeout = 60 * time.Second

// Round is the measurements of one round.
type Round struct {
	// Number counts from 1.
	Number int
	// Static and Learned have each query's time: the median of its runs in the round.
	Static, Learned []time.Duration
	// StaticCPU and LearnedCPU have the same of the processor time of the server's process, which other work on the machine hardly
	// disturbs; zeros where it cannot be told.
	StaticCPU, LearnedCPU []time.Duration
	// QErrors are the median and 90th percentile; 0 where the server does not tell.
	StaticQ, LearnedQ [2]float64
	// Operators is how many operators the q-errors of the learned runs are over.
	Operators int
	Learning  Learning

	began time.Time
}

// Total is the time of all queries.
func Total(times []time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return sum
}

// worst is the index of the slowest query.
func worst(times []time.Duration) int {
	at := 0
	for i, t := range times {
		if t > times[at] {
			at = i
		}
	}
	return at
}

// Mismatch is an execution whose rows differ from those of the query's first one.
type Mismatch struct {
	Query string
	Mode  Mode
	Round int
	Want  Answer
	Got   Answer
}

// Error describes it.
func (m Mismatch) Error() string {
	return fmt.Sprintf("%s, round %d, %s: %d rows of hash %016x, where the first run gave %d rows of hash %016x",
		m.Query, m.Round, m.Mode, m.Got.Rows, m.Got.Hash, m.Want.Rows, m.Want.Hash)
}

// bench runs queries and holds their answers together.
type bench struct {
	sql        map[Mode]*client.Client
	queries    []shop.Query
	answers    []*Answer
	mismatches []Mismatch
	executions uint64
	// cpu is the processor time of the server's process so far, always 0 where it cannot be told.
	cpu func() time.Duration
}

func newBench(c *client.Client, queries []shop.Query, cpu func() time.Duration) *bench {
	if cpu == nil {
		cpu = func() time.Duration { return 0 }
	}
	return &bench{
		cpu: cpu,
		sql: map[Mode]*client.Client{
			Static:  c.With(client.Settings{"attune.optimizer": string(Static)}),
			Learned: c.With(client.Settings{"attune.optimizer": string(Learned)}),
		},
		queries: queries, answers: make([]*Answer, len(queries)),
	}
}

// A query runs in turns until both modes together took repeatFor, at most maxRepeats times in each: a run of a few milliseconds is
// at the mercy of the scheduler, and the first one after a change also pays for planning.
const (
	repeatFor  = 400 * time.Millisecond
	maxRepeats = 5
)

// round runs every query in both modes.
func (b *bench) round(ctx context.Context, number int, p *progress.Line) (*Round, error) {
	r := &Round{Number: number, began: time.Now()}
	for i, q := range b.queries {
		p.Note("%s", q.Name)
		order := []Mode{Static, Learned}
		if (number+i)%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		wall, cpu := map[Mode][]time.Duration{}, map[Mode][]time.Duration{}
		var sum time.Duration
		for n := 0; n < maxRepeats && sum < repeatFor; n++ {
			for _, m := range order {
				elapsed, worked, err := b.execute(ctx, number, i, m)
				if err != nil {
					return nil, err
				}
				sum += elapsed
				wall[m], cpu[m] = append(wall[m], elapsed), append(cpu[m], worked)
			}
		}
		r.Static, r.Learned = append(r.Static, median(wall[Static])), append(r.Learned, median(wall[Learned]))
		r.StaticCPU, r.LearnedCPU = append(r.StaticCPU, median(cpu[Static])), append(r.LearnedCPU, median(cpu[Learned]))
		p.Add(1)
	}
	return r, nil
}

// execute runs one query to its last row and compares its answer. It returns wall clock and processor time.
func (b *bench) execute(ctx context.Context, round, i int, m Mode) (elapsed, worked time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	var answer Answer
	before, start := b.cpu(), time.Now()
	rows, err := b.sql[m].Query(ctx, b.queries[i].SQL)
	if err == nil {
		for batch := rows.NextBatch(); batch != nil; batch = rows.NextBatch() {
			answer.add(batch)
		}
		err = rows.Close()
	}
	elapsed, worked = time.Since(start), b.cpu()-before
	if err != nil {
		return 0, 0, fmt.Errorf("demo: query %s, %s: %w", b.queries[i].Name, m, err)
	}
	b.executions++
	if b.answers[i] == nil {
		b.answers[i] = &answer
	} else if *b.answers[i] != answer {
		b.mismatches = append(b.mismatches, Mismatch{b.queries[i].Name, m, round, *b.answers[i], answer})
	}
	return elapsed, worked, nil
}
