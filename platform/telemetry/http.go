package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HTTPConfig configures NewHTTP.
type HTTPConfig struct {
	// Listen is "host:port"; port 0 takes a free one.
	Listen string
	// Ready answers /readyz: nil is 200, an error 503 with its text. Nil is always ready.
	Ready func(context.Context) error
	// Gatherer answers /metrics. Nil leaves it out.
	Gatherer prometheus.Gatherer
	// Profiles serves /debug/pprof/. They show query texts and cost time: not for an open network.
	Profiles bool
	// Handlers are served beside the rest, by pattern of http.ServeMux.
	Handlers map[string]http.Handler
}

// HTTP serves /metrics, /healthz (the process lives), /readyz and profiles.
type HTTP struct {
	listener net.Listener
	server   *http.Server
	log      *slog.Logger

	mu      sync.Mutex
	started bool
	failed  chan error
	done    chan struct{}
}

// NewHTTP opens the listener. The caller must Stop it, started or not.
func NewHTTP(cfg HTTPConfig, log *slog.Logger) (*HTTP, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeOK(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if cfg.Ready != nil {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := cfg.Ready(ctx); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		writeOK(w)
	})
	if cfg.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	}
	if cfg.Profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	for pattern, h := range cfg.Handlers {
		mux.Handle(pattern, h)
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("telemetry: listen on %s: %w", cfg.Listen, err)
	}
	return &HTTP{
		listener: l, log: log,
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)},
		failed: make(chan error, 1),
		done:   make(chan struct{}),
	}, nil
}

// writeOK ignores a client that has gone; there is nobody to tell.
func writeOK(w io.Writer) { _, _ = io.WriteString(w, "ok\n") }

// Address returns "host:port" with the real port.
func (h *HTTP) Address() string { return h.listener.Addr().String() }

// Start serves in the background.
func (h *HTTP) Start(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started {
		return errors.New("telemetry: HTTP server started twice")
	}
	h.started = true
	go func() {
		defer close(h.done)
		if err := h.server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			h.failed <- fmt.Errorf("telemetry: serve %s: %w", h.Address(), err)
		}
	}()
	return nil
}

// Run is for lifecycle.Component: it returns a failure of serving, or nil once ctx is done.
func (h *HTTP) Run(ctx context.Context) error {
	select {
	case err := <-h.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Stop lets running requests end until ctx does, then cuts them.
func (h *HTTP) Stop(ctx context.Context) error {
	h.mu.Lock()
	started := h.started
	h.started = true
	h.mu.Unlock()
	if !started {
		close(h.done)
		return h.listener.Close()
	}
	err := h.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("telemetry: requests were cut: %w", err), h.server.Close())
	}
	<-h.done
	return err
}
