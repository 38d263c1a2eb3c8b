package pgwire

import (
	"fmt"
	"time"
)

// Config is how the door is set up. Zero values take the defaults named below.
type Config struct {
	// Listen is the TCP address, "127.0.0.1:5432" for example; port 0 takes any free one.
	Listen string
	// MaxConnections bounds open sessions, 1000. Cancel requests and refusals of further clients have places of their own.
	MaxConnections int
	// MaxMessageBytes bounds one message of a client, 64 MiB.
	MaxMessageBytes int
	// StartupTimeout bounds the time from connecting to the end of the start-up, 30 seconds.
	StartupTimeout time.Duration
	// IdleTimeout ends sessions that have sent nothing for that long, none by default.
	IdleTimeout time.Duration
	// MaxPortals bounds the portals a connection may have open, 1000.
	MaxPortals int
	// MaxPortalBytes bounds the rows that a portal holds back behind a row limit, 64 MiB.
	MaxPortalBytes int
	// Now is the clock that 'now' in a parameter refers to, time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.MaxConnections == 0 {
		c.MaxConnections = 1000
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 64 << 20
	}
	if c.StartupTimeout == 0 {
		c.StartupTimeout = 30 * time.Second
	}
	if c.MaxPortals == 0 {
		c.MaxPortals = 1000
	}
	if c.MaxPortalBytes == 0 {
		c.MaxPortalBytes = 64 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate reports the first value that makes no sense.
func (c Config) Validate() error {
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"max_connections", int64(c.MaxConnections)}, {"max_message_bytes", int64(c.MaxMessageBytes)},
		{"startup_timeout", int64(c.StartupTimeout)}, {"idle_timeout", int64(c.IdleTimeout)},
		{"max_portals", int64(c.MaxPortals)}, {"max_portal_bytes", int64(c.MaxPortalBytes)},
	} {
		if v.value < 0 {
			return fmt.Errorf("%s is negative", v.name)
		}
	}
	if c.Listen == "" {
		return fmt.Errorf("listen names no address")
	}
	return nil
}
