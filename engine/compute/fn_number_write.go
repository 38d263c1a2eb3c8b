package compute

import "strings"

// numberWriter fills a numeric template in, as PostgreSQL's NUM_processor does: the digits of number are consumed
// by the template's 9, 0 and point, after preSpaces places that have none.
type numberWriter struct {
	*numberTemplate
	out       strings.Builder
	sign      byte
	number    string
	at        int // the next character of number
	preSpaces int
	curr      int // template places passed
	count     int
	relevant  int // the last digit that counts under FM, -1 when all do
	signDone  bool
	inNumber  bool
}

// write fills the template with a number of pre digits before the point.
func (t *numberTemplate) write(sign, number string, pre int) string {
	c := *t
	w := &numberWriter{numberTemplate: &c, sign: sign[0], number: number, relevant: -1, preSpaces: max(t.pre-pre, 0)}
	w.prepare()
	for _, n := range t.nodes {
		w.node(n)
	}
	return w.out.String()
}

func (w *numberWriter) prepare() {
	if w.zeroStart > 0 {
		w.zeroStart--
	}
	if w.plus || w.minus {
		w.signDone = !w.plus || w.minus
	} else {
		if w.sign != '-' && w.fill {
			w.bracket = false
		}
		w.signDone = w.sign == '+' && w.fill && !w.localSign
		if w.localSign && !w.signLast && w.pre == w.preSign {
			w.signLast = true
		}
	}
	w.count = w.post + w.pre - 1
	if w.fill && w.point {
		w.relevant = lastRelevant(w.number)
		if w.relevant >= 0 && w.zeroEnd > w.preSpaces {
			w.relevant = max(w.relevant, min(len(w.number)-1, w.zeroEnd-w.preSpaces))
		}
	}
	if !w.signDone && w.preSpaces == 0 {
		w.count++
	}
}

// lastRelevant returns the position of the last digit after the point that is not zero, or of the point; -1 without a point.
func lastRelevant(s string) int {
	point := strings.IndexByte(s, '.')
	if point < 0 {
		return -1
	}
	last := point
	for i := point + 1; i < len(s); i++ {
		if s[i] != '0' {
			last = i
		}
	}
	return last
}

func (w *numberWriter) node(n numberNode) {
	switch n.key {
	case numLiteral:
		w.out.WriteString(n.text)
	case numNine, numZero, numPoint:
		w.place(n.key)
	case numComma:
		switch {
		case w.inNumber:
			w.out.WriteByte(',')
		case !w.fill:
			w.out.WriteByte(' ')
		}
	case numCurrency:
		w.out.WriteByte(' ')
	case numOrdinalUpper, numOrdinalLower:
		if w.number[0] == '#' || w.sign == '-' || w.point {
			return
		}
		th := ordinal(w.number)
		if n.key == numOrdinalLower {
			th = strings.ToLower(th)
		}
		w.out.WriteString(th)
	case numMinus:
		w.signPlace('-')
	case numPlus:
		w.signPlace('+')
	case numPlusMinus:
		w.out.WriteByte(w.sign)
	}
}

// signPlace writes the sign where it is the one of the place, else a blank unless FM.
func (w *numberWriter) signPlace(sign byte) {
	switch {
	case w.sign == sign:
		w.out.WriteByte(sign)
	case !w.fill:
		w.out.WriteByte(' ')
	}
}

func ordinal(digits string) string {
	n := len(digits)
	if n > 1 && digits[n-2] == '1' {
		return "TH"
	}
	switch digits[n-1] {
	case '1':
		return "ST"
	case '2':
		return "ND"
	case '3':
		return "RD"
	}
	return "TH"
}

func (w *numberWriter) peek() byte {
	if w.at < len(w.number) {
		return w.number[w.at]
	}
	return 0
}

// bareZero reports whether the next digit is the zero before the point that 9.9 leaves out.
func (w *numberWriter) bareZero() bool {
	return !w.zero && w.at == 0 && w.number[0] == '0' && w.post != 0
}

func (w *numberWriter) relevantPoint() bool { return w.relevant >= 0 && w.number[w.relevant] == '.' }

// place writes what belongs at a 9, 0 or point.
func (w *numberWriter) place(key numberKey) {
	w.inNumber = false
	if !w.signDone && (w.curr >= w.preSpaces || w.zero && w.zeroStart == w.curr) && (!w.bareZero() || w.relevantPoint()) {
		w.leadingSign()
	}
	switch {
	case w.curr < w.preSpaces && (w.zeroStart > w.curr || !w.zero):
		if !w.fill {
			w.out.WriteByte(' ')
		}
	case w.zero && w.curr < w.preSpaces && w.zeroStart <= w.curr:
		w.out.WriteByte('0')
		w.inNumber = true
	default:
		w.digit(key)
		if w.at < len(w.number) {
			w.at++
		}
	}
	end := w.count
	if w.preSpaces > 0 {
		end++
	}
	if w.point {
		end++
	}
	if w.relevant >= 0 && w.relevant == w.at {
		end = w.curr
	}
	if w.curr+1 == end {
		w.trailingSign()
	}
	w.curr++
}

func (w *numberWriter) digit(key numberKey) {
	switch {
	case w.peek() == '.':
		if !w.relevantPoint() || w.fill {
			w.out.WriteByte('.')
		}
	case w.relevant >= 0 && w.at > w.relevant && key != numZero:
	case w.bareZero():
		switch {
		case !w.fill:
			w.out.WriteByte(' ')
		case w.relevantPoint():
			w.out.WriteByte('0')
		}
	case w.peek() != 0:
		w.out.WriteByte(w.peek())
		w.inNumber = true
	}
}

func (w *numberWriter) leadingSign() {
	switch {
	case w.localSign:
		if w.signLast {
			return
		}
		w.out.WriteByte(w.sign)
	case w.bracket:
		if w.sign == '+' {
			w.out.WriteByte(' ')
		} else {
			w.out.WriteByte('<')
		}
	case w.sign == '-':
		w.out.WriteByte('-')
	case !w.fill:
		w.out.WriteByte(' ')
	}
	w.signDone = true
}

func (w *numberWriter) trailingSign() {
	switch {
	case w.signDone && w.bracket:
		if w.sign == '+' {
			w.out.WriteByte(' ')
		} else {
			w.out.WriteByte('>')
		}
	case w.localSign && w.signLast:
		w.out.WriteByte(w.sign)
	}
}
