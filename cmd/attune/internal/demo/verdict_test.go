package demo

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"

	"github.com/attunedb/attune/bench/workload/shop"
)

const ms = time.Millisecond

// rounds makes rounds of the given times, static and learned by query.
func rounds(times ...[][2]time.Duration) []*Round {
	var out []*Round
	for i, queries := range times {
		r := &Round{Number: i + 1}
		for _, q := range queries {
			r.Static, r.Learned = append(r.Static, q[0]), append(r.Learned, q[1])
		}
		out = append(out, r)
	}
	return out
}

func TestTheVerdictIsOverTheLastRounds(t *testing.T) {
	queries := make([]shop.Query, 4)
	for i, name := range []string{"wins", "loses", "tiny", "within"} {
		queries[i].Name = name
	}
	first := [][2]time.Duration{{100 * ms, 900 * ms}, {50 * ms, 1 * ms}, {1 * ms, 1 * ms}, {10 * ms, 99 * ms}}
	later := [][2]time.Duration{{100 * ms, 10 * ms}, {50 * ms, 56 * ms}, {1 * ms, 1900 * time.Microsecond}, {20 * ms, 22 * ms}}
	// One outlier among the last three must not decide.
	outlier := [][2]time.Duration{{100 * ms, 999 * ms}, {999 * ms, 56 * ms}, {1 * ms, 1900 * time.Microsecond}, {20 * ms, 22 * ms}}
	got := judge(queries, rounds(first, first, later, outlier, later))
	for i, want := range []Verdict{
		{Static: 100 * ms, Learned: 10 * ms},
		{Static: 50 * ms, Learned: 56 * ms, Slower: true},
		{Static: 1 * ms, Learned: 1900 * time.Microsecond, Noise: true},
		{Static: 20 * ms, Learned: 22 * ms},
	} {
		want.Query = queries[i]
		if got[i] != want {
			t.Errorf("%s: %+v, want %+v", queries[i].Name, got[i], want)
		}
	}
}

func TestLastRounds(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {2, 2}, {3, 3}, {6, 3}, {9, 3}, {10, 4}, {30, 10}} {
		if got := lastRounds(c[0]); got != c[1] {
			t.Errorf("of %d rounds the last %d, want %d", c[0], got, c[1])
		}
	}
}

func execution(optimizer string, foreground bool, plan uint64, at int64, ops ...*feedbackv1.Operator) *feedbackv1.Execution {
	return &feedbackv1.Execution{Optimizer: optimizer, Foreground: foreground, PlanId: plan, StartMicros: at, Operators: ops,
		Outcome: feedbackv1.Outcome_OUTCOME_COMPLETED}
}

func TestQErrorsAreOfTheNewestForegroundRunOfAMode(t *testing.T) {
	v := &view{executions: [][]*feedbackv1.Execution{
		{
			execution("learned", false, 9, 50, &feedbackv1.Operator{Complete: true, EstimatedRows: 1, ActualRows: 1e6}),
			execution("static", true, 1, 40, &feedbackv1.Operator{Complete: true, EstimatedRows: 10, ActualRows: 1000}),
			execution("learned", true, 2, 30,
				&feedbackv1.Operator{Complete: true, EstimatedRows: 0.2, ActualRows: 0},
				&feedbackv1.Operator{Complete: true, EstimatedRows: 400, ActualRows: 100},
				&feedbackv1.Operator{Complete: false, EstimatedRows: 1, ActualRows: 7}),
			execution("learned", true, 3, 20, &feedbackv1.Operator{Complete: true, EstimatedRows: 1, ActualRows: 1e6}),
		},
		{execution("learned", true, 4, 5, &feedbackv1.Operator{Complete: true, EstimatedRows: 1, ActualRows: 1e6})},
	}}
	since := time.UnixMicro(10)
	if got := v.qErrors(Learned, since); len(got) != 2 || got[0] != 1 || got[1] != 4 {
		t.Errorf("learned %v", got)
	}
	if got := v.qErrors(Static, since); len(got) != 1 || got[0] != 100 {
		t.Errorf("static %v", got)
	}
	if got := v.plans(Learned); got[0] != 2 || got[1] != 4 {
		t.Errorf("plans %v", got)
	}
}

func TestLearnedCountsWhatIsNew(t *testing.T) {
	transition := func(plan uint64, to historyv1.PlanState, at int64) *historyv1.PlanTransition {
		return &historyv1.PlanTransition{TemplateId: 1, PlanId: plan, To: to, AtMicros: at}
	}
	before := &view{known: true, promotions: 1, backgroundRuns: 3, transitions: []*historyv1.PlanTransition{
		transition(1, historyv1.PlanState_PLAN_STATE_ACCEPTED, 1),
	}}
	after := &view{known: true, promotions: 3, backgroundRuns: 10, champion: "m3", transitions: []*historyv1.PlanTransition{
		transition(1, historyv1.PlanState_PLAN_STATE_ROLLED_BACK, 9),
		transition(2, historyv1.PlanState_PLAN_STATE_ACCEPTED, 8),
		transition(2, historyv1.PlanState_PLAN_STATE_VALIDATING, 7),
		transition(3, historyv1.PlanState_PLAN_STATE_REJECTED, 6),
		transition(1, historyv1.PlanState_PLAN_STATE_ACCEPTED, 1),
	}}
	got := learned(before, after, []uint64{1, 5, 0}, []uint64{2, 5, 6})
	want := Learning{Known: true, Champion: "m3", Changed: 1, Accepted: 1, Rejected: 1, RolledBack: 1, Background: 7, Promoted: 2}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestQuantiles(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if got := quantile(values, 0.5); got != 5 {
		t.Errorf("median %v", got)
	}
	if got := quantile(values, 0.9); got != 9 {
		t.Errorf("90th percentile %v", got)
	}
	if quantile([]float64(nil), 0.5) != 0 || quantile([]float64{3}, 0.9) != 3 {
		t.Error("edges")
	}
	if median([]time.Duration{4, 1, 3, 2}) != 2 || median([]time.Duration{9, 1, 2}) != 2 || median(nil) != 0 {
		t.Error("medians")
	}
}

func sample() *Result {
	queries := new(shop.Dataset).Queries()[:2]
	rs := rounds(
		[][2]time.Duration{{1000 * ms, 1000 * ms}, {10 * ms, 10 * ms}},
		[][2]time.Duration{{1000 * ms, 500 * ms}, {10 * ms, 10 * ms}},
		[][2]time.Duration{{1000 * ms, 250 * ms}, {10 * ms, 10 * ms}},
	)
	rs[2].Learning = Learning{Known: true, Accepted: 2, Changed: 1, Promoted: 1, Rest: true}
	rs[2].LearnedQ, rs[2].StaticQ = [2]float64{1.5, 20}, [2]float64{3, 12345}
	return &Result{Rounds: rs, Verdicts: judge(queries, rs), Executions: 12, RowCount: 7, Seed: 1, Scale: 1}
}

func TestTheSummarySaysWhatMatters(t *testing.T) {
	r := sample()
	var b strings.Builder
	for _, round := range r.Rounds {
		ShowRound(&b, round)
	}
	if err := ShowSummary(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2.00x", "static 1.01s, learned 510ms", "slower than 1.1x their static time: 0.", "all 12 executions of 2 queries gave identical rows",
		"1 changed, 2 accepted", "Models promoted: 1", " 12345", "  1 static  ██", "vip_sales",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	r.Mismatches = []Mismatch{{Query: "vip_sales", Mode: Learned, Round: 2, Want: Answer{3, 1}, Got: Answer{2, 1}}}
	b.Reset()
	if err := ShowSummary(&b, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "1 of 12 executions DIFFER") || !strings.Contains(b.String(), "vip_sales, round 2, learned: 2 rows") {
		t.Errorf("a mismatch is not told:\n%s", &b)
	}
}

func TestTheReportHoldsEveryRoundAndQuery(t *testing.T) {
	var b bytes.Buffer
	if err := NewReport(t.Context(), sample(), "fsync").Write(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows []struct {
			Name  string
			Value float64
			Met   *bool
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	rows := map[string]float64{}
	for _, r := range got.Rows {
		if _, twice := rows[r.Name]; twice {
			t.Errorf("%s stands twice", r.Name)
		}
		rows[r.Name] = r.Value
		if r.Met != nil && !*r.Met {
			t.Errorf("%s is not met", r.Name)
		}
	}
	for name, want := range map[string]float64{
		"demo.static.total": 1.01, "demo.learned.total": 0.51, "demo.queries_slower": 0, "demo.answers_differing": 0,
		"demo.query.vip_sales": 500, "demo.round.03.learned.total": 0.26, "demo.round.03.static.q_error_p90": 12345,
		"demo.round.03.plans_accepted": 2, "demo.rows": 7,
	} {
		if got, ok := rows[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestTheChartIsWellFormedSVG(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSVG(&b, sample()); err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(&b)
	names := map[string]int{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			names[start.Name.Local]++
		}
	}
	if names["svg"] != 1 || names["path"] == 0 {
		t.Errorf("elements %v", names)
	}
}

func TestParseCPU(t *testing.T) {
	busy, total := parseCPU("cpu  100 1 20 1000 50 3 4 2 7 9\n")
	if busy != 1300*time.Millisecond || total != 11800*time.Millisecond {
		t.Errorf("busy %v of %v", busy, total)
	}
	if share := watchOthers()(); share < 0 || share > 1 {
		t.Errorf("share %v", share)
	}
}
