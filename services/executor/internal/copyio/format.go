package copyio

import (
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
)

// Format is how rows lie in the data.
type Format struct {
	CSV, Header   bool
	Delimiter     byte
	Null          string
	Quote, Escape byte
}

// FormatOf returns the format of a COPY command; what it leaves open has PostgreSQL's defaults.
func FormatOf(c *utility.Copy) (Format, error) {
	f := Format{CSV: c.Format == "csv", Header: c.Header, Delimiter: '\t', Null: c.NullText, Quote: '"'}
	if f.CSV {
		f.Delimiter = ','
	}
	var err error
	single := func(name, v string, into *byte) {
		switch {
		case v == "":
		case len(v) > 1 || v[0] >= 0x80:
			err = sqlerr.New(sqlerr.FeatureNotSupported, "COPY %s must be a single one-byte character", name)
		default:
			*into = v[0]
		}
	}
	single("delimiter", c.Delimiter, &f.Delimiter)
	single("quote", c.Quote, &f.Quote)
	f.Escape = f.Quote
	single("escape", c.Escape, &f.Escape)
	if err != nil {
		return f, err
	}
	if f.Delimiter == '\n' || f.Delimiter == '\r' {
		return f, sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	}
	if f.CSV && f.Delimiter == f.Quote {
		return f, sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	}
	return f, nil
}
