package types

import (
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
)

func dec(t *testing.T, s string) Decimal {
	t.Helper()
	d, st := ParseDecimal(s)
	if st != DecimalOK {
		t.Fatalf("%q is no number", s)
	}
	return d
}

// The expectations are PostgreSQL 15's output.
func TestDecimalArithmetic(t *testing.T) {
	ops := map[string]func(a, b Decimal) (Decimal, error){
		"+": Decimal.Add, "-": Decimal.Sub, "*": Decimal.Mul, "/": Decimal.Div, "%": Decimal.Mod, "^": Decimal.Power,
		"log":  func(a, b Decimal) (Decimal, error) { return b.Log(a) },
		"sqrt": func(a, _ Decimal) (Decimal, error) { return a.Sqrt() },
		"exp":  func(a, _ Decimal) (Decimal, error) { return a.Exp() },
		"ln":   func(a, _ Decimal) (Decimal, error) { return a.Ln() },
	}
	for _, c := range []struct{ a, op, b, want string }{
		{"1", "/", "3", "0.33333333333333333333"},
		{"10", "/", "3", "3.3333333333333333"},
		{"2", "/", "3", "0.66666666666666666667"},
		{"1e20", "/", "3", "33333333333333333333"},
		{"1e-10", "/", "3", "0.0000000000333333333333333333"},
		{"100", "/", "7", "14.2857142857142857"},
		{"0", "/", "5", "0.00000000000000000000"},
		{"5", "/", "2.0", "2.5000000000000000"},
		{"7.00", "/", "2", "3.5000000000000000"},
		{"99999", "/", "10000", "9.9999000000000000"},
		{"12345", "/", "0.001", "12345000.000000000000"},
		{"-7.5", "%", "2", "-1.5"},
		{"inf", "%", "3", "NaN"},
		{"5", "%", "inf", "5"},
		{"nan", "+", "1", "NaN"},
		{"inf", "-", "inf", "NaN"},
		{"inf", "*", "0", "NaN"},
		{"5", "/", "inf", "0"},
		{"inf", "/", "inf", "NaN"},
		{"inf", "/", "-2", "-Infinity"},
		{"inf", "/", "0", "22012"},
		{"nan", "/", "0", "NaN"},
		{"1", "/", "0", "22012"},
		{"5", "%", "0", "22012"},
		{"1e131071", "*", "10", "22003"},
		{"9223372036854775807", "+", "1", "9223372036854775808"},
		{"-9223372036854775808", "-", "1", "-9223372036854775809"},
		{"9223372036854775807", "*", "9223372036854775807", "85070591730234615847396907784232501249"},
		{"1.50", "*", "2.25", "3.3750"},
		{"1.5", "+", "2.25", "3.75"},
		{"10.0", "^", "2", "100.0000000000000000"},
		{"2", "^", "-3", "0.1250000000000000"},
		{"0.1", "^", "10", "0.0000000001000000"},
		{"2", "^", "0.5", "1.4142135623730950"},
		{"1.5", "^", "100", "406561177535215237.3972797075670417"},
		{"3", "^", "3", "27.0000000000000000"},
		{"2", "^", "100", "1267650600228229401496703205376.0000000000000000"},
		{"10.00", "^", "-5", "0.0000100000000000"},
		{"0.0", "^", "0.0", "1.0000000000000000"},
		{"7.5", "^", "1", "7.5000000000000000"},
		{"1.1", "^", "-1", "0.9090909090909091"},
		{"0", "^", "-1", "2201F"},
		{"-8", "^", "0.5", "2201F"},
		{"-2", "^", "-3", "-0.1250000000000000"},
		{"10", "^", "200000", "22003"},
		{"inf", "^", "0", "1"}, {"0", "^", "inf", "0"}, {"-2", "^", "inf", "Infinity"}, {"0.5", "^", "inf", "0"},
		{"1", "^", "inf", "1"}, {"2", "^", "-inf", "0"}, {"1", "^", "nan", "1"}, {"nan", "^", "0", "1"},
		{"-inf", "^", "3", "-Infinity"}, {"-inf", "^", "2", "Infinity"}, {"-inf", "^", "-3", "0"}, {"inf", "^", "-2", "0"},
		{"-inf", "^", "0.5", "2201F"},
		{"2", "sqrt", "0", "1.414213562373095"},
		{"100", "sqrt", "0", "10.000000000000000"},
		{"0.0001", "sqrt", "0", "0.01000000000000000"},
		{"12345678901234567890", "sqrt", "0", "3513641828.8201443"},
		{"0", "sqrt", "0", "0.000000000000000"},
		{"1e-10", "sqrt", "0", "0.000010000000000000000"},
		{"-1", "sqrt", "0", "2201F"},
		{"1", "exp", "0", "2.7182818284590452"},
		{"0", "exp", "0", "1.0000000000000000"},
		{"10.5", "exp", "0", "36315.502674246638"},
		{"-10.25", "exp", "0", "0.00003535750085040998"},
		{"6001", "exp", "0", "22003"},
		{"-inf", "exp", "0", "0"},
		{"2", "ln", "0", "0.6931471805599453"},
		{"1", "ln", "0", "0.0000000000000000"},
		{"1.05", "ln", "0", "0.048790164169432003"},
		{"12345.678", "ln", "0", "9.4210613212918320"},
		{"1e100", "ln", "0", "230.25850929940457"},
		{"0", "ln", "0", "2201E"},
		{"10", "log", "100", "2.0000000000000000"},
		{"10", "log", "2", "0.3010299956639812"},
		{"10", "log", "0.001", "-3.0000000000000000"},
	} {
		got, err := ops[c.op](dec(t, c.a), dec(t, c.b))
		s := got.String()
		if err != nil {
			s = string(sqlerr.CodeOf(err))
		}
		if s != c.want {
			t.Errorf("%s %s %s = %s, want %s", c.a, c.op, c.b, s, c.want)
		}
	}
}

func TestDecimalRounding(t *testing.T) {
	for _, c := range []struct {
		in    string
		f     func(Decimal, int) Decimal
		scale int
		want  string
	}{
		{"2.5", Decimal.Round, 0, "3"}, {"-2.5", Decimal.Round, 0, "-3"}, {"1234.567", Decimal.Round, -2, "1200"},
		{"1.25", Decimal.Round, 1, "1.3"}, {"-1.99", Decimal.Trunc, 1, "-1.9"}, {"199", Decimal.Trunc, -2, "100"},
		{"0.04", Decimal.Round, 1, "0.0"}, {"55", Decimal.Round, -2, "100"}, {"1.5", Decimal.Round, 3, "1.500"},
		{"123456789012345678901234567890.55", Decimal.Round, 1, "123456789012345678901234567890.6"},
		{"123456789012345678901234567890.55", Decimal.Trunc, -20, "123456789000000000000000000000"},
		{"9223372036854775807", Decimal.Round, -18, "9000000000000000000"},
		{"9223372036854775807", Decimal.Round, 2, "9223372036854775807.00"},
	} {
		if got := c.f(dec(t, c.in), c.scale).String(); got != c.want {
			t.Errorf("%s at %d: %s, want %s", c.in, c.scale, got, c.want)
		}
	}
	for in, want := range map[string][2]string{"-0.5": {"0", "-1"}, "0.5": {"1", "0"}, "1.00": {"1", "1"}, "-7": {"-7", "-7"}} {
		d := dec(t, in)
		if c, f := d.Ceil().String(), d.Floor().String(); c != want[0] || f != want[1] {
			t.Errorf("%s: ceil %s floor %s, want %v", in, c, f, want)
		}
	}
}

func TestDecimalConvert(t *testing.T) {
	for _, c := range []struct {
		k    Kind
		f    float64
		want string
	}{
		{Float8, 1.5, "1.5"}, {Float4, float64(float32(0.1)), "0.1"}, {Float8, 1e20, "100000000000000000000"},
		{Float8, 123456789.123456789, "123456789.123457"}, {Float4, float64(float32(3.14159274)), "3.14159"},
		{Float8, 1e-7, "0.0000001"}, {Float4, 1234567, "1234570"}, {Float8, 0, "0"}, {Float8, -1234.5, "-1234.5"},
	} {
		if got := DecimalFromFloat(c.k, c.f).String(); got != c.want {
			t.Errorf("%v: %s, want %s", c.f, got, c.want)
		}
	}
	for _, s := range []string{"1e400", "1e-400"} {
		if _, err := dec(t, s).Float(Float8); sqlerr.CodeOf(err) != sqlerr.NumericValueOutOfRange {
			t.Errorf("%s as float8: %v", s, err)
		}
	}
	if _, err := dec(t, "nan").Int(Int4); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Errorf("NaN as integer: %v", err)
	}
	if _, err := dec(t, "2147483647.5").Int(Int4); sqlerr.CodeOf(err) != sqlerr.NumericValueOutOfRange {
		t.Errorf("overflow: %v", err)
	}
	if v, err := dec(t, "-2.5").Int(Int8); v != -3 || err != nil {
		t.Errorf("-2.5: %d %v", v, err)
	}
}

func TestDecimalSyntax(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "-0": "0", "+.5": "0.5", "5.": "5", "1e3": "1000", "1.50e1": "15.0", "1E-5": "0.00001", "-12.340": "-12.340",
		"00001234567890123456789.5": "1234567890123456789.5", "NaN": "NaN", "-inf": "-Infinity", "Infinity": "Infinity",
		"0e5": "0", "0.000": "0.000", "-0.5": "-0.5", "-9223372036854775808": "-9223372036854775808",
	} {
		if got := dec(t, in).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", "-", ".", "e5", "1e", "1e+", "1x", "1..2", "-nan", "0x10", " 1"} {
		if d, st := ParseDecimal(in); st != DecimalMalformed {
			t.Errorf("%q: %v %v", in, d, st)
		}
	}
	for _, in := range []string{"1e131072", "1e-16384", "1e999999999999"} {
		if _, st := ParseDecimal(in); st != DecimalTooLarge {
			t.Errorf("%q: %v", in, st)
		}
	}
}
