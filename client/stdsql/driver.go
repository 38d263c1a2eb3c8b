package stdsql

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/attunedb/attune/client"
)

// Name is the name the driver is registered under.
const Name = "attune"

// A database/sql driver registers itself when it is imported: that is the accepted contract of blank imports of drivers, and the only
// effect an import of this package has.
func init() { sql.Register(Name, Driver{}) }

// Driver opens connections by data source name. It is stateless.
type Driver struct{}

var _ driver.DriverContext = Driver{}

// Open makes a connection with a client of its own; database/sql calls OpenConnector instead.
func (d Driver) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := c.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	conn.(*session).owned = c.(*Connector)
	return conn, nil
}

// OpenConnector reads a data source name. It does not connect.
func (Driver) OpenConnector(dsn string) (driver.Connector, error) {
	target, settings, useTLS, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	var opts []client.Option
	if useTLS {
		opts = append(opts, client.WithTLS(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	return &Connector{settings: settings, open: func(ctx context.Context) (*client.Client, error) {
		return client.Open(ctx, target, opts...)
	}}, nil
}

// Connector makes the connections of one pool over one client. It is safe for concurrent use.
type Connector struct {
	settings client.Settings
	open     func(context.Context) (*client.Client, error)

	mu     sync.Mutex
	client *client.Client
	closed bool
}

// NewConnector returns a connector over a client, which stays the caller's, whose connections start with the given settings.
func NewConnector(c *client.Client, s client.Settings) *Connector {
	return &Connector{settings: maps.Clone(s), client: c}
}

// Driver returns Driver.
func (c *Connector) Driver() driver.Driver { return Driver{} }

// Connect opens a session and makes its settings.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	cl, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	s, err := cl.Session(ctx)
	if err != nil {
		return nil, err
	}
	// Making the settings is also what shows that the executor is there.
	statements := []string{"SELECT 1"}
	for _, name := range slices.Sorted(maps.Keys(c.settings)) {
		statements = append(statements, "SET "+quoteSetting(name)+" = "+quoteLiteral(c.settings[name]))
	}
	p := s.Pipeline(ctx)
	for _, sql := range statements {
		if err := p.Queue(sql); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	for range statements {
		if _, err := p.RecvResult(); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	return &session{s: s}, nil
}

// dial returns the client, opening it at the first call that succeeds.
func (c *Connector) dial(ctx context.Context) (*client.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("stdsql: the connector is closed")
	}
	if c.client == nil {
		cl, err := c.open(ctx)
		if err != nil {
			return nil, err
		}
		c.client = cl
	}
	return c.client, nil
}

// Close closes the client if the connector opened it. sql.DB.Close calls it.
func (c *Connector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.open == nil || c.client == nil {
		return nil
	}
	err := c.client.Close()
	c.client = nil
	return err
}

func parseDSN(dsn string) (target string, settings client.Settings, useTLS bool, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		// url.Parse repeats its input, which is fine: a data source name holds no secret.
		return "", nil, false, fmt.Errorf("stdsql: data source name: %w", err)
	}
	switch {
	case u.Scheme != Name:
		return "", nil, false, fmt.Errorf("stdsql: data source name %q does not begin with %s://", dsn, Name)
	case u.Host == "":
		return "", nil, false, fmt.Errorf("stdsql: data source name %q names no host", dsn)
	case u.User != nil:
		return "", nil, false, fmt.Errorf("stdsql: data source name: users are not supported")
	case strings.Trim(u.Path, "/") != "":
		return "", nil, false, fmt.Errorf("stdsql: data source name: there is one database, it takes no name (%q)", u.Path)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", nil, false, fmt.Errorf("stdsql: data source name: %w", err)
	}
	settings = make(client.Settings, len(query))
	for name, values := range query {
		value := values[len(values)-1]
		if name == "tls" {
			if useTLS, err = strconv.ParseBool(value); err != nil {
				return "", nil, false, fmt.Errorf("stdsql: data source name: tls=%q is neither true nor false", value)
			}
			continue
		}
		settings[name] = value
	}
	return u.Host, settings, useTLS, nil
}

// quoteSetting quotes the parts of a setting's name.
func quoteSetting(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
