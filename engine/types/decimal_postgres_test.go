package types

import (
	"bufio"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
	"pgregory.net/rapid"
)

// TestDecimalPostgres holds a random sample of PostgreSQL's results against ours, digit by digit.
func TestDecimalPostgres(t *testing.T) {
	f, err := os.Open("testdata/numeric_postgres15.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unary := map[string]func(Decimal) (Decimal, error){"sqrt": Decimal.Sqrt, "ln": Decimal.Ln, "exp": Decimal.Exp}
	binary := map[string]func(a, b Decimal) (Decimal, error){
		"+": Decimal.Add, "-": Decimal.Sub, "*": Decimal.Mul, "/": Decimal.Div, "%": Decimal.Mod, "^": Decimal.Power,
		"log": func(a, b Decimal) (Decimal, error) { return b.Log(a) },
	}
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		n++
		c := strings.Split(lines.Text(), "\t")
		a, b, want := dec(t, c[0]), dec(t, c[2]), c[3]
		var r Decimal
		var err error
		switch op := c[1]; {
		case unary[op] != nil:
			r, err = unary[op](a)
		case binary[op] != nil:
			r, err = binary[op](a, b)
		default:
			scale, convErr := strconv.Atoi(c[2])
			if convErr != nil {
				t.Fatal(convErr)
			}
			if r = a.Round(scale); op == "trunc" {
				r = a.Trunc(scale)
			}
		}
		got := r.String()
		if err != nil {
			got = string(sqlerr.CodeOf(err))
		}
		if got != want {
			t.Errorf("%s %s %s = %s, want %s", c[0], c[1], c[2], got, want)
		}
	}
	if n != 400 {
		t.Errorf("%d lines", n)
	}
}

func drawDecimal(t *rapid.T, label string) Decimal {
	d, outcome := ParseDecimal(rapid.StringMatching(`-?[0-9]{1,24}(\.[0-9]{1,8})?`).Draw(t, label))
	if outcome != DecimalOK {
		t.Fatalf("outcome %d", outcome)
	}
	return d
}

func ratOf(d Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

// The int64 paths and the big ones agree with rational arithmetic.
func TestDecimalAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDecimal(t, "a"), drawDecimal(t, "b")
		x, y := ratOf(a), ratOf(b)
		for op, c := range map[string]struct {
			f    func(a, b Decimal) (Decimal, error)
			want *big.Rat
		}{
			"+": {Decimal.Add, new(big.Rat).Add(x, y)},
			"-": {Decimal.Sub, new(big.Rat).Sub(x, y)},
			"*": {Decimal.Mul, new(big.Rat).Mul(x, y)},
		} {
			got, err := c.f(a, b)
			if err != nil || ratOf(got).Cmp(c.want) != 0 {
				t.Fatalf("%s %s %s = %s, %v", a, op, b, got, err)
			}
			if got.Big != nil && got.Big.IsInt64() {
				t.Fatalf("%s %s %s holds a small number in Big", a, op, b)
			}
		}
		if a.Cmp(b) != x.Cmp(y) {
			t.Fatalf("%s against %s: %d", a, b, a.Cmp(b))
		}
		if b.Sign() == 0 {
			return
		}
		q, err := a.Div(b)
		if err != nil {
			t.Fatal(err)
		}
		// The quotient is off by no more than half a unit of its last digit.
		diff := new(big.Rat).Sub(ratOf(q), new(big.Rat).Quo(x, y))
		half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), pow10Big(int(q.Scale))))
		if diff.Abs(diff).Cmp(half) > 0 {
			t.Fatalf("%s / %s = %s", a, b, q)
		}
		m, err := a.Mod(b)
		if err != nil || m.Abs().Cmp(b.Abs()) >= 0 || m.Sign()*a.Sign() < 0 {
			t.Fatalf("%s %% %s = %s, %v", a, b, m, err)
		}
	})
}

func BenchmarkDecimalAdd(b *testing.B) {
	x, y := Decimal{Small: 123456, Scale: 2}, Decimal{Small: 9876543, Scale: 4}
	for b.Loop() {
		if _, err := x.Add(y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecimalDiv(b *testing.B) {
	x, y := Decimal{Small: 123456, Scale: 2}, Decimal{Small: 37}
	for b.Loop() {
		if _, err := x.Div(y); err != nil {
			b.Fatal(err)
		}
	}
}
