package promote

import "fmt"

// Config sets what counts as enough and as better. Zero fields take the defaults.
type Config struct {
	// MinTemplates and MinPairs are the evidence without which a champion stays.
	// Defaults 5 and 8.
	MinTemplates, MinPairs int
	// MinHoldOut is the runs a q-error must be over to count. Default 30.
	MinHoldOut int
	// TieMargin is the share by which two measured times must differ to count as
	// different. Default 0.1.
	TieMargin float64
	// MinGain is the share of time the chosen plans must save to count as better.
	// Default 0.02.
	MinGain float64
	// RankMargin is the difference in rank accuracy that counts. Default 0.03.
	RankMargin float64
	// QErrorGain is the share by which the mean q-error must fall to break a tie.
	// Default 0.1.
	QErrorGain float64
	// MaxSlowdown is the factor, and SlowdownFloorNanos the time, by which no
	// single template may become slower. Defaults 2 and 5 ms.
	MaxSlowdown, SlowdownFloorNanos float64
	// MinLearnedShare is the share of pipelines a challenger must answer for
	// itself. Default 0.2.
	MinLearnedShare float64
}

func (c Config) withDefaults() Config {
	whole := func(x *int, def int) {
		if *x <= 0 {
			*x = def
		}
	}
	positive := func(x *float64, def float64) {
		if !(*x > 0) {
			*x = def
		}
	}
	whole(&c.MinTemplates, 5)
	whole(&c.MinPairs, 8)
	whole(&c.MinHoldOut, 30)
	positive(&c.TieMargin, 0.1)
	positive(&c.MinGain, 0.02)
	positive(&c.RankMargin, 0.03)
	positive(&c.QErrorGain, 0.1)
	if !(c.MaxSlowdown > 1) {
		c.MaxSlowdown = 2
	}
	positive(&c.SlowdownFloorNanos, 5e6)
	positive(&c.MinLearnedShare, 0.2)
	return c
}

// Change is a template for which the challenger chooses another plan than the
// champion (without one, than the classical model).
type Change struct {
	Template           string
	From, To           string
	FromNanos, ToNanos float64
}

// Decision is what to do and why.
type Decision struct {
	Promote bool
	// Reason is a sentence for the event in history and for people.
	Reason string
	// Champion is zero when there is none.
	Champion, Challenger, Classical Metrics
	Changes                         []Change
}

// Decide judges challenger against champion, which is nil when no model is in
// use, and against classical; challenger and classical must not be nil. The
// rules, the first that applies deciding:
//
//  1. A challenger that fails to price a pipeline, or leaves most of them to the
//     classical model, is refused.
//  2. Without a champion it is promoted if its mean q-error on MinHoldOut held-out
//     runs is below the classical model's, it ranks no worse than that, and,
//     given enough choices to tell, its plans are no slower. It is refused
//     otherwise. This is the one promotion that may come before any choice was
//     observed: nothing learned is lost by it, and the guard still tries each plan
//     it changes.
//  3. With a champion, too few choices to tell refuse it.
//  4. Plans slower in total than the classical model's refuse it.
//  5. One template slowed down by MaxSlowdown refuses it.
//  6. Plans faster in total than the champion's by MinGain promote it, unless it
//     ranks worse by RankMargin; slower by MinGain refuse it.
//  7. With plans level, the better rank decides, by RankMargin.
//  8. With plans and rank level, a mean q-error lower by QErrorGain promotes it.
//  9. Otherwise the champion stays.
func Decide(cfg Config, e *Evidence, champion, challenger, classical Model) Decision {
	cfg = cfg.withDefaults()
	var d Decision
	var base, mine []choice
	d.Classical, base = evaluate(classical, e, cfg.TieMargin)
	d.Challenger, mine = evaluate(challenger, e, cfg.TieMargin)
	if champion != nil {
		d.Champion, base = evaluate(champion, e, cfg.TieMargin)
	}
	for i, c := range mine {
		if b := base[i]; b.plan != c.plan {
			d.Changes = append(d.Changes, Change{Template: c.template, From: b.plan, To: c.plan, FromNanos: b.nanos, ToNanos: c.nanos})
		}
	}
	d.Promote, d.Reason = cfg.judge(&d, champion != nil)
	return d
}

func (c *Config) judge(d *Decision, champion bool) (bool, string) {
	ch := &d.Challenger
	if ch.Failures > 0 {
		return refuse("gave no finite time for %d pipelines", ch.Failures)
	}
	if ch.LearnedShare < c.MinLearnedShare {
		return refuse("answers for only %.0f %% of the pipelines itself", 100*ch.LearnedShare)
	}
	if !champion {
		return c.judgeFirst(ch, &d.Classical)
	}
	if !c.enough(ch) {
		return refuse("too little evidence: %d templates with a choice of %d, %d pairs of %d", ch.Templates, c.MinTemplates, ch.Pairs, c.MinPairs)
	}
	if saving := saved(d.Classical.ChosenNanos, ch.ChosenNanos); saving < -c.MinGain {
		return refuse("its plans take %.1f %% longer than the classical model's", -100*saving)
	}
	for _, s := range d.Changes {
		if s.ToNanos > s.FromNanos*c.MaxSlowdown && s.ToNanos-s.FromNanos > c.SlowdownFloorNanos {
			return refuse("template %s would take %.1f times as long", s.Template, s.ToNanos/s.FromNanos)
		}
	}
	gain := saved(d.Champion.ChosenNanos, ch.ChosenNanos)
	rank := ch.RankAccuracy - d.Champion.RankAccuracy
	switch {
	case gain >= c.MinGain && rank < -c.RankMargin:
		return refuse("its plans save %.1f %%, but it ranks %.3f worse", 100*gain, -rank)
	case gain >= c.MinGain:
		return true, fmt.Sprintf("its plans save %.1f %% over %d templates", 100*gain, ch.Templates)
	case gain <= -c.MinGain:
		return refuse("its plans take %.1f %% longer", -100*gain)
	case rank >= c.RankMargin:
		return true, fmt.Sprintf("plans level, ranks %.3f better over %d pairs", rank, ch.Pairs)
	case rank <= -c.RankMargin:
		return refuse("plans level, ranks %.3f worse", -rank)
	}
	if ch.HoldOut >= c.MinHoldOut && ch.QErrorMean <= d.Champion.QErrorMean*(1-c.QErrorGain) {
		return true, fmt.Sprintf("plans and rank level over %d templates, q-error %.2f after %.2f", ch.Templates, ch.QErrorMean, d.Champion.QErrorMean)
	}
	return refuse("no better: plans and rank level")
}

func (c *Config) judgeFirst(ch, classical *Metrics) (bool, string) {
	switch {
	case ch.HoldOut < c.MinHoldOut:
		return refuse("only %d of %d held-out runs", ch.HoldOut, c.MinHoldOut)
	case ch.QErrorMean >= classical.QErrorMean:
		return refuse("q-error %.2f, classical %.2f", ch.QErrorMean, classical.QErrorMean)
	case ch.RankAccuracy < classical.RankAccuracy:
		return refuse("ranks %.3f worse than the classical model over %d pairs", classical.RankAccuracy-ch.RankAccuracy, ch.Pairs)
	case c.enough(ch) && saved(classical.ChosenNanos, ch.ChosenNanos) < -c.MinGain:
		return refuse("its plans take %.1f %% longer than the classical model's", -100*saved(classical.ChosenNanos, ch.ChosenNanos))
	}
	return true, fmt.Sprintf("first model: q-error %.2f, classical %.2f, and it ranks no worse over %d pairs", ch.QErrorMean, classical.QErrorMean, ch.Pairs)
}

func (c *Config) enough(m *Metrics) bool {
	return m.Templates >= c.MinTemplates && m.Pairs >= c.MinPairs
}

// saved is the share of from that to saves; negative when to is longer.
func saved(from, to float64) float64 {
	if !(from > 0) {
		return 0
	}
	return 1 - to/from
}

func refuse(format string, args ...any) (bool, string) {
	return false, "refused: " + fmt.Sprintf(format, args...)
}
