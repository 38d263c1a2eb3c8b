package compute

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

func TestEveryOverloadIsFoundByName(t *testing.T) {
	c := builtins()
	if len(c.funcByID) < 500 {
		t.Errorf("only %d functions", len(c.funcByID))
	}
	for id, f := range c.funcByID {
		if f.ID() != id || f.Eval == nil || !slices.Contains(Lookup(f.Name), f) {
			t.Errorf("%s is not found by its name, or has no kernel", id)
		}
		if g, ok := ByID(id); !ok || g != f {
			t.Errorf("%s is not found by its identifier", id)
		}
	}
	for id, a := range c.aggByID {
		if b, ok := AggregateByID(id); !ok || a != b || a.ID() != id || !slices.Contains(LookupAggregate(a.Name), a) {
			t.Errorf("aggregate %s is not found", id)
		}
	}
}

// Every function over any arguments gives a value of its kind for each row or an error, and a strict one NULL for NULL.
func TestEveryFunctionIsTotal(t *testing.T) {
	var ids []string
	for id := range builtins().funcByID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	env := &Env{TxnTime: time.Unix(1_700_000_000, 0), Location: time.FixedZone("x", -5*3600),
		Sequence: func(op, _ string, arg int64) (int64, error) { return arg + int64(len(op)), nil }}
	for _, id := range ids {
		f, _ := ByID(id)
		t.Run(id, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { checkTotal(t, env, f) })
		})
	}
}

func checkTotal(t *rapid.T, env *Env, f *Func) {
	n := rapid.IntRange(0, 4).Draw(t, "rows")
	params := f.Args
	if f.Variadic {
		params = append(slices.Clone(params), params[len(params)-1])
	}
	args := make([]*vec.Vector, len(params))
	var valid vec.Bitmap
	for i, k := range params {
		if k == Any {
			k = rapid.SampledFrom([]types.Kind{types.Int4, types.Text, types.Bool, types.Date}).Draw(t, "kind")
		}
		b := vec.NewBuilder(types.Of(k), n)
		for range n {
			b.AppendDatum(drawValue(t, k, f.Class))
		}
		args[i] = b.Finish()
		if f.Strict {
			valid = vec.And(valid, args[i].Validity(), n)
		}
	}
	out, err := f.Eval(env, args, valid, n)
	if err != nil {
		return
	}
	if out.Len() != n || out.Kind() != f.Ret {
		t.Fatalf("%s gave %d values of %s for %d rows", f.ID(), out.Len(), out.Kind(), n)
	}
	for i := range n {
		if !valid.Valid(i) && !out.IsNull(i) {
			t.Fatalf("%s gave a value for NULL", f.ID())
		}
		out.DatumAt(i)
	}
}

// drawValue draws from the edges of a kind. Counts of characters stay small, so that no row asks for a gigabyte.
func drawValue(t *rapid.T, k types.Kind, class Class) types.Datum {
	if rapid.IntRange(0, 6).Draw(t, "null") == 0 {
		return types.Null(k)
	}
	edges := []int64{0, 1, -1, 2, 12, 31, math.MaxInt64, math.MinInt64, math.MaxInt32, math.MinInt32, math.MaxInt16, math.MinInt16, 719162}
	if class == ClassString {
		edges = []int64{0, 1, -1, 2, 12, 40, -40, 1 << 20}
	}
	i := rapid.SampledFrom(edges).Draw(t, "int")
	switch k {
	case types.Bool:
		return types.NewBool(i&1 != 0)
	case types.Int2:
		return types.NewInt(k, int64(int16(i)))
	case types.Int4:
		return types.NewInt(k, int64(int32(i)))
	case types.Int8:
		return types.NewInt(k, i)
	case types.Float4, types.Float8:
		f := rapid.SampledFrom([]float64{0, 1, -1.5, 59.9999999, 1e18, -1e300, 1e-300, math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(t, "float")
		return types.NewFloat(k, float64(float32(f)))
	case types.Numeric:
		d, _ := types.ParseDecimal(rapid.SampledFrom([]string{"0", "1", "-1.50", "0.00001", "123456.789", "1e25", "-7", "1000", "NaN", "Infinity",
			"-Infinity"}).Draw(t, "numeric"))
		return types.NewNumeric(d)
	case types.Date:
		return types.NewDate(int32(i))
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, i)
	case types.Interval:
		return types.NewInterval(types.IntervalValue{Months: int32(i), Days: -int32(i), Micros: i})
	case types.UUID:
		return types.NewUUID([16]byte{byte(i)})
	case types.JSONB:
		return types.NewString(k, rapid.SampledFrom([]string{"1", "true", "null", `"a"`, `{"a": 1}`}).Draw(t, "json"))
	}
	words := []string{"", "a", "é日", "%_\\", "a%b", "(", "[a-", "hex", "base64", "zz", "year", "epoch", "day", "UTC", "2024-02-29", "12:34", "1.5",
		"YYYY-MM-DD HH24:MI:SS.US TZH:TZM", "FMDay DDth Month RM Q WW IW J CC Y,YYY", "9,999.99S", "FM0.9PR", "9V9MI", "RN", "9.99EEEE", "%s %I %L",
		"%1$s%*2$s", "\\x00", "infinity", "now", "g", "1 day", "\xff"}
	return types.NewString(k, rapid.SampledFrom(words).Draw(t, "text"))
}

func TestSessionFunctions(t *testing.T) {
	calls := []string{}
	env := &Env{
		TxnTime: time.Date(2024, 2, 29, 3, 4, 5, 0, time.UTC), StatementTime: time.Date(2024, 2, 29, 3, 4, 6, 0, time.UTC),
		Location: time.FixedZone("", -4*3600), User: "ann", Database: "shop",
		Random: func() float64 { return 0.25 },
		Clock:  func() time.Time { return time.Unix(7, 0) },
		Sequence: func(op, name string, arg int64) (int64, error) {
			calls = append(calls, fmt.Sprintf("%s %s %d", op, name, arg))
			return 11, nil
		},
	}
	for call, want := range map[string]string{
		"now()":                                "timestamp with time zone 2024-02-28 23:04:05-04",
		"statement_timestamp()":                "timestamp with time zone 2024-02-28 23:04:06-04",
		"clock_timestamp()":                    "timestamp with time zone 1969-12-31 20:00:07-04",
		"current_date()":                       "date 2024-02-28",
		"localtimestamp()":                     "timestamp without time zone 2024-02-28 23:04:05",
		"age(timestamp '2024-02-27')":          "interval 1 day",
		"random()":                             "double precision 0.25",
		"current_user()":                       "text ann",
		"current_database()":                   "text shop",
		"pg_typeof(numeric '1')":               "text numeric",
		"gen_random_uuid()":                    "uuid 40404040-4040-4040-8040-404040404040",
		"nextval(text 's')":                    "bigint 11",
		"setval(text 's', int8 '5')":           "bigint 11",
		"currval(unknown 's')":                 "bigint 11",
		"setval(text 's', int8 '5', bool 'f')": "bigint 11",
	} {
		if got := answer(env, call); got != want {
			t.Errorf("%s: got %s, want %s", call, got, want)
		}
	}
	for _, want := range []string{"nextval s 0", "setval s 5", "setval_uncalled s 5", "currval s 0"} {
		if !slices.Contains(calls, want) {
			t.Errorf("no call %q among %q", want, calls)
		}
	}
	if got := answer(&Env{}, "nextval(text 's')"); got != "ERROR 0A000 nextval cannot be used here" {
		t.Errorf("without sequences: %s", got)
	}
}
