package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LogConfig configures NewLogger.
type LogConfig struct {
	// Format is "text" or "json". Default "text".
	Format string `config:"format" usage:"log format: text or json"`
	// Level is "debug", "info", "warn" or "error". Default "info".
	Level string `config:"level" usage:"least level that is logged: debug, info, warn or error"`
}

// Validate names the key that is wrong.
func (c LogConfig) Validate() error {
	switch strings.ToLower(c.Format) {
	case "", "text", "json":
	default:
		return fmt.Errorf("format: %q is neither text nor json", c.Format)
	}
	if _, err := parseLevel(c.Level); err != nil {
		return fmt.Errorf("level: %w", err)
	}
	return nil
}

func parseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if s == "" {
		return slog.LevelInfo, nil
	}
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("%q is not a log level", s)
	}
	return l, nil
}

// NewLogger returns a logger to w, and the variable by which its level can be changed while it runs.
func NewLogger(w io.Writer, cfg LogConfig) (*slog.Logger, *slog.LevelVar, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, fmt.Errorf("telemetry: log %w", err)
	}
	l, err := parseLevel(cfg.Level)
	if err != nil {
		return nil, nil, fmt.Errorf("telemetry: log level: %w", err)
	}
	level := new(slog.LevelVar)
	level.Set(l)
	opts := &slog.HandlerOptions{Level: level}
	if strings.EqualFold(cfg.Format, "json") {
		return slog.New(slog.NewJSONHandler(w, opts)), level, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), level, nil
}
