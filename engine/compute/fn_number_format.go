package compute

import (
	"math"
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// numberKey is an element of a numeric template.
type numberKey uint8

const (
	numLiteral numberKey = iota
	numNine
	numZero
	numPoint
	numComma
	numSign
	numMinus
	numPlus
	numPlusMinus
	numBracket
	numCurrency
	numFill
	numShift
	numExponent
	numRoman
	numOrdinalUpper
	numOrdinalLower
	numBlank // B, which PostgreSQL reads and passes over
)

// numberKeys are the template patterns, longer ones before their prefixes.
var numberKeys = []struct {
	text string
	key  numberKey
}{
	{"EEEE", numExponent}, {"FM", numFill}, {"MI", numMinus}, {"PL", numPlus}, {"PR", numBracket}, {"RN", numRoman},
	{"SG", numPlusMinus}, {"TH", numOrdinalUpper}, {"9", numNine}, {"0", numZero}, {".", numPoint}, {"D", numPoint},
	{",", numComma}, {"G", numComma}, {"S", numSign}, {"L", numCurrency}, {"V", numShift}, {"B", numBlank},
}

type numberNode struct {
	key  numberKey
	text string
}

// numberTemplate is a parsed numeric template: PostgreSQL's NUMDesc.
type numberTemplate struct {
	nodes               []numberNode
	pre, post, multi    int
	zeroStart, zeroEnd  int
	zero, point, fill   bool
	minus, plus         bool
	bracket, expo       bool
	roman, romanLower   bool
	localSign, signLast bool
	preSign             int
}

func errNumberTemplate(format string, args ...any) error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...)
}

func parseNumberTemplate(s string) (*numberTemplate, error) {
	t := &numberTemplate{}
	for i := 0; i < len(s); {
		node, size := nextNumberNode(s[i:])
		i += size
		t.nodes = append(t.nodes, node)
		if err := t.note(node); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func nextNumberNode(s string) (numberNode, int) {
	switch {
	case s[0] == '"':
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return numberNode{text: s[1:]}, len(s)
		}
		return numberNode{text: s[1 : 1+end]}, end + 2
	case s[0] == '\\' && len(s) > 1 && s[1] == '"':
		return numberNode{text: `"`}, 2
	}
	for _, k := range numberKeys {
		if len(s) >= len(k.text) && strings.EqualFold(s[:len(k.text)], k.text) {
			if k.key == numOrdinalUpper && s[:2] == "th" {
				return numberNode{key: numOrdinalLower}, 2
			}
			return numberNode{key: k.key, text: s[:len(k.text)]}, len(k.text)
		}
	}
	size := runeOffset(s, 1)
	return numberNode{text: s[:size]}, size
}

// note takes account of a node in the template's description.
func (t *numberTemplate) note(n numberNode) error {
	if t.expo && n.key != numLiteral {
		return errNumberTemplate(`"EEEE" must be the last pattern used`)
	}
	switch n.key {
	case numNine:
		if t.bracket {
			return errNumberTemplate(`"9" must be ahead of "PR"`)
		}
		switch {
		case t.multi >= 0 && t.shifted():
			t.multi++
		case t.point:
			t.post++
		default:
			t.pre++
		}
	case numZero:
		if t.bracket {
			return errNumberTemplate(`"0" must be ahead of "PR"`)
		}
		if !t.zero && !t.point {
			t.zero, t.zeroStart = true, t.pre+1
		}
		if t.point {
			t.post++
		} else {
			t.pre++
		}
		t.zeroEnd = t.pre + t.post
	case numPoint:
		if t.point {
			return errNumberTemplate("multiple decimal points")
		}
		if t.shifted() {
			return errNumberTemplate(`cannot use "V" and decimal point together`)
		}
		t.point = true
	case numFill:
		t.fill = true
	case numSign:
		if t.localSign {
			return errNumberTemplate(`cannot use "S" twice`)
		}
		if t.plus || t.minus || t.bracket {
			return errNumberTemplate(`cannot use "S" and "PL"/"MI"/"SG"/"PR" together`)
		}
		t.localSign = true
		if t.point {
			t.signLast = true
		} else {
			t.preSign = t.pre
		}
	case numMinus:
		t.minus = true
	case numPlus:
		t.plus = true
	case numPlusMinus:
		t.plus, t.minus = true, true
	case numBracket:
		t.bracket = true
	case numRoman:
		t.roman, t.romanLower = true, n.text[0] == 'r'
	case numShift:
		if t.point {
			return errNumberTemplate(`cannot use "V" and decimal point together`)
		}
	case numExponent:
		t.expo = true
	}
	if t.localSign && (t.plus || t.minus || t.bracket) {
		return errNumberTemplate(`cannot use "S" and "PL"/"MI"/"SG"/"PR" together`)
	}
	return nil
}

func (t *numberTemplate) shifted() bool {
	for _, n := range t.nodes {
		if n.key == numShift {
			return true
		}
	}
	return false
}

// formatDecimal is to_char(numeric, text).
func formatDecimal(d types.Decimal, template string) (string, error) {
	t, err := parseNumberTemplate(template)
	if err != nil {
		return "", err
	}
	switch {
	case t.roman:
		n, err := d.Int(types.Int4)
		return t.romanText(n), err
	case t.expo:
		if d.Form != types.DecimalFinite {
			return t.overflowExponent(), nil
		}
		return signColumn(decimalExponent(d, t.post)), nil
	}
	if d.Form != types.DecimalFinite {
		t.pre += t.multi
		return t.special(d.String())
	}
	if t.multi > 0 {
		shift, err := types.DecimalFromInt(10).Power(types.DecimalFromInt(int64(t.multi)))
		if err == nil {
			d, err = d.Mul(shift)
		}
		if err != nil {
			return "", err
		}
		t.pre += t.multi
	}
	return t.digits(d.Round(t.post).String()), nil
}

// formatFloat is to_char(float8, text); digits are the significant ones of the kind.
func formatFloat(f float64, template string, digits int) (string, error) {
	t, err := parseNumberTemplate(template)
	if err != nil {
		return "", err
	}
	finite := !math.IsNaN(f) && !math.IsInf(f, 0)
	switch {
	case t.roman:
		n := int64(0)
		if finite && math.Abs(f) < 1e9 {
			n = int64(math.RoundToEven(f))
		}
		return t.romanText(n), nil
	case t.expo:
		if !finite {
			return t.overflowExponent(), nil
		}
		return signColumn(strconv.FormatFloat(f, 'e', t.post, 64)), nil
	}
	if !finite {
		t.pre += t.multi
		return t.special(types.DecimalFromFloat(types.Float8, f).String())
	}
	if t.multi > 0 {
		f *= math.Pow(10, float64(t.multi))
		t.pre += t.multi
	}
	if n := len(strconv.FormatFloat(math.Abs(f), 'f', 0, 64)); n >= digits {
		t.post = 0
	} else if n+t.post > digits {
		t.post = digits - n
	}
	return t.digits(strconv.FormatFloat(f, 'f', t.post, 64)), nil
}

// decimalExponent writes d as d.ddde+xx with post digits after the point.
func decimalExponent(d types.Decimal, post int) string {
	exp := 0
	if d.Sign() != 0 {
		exp = d.Digits() - 1 - int(d.Scale)
	}
	r := d.Round(post - exp)
	if r.Sign() != 0 && r.Digits()-1-int(r.Scale) > exp {
		exp++
	}
	digits := strings.Repeat("0", post+1)
	if d.Sign() != 0 {
		digits = d.Round(post - exp).Abs().Coef().String()
		digits = (digits + strings.Repeat("0", post+1))[:post+1]
	}
	var out strings.Builder
	if d.Sign() < 0 {
		out.WriteByte('-')
	}
	out.WriteByte(digits[0])
	if post > 0 {
		out.WriteString("." + digits[1:])
	}
	out.WriteByte('e')
	if exp < 0 {
		out.WriteByte('-')
		exp = -exp
	} else {
		out.WriteByte('+')
	}
	if exp < 10 {
		out.WriteByte('0')
	}
	out.WriteString(strconv.Itoa(exp))
	return out.String()
}

// signColumn keeps a column for the sign.
func signColumn(s string) string {
	if s[0] == '-' {
		return s
	}
	return " " + s
}

func (t *numberTemplate) overflowExponent() string {
	s := " " + strings.Repeat("#", t.pre)
	if t.post > 0 {
		s += "." + strings.Repeat("#", t.post)
	}
	return s + "####"
}

// special writes NaN or an infinity in the places before the point.
func (t *numberTemplate) special(s string) (string, error) {
	for _, n := range t.nodes {
		if (n.key == numOrdinalUpper || n.key == numOrdinalLower) && !t.point && len(s) <= t.pre {
			return "", sqlerr.New(sqlerr.InvalidTextRepresentation, "%q is not a number", s)
		}
	}
	return t.digits(s), nil
}

func (t *numberTemplate) hashes() string {
	return strings.Repeat("#", t.pre) + "." + strings.Repeat("#", t.post)
}

// digits writes a number given in plain notation, with # where it does not fit.
func (t *numberTemplate) digits(s string) string {
	sign := "+"
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	pre := strings.IndexByte(s, '.')
	if pre < 0 {
		pre = len(s)
	}
	if pre > t.pre {
		return t.write(sign, t.hashes(), t.pre)
	}
	return t.write(sign, s, pre)
}

var romanDigits = []struct {
	value int64
	text  string
}{
	{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"},
	{10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
}

func roman(n int64) string {
	var out strings.Builder
	for _, d := range romanDigits {
		for ; n >= d.value; n -= d.value {
			out.WriteString(d.text)
		}
	}
	return out.String()
}

func (t *numberTemplate) romanText(n int64) string {
	s := strings.Repeat("#", 15)
	if n >= 1 && n <= 3999 {
		s = roman(n)
	}
	if t.romanLower {
		s = strings.ToLower(s)
	}
	if !t.fill {
		s = strings.Repeat(" ", 15-len(s)) + s
	}
	return s
}
