package pgwire

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgbinary"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// extended handles a message of the extended protocol. The error is the client's; what ends the connection is in lost or the writer.
func (c *conn) extended(typ byte, body []byte) error {
	switch typ {
	case 'P':
		return c.parse(body)
	case 'B':
		return c.bind(body)
	case 'D':
		return c.describe(body)
	case 'E':
		return c.run(body)
	case 'C':
		return c.closeNamed(body)
	}
	return sqlerr.New(sqlerr.ProtocolViolation, "unexpected message type 0x%02X", typ)
}

// sync ends an implicit transaction and answers ReadyForQuery.
func (c *conn) sync() error {
	if err := c.session.Sync(c.ctx); err != nil {
		return c.failed('S', err)
	}
	if c.isKilled() {
		return errDraining
	}
	return c.ready()
}

func (c *conn) parse(body []byte) error {
	var m pgproto3.Parse
	if m.Decode(body) != nil {
		return errMessage("Parse")
	}
	if err := pgtext.CheckText(m.Query); err != nil {
		return err
	}
	declared := make([]types.Type, len(m.ParameterOIDs))
	for i, oid := range m.ParameterOIDs {
		k, ok := kindOf(oid)
		if !ok {
			return sqlerr.New(sqlerr.FeatureNotSupported, "parameter $%d: the type with OID %d is not supported", i+1, oid)
		}
		declared[i] = types.Of(k)
	}
	if _, err := c.session.Prepare(c.ctx, m.Name, m.Query, declared); err != nil {
		return err
	}
	if m.Name == "" {
		c.unnamed = prepared{sql: m.Query, serial: c.unnamed.serial + 1}
	}
	c.out.bare('1')
	return nil
}

// kindOf returns the kind a client declares for a parameter: Unknown leaves it to the statement.
func kindOf(oid uint32) (types.Kind, bool) {
	switch oid {
	case 0, 18, 19, 114, 2275: // unspecified, "char", name, json, cstring: types whose values are given as text
		return types.Unknown, true
	}
	return types.KindOfOID(oid)
}

func (c *conn) bind(body []byte) error {
	var m pgproto3.Bind
	if m.Decode(body) != nil {
		return errMessage("Bind")
	}
	if m.DestinationPortal != "" {
		if c.portals[m.DestinationPortal] != nil {
			return sqlerr.New(sqlerr.DuplicateCursor, "cursor %q already exists", m.DestinationPortal)
		}
		if len(c.portals) >= c.server.cfg.MaxPortals {
			return sqlerr.New(sqlerr.ConfigurationLimitExceeded, "more than %d portals are open", c.server.cfg.MaxPortals)
		}
	}
	desc, err := c.session.Describe(m.PreparedStatement)
	if err != nil {
		return err
	}
	p := &portal{name: m.DestinationPortal, statement: m.PreparedStatement, desc: *desc}
	if p.statement == "" {
		p.text = c.unnamed
	}
	if p.params, err = c.params(&m, desc.ParamTypes); err != nil {
		return err
	}
	if p.formats, err = resultFormats(m.ResultFormatCodes, len(desc.Fields)); err != nil {
		return err
	}
	c.portals[p.name] = p
	c.out.bare('2')
	return nil
}

func (c *conn) params(m *pgproto3.Bind, want []types.Type) ([]types.Datum, error) {
	formats := m.ParameterFormatCodes
	if len(formats) > 1 && len(formats) != len(m.Parameters) {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", len(formats), len(m.Parameters))
	}
	if len(m.Parameters) != len(want) {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement %q requires %d",
			len(m.Parameters), m.PreparedStatement, len(want))
	}
	if len(want) == 0 {
		return nil, nil
	}
	env := &pgtext.Env{Location: c.session.Zone(), Now: c.server.cfg.Now()}
	out := make([]types.Datum, len(want))
	for i, t := range want {
		format := int16(pgproto3.TextFormat)
		switch len(formats) {
		case 0:
		case 1:
			format = formats[0]
		default:
			format = formats[i]
		}
		value := m.Parameters[i]
		var err error
		switch {
		case format != pgproto3.TextFormat && format != pgproto3.BinaryFormat:
			err = errFormat(format)
		case value == nil:
			out[i] = types.Null(t.Kind)
		case format == pgproto3.BinaryFormat:
			out[i], err = pgbinary.Decode(t, value)
		default:
			out[i], err = pgtext.Parse(t, string(value), env)
		}
		if err != nil {
			return nil, errorOf(err).WithWhere("%s parameter $%d", portalLabel(m.DestinationPortal), i+1)
		}
	}
	return out, nil
}

func portalLabel(name string) string {
	if name == "" {
		return "unnamed portal"
	}
	return fmt.Sprintf("portal %q", name)
}

func errFormat(format int16) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", format)
}

// resultFormats returns one format for each column, nil when all are text.
func resultFormats(codes []int16, columns int) ([]int16, error) {
	binary := false
	for _, f := range codes {
		if f != pgproto3.TextFormat && f != pgproto3.BinaryFormat {
			return nil, errFormat(f)
		}
		binary = binary || f == pgproto3.BinaryFormat
	}
	if len(codes) > 1 && len(codes) != columns {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message has %d result formats but query has %d columns", len(codes), columns)
	}
	if !binary || columns == 0 {
		return nil, nil
	}
	out := make([]int16, columns)
	for i := range out {
		out[i] = codes[min(i, len(codes)-1)]
	}
	return out, nil
}

func (c *conn) describe(body []byte) error {
	var m pgproto3.Describe
	if m.Decode(body) != nil {
		return errMessage("Describe")
	}
	switch m.ObjectType {
	case 'S':
		desc, err := c.session.Describe(m.Name)
		if err != nil {
			return err
		}
		c.out.params(desc.ParamTypes)
		c.describeFields(&portal{desc: *desc})
	case 'P':
		p := c.portals[m.Name]
		if p == nil {
			return errNoPortal(m.Name)
		}
		c.describeFields(p)
	default:
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid DESCRIBE message subtype %d", m.ObjectType)
	}
	return nil
}

func (c *conn) describeFields(p *portal) {
	if p.desc.Fields == nil {
		c.out.bare('n')
		return
	}
	c.out.fields(p.desc.Fields, p.formats)
}

func (c *conn) closeNamed(body []byte) error {
	var m pgproto3.Close
	if m.Decode(body) != nil {
		return errMessage("Close")
	}
	switch m.ObjectType {
	case 'S':
		c.session.Unprepare(m.Name)
	case 'P':
		delete(c.portals, m.Name)
	default:
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid CLOSE message subtype %d", m.ObjectType)
	}
	c.out.bare('3')
	return nil
}

func errNoPortal(name string) error {
	return sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", name)
}
