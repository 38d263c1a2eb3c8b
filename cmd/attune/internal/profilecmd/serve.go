package profilecmd

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"

	"github.com/attunedb/attune/platform/profiler/render"
)

// Pages serves a directory of profiles: its report, and for each profile pprof's own pages (flame graph, top, source, and the call graph where
// Graphviz is installed). Nothing in them refers to another address.
type Pages struct {
	dir string
	// files are the profiles, as paths below dir with slashes.
	files []string

	mu   sync.Mutex
	open map[string]map[string]http.Handler // by file, then by page
}

// maxDepth bounds how deep below the directory profiles are looked for, maxFiles how many are served.
const (
	maxDepth = 3
	maxFiles = 2000
)

// NewPages finds the profiles below a directory; a single file is served alone.
func NewPages(path string) (*Pages, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	p := &Pages{dir: path, open: map[string]map[string]http.Handler{}}
	if !info.IsDir() {
		p.dir, p.files = filepath.Dir(path), []string{filepath.Base(path)}
		return p, nil
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.Count(below, string(filepath.Separator)) >= maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && (strings.HasSuffix(name, ".pb.gz") || strings.HasSuffix(name, ".pprof") || strings.HasSuffix(name, ".prof")) && len(p.files) < maxFiles {
			p.files = append(p.files, filepath.ToSlash(below))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("%s: %w", path, render.ErrNoProfile)
	}
	return p, nil
}

// ServeHTTP shows the list at /, the report at /report.html, and pprof's pages of a profile below /pprof/FILE/.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/":
		p.index(w)
	case r.URL.Path == "/report.html":
		http.ServeFile(w, r, filepath.Join(p.dir, "report.html"))
	case strings.HasPrefix(r.URL.Path, "/pprof/"):
		p.profile(w, r, strings.TrimPrefix(r.URL.Path, "/pprof/"))
	default:
		http.NotFound(w, r)
	}
}

func (p *Pages) index(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8><title>Attune profiles</title><body style=\"font:15px/1.6 system-ui,sans-serif;margin:32px\"><h1>Profiles</h1>")
	if _, err := os.Stat(filepath.Join(p.dir, "report.html")); err == nil {
		b.WriteString("<p><a href=\"/report.html\">The report</a></p>")
	}
	b.WriteString("<ul>")
	for _, f := range p.files {
		e := html.EscapeString(f)
		fmt.Fprintf(&b, `<li><a href="/pprof/%s/flamegraph">%s</a> (<a href="/pprof/%s/top">top</a>)</li>`, e, e, e)
	}
	b.WriteString("</ul></body>")
	_, _ = io.WriteString(w, b.String()) // whoever asked has gone away
}

func (p *Pages) profile(w http.ResponseWriter, r *http.Request, path string) {
	i := slices.IndexFunc(p.files, func(f string) bool { return strings.HasPrefix(path, f+"/") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	file := p.files[i]
	page := strings.TrimPrefix(path, file)
	if page == "/saveconfig" || page == "/deleteconfig" {
		http.Error(w, "settings are not kept", http.StatusForbidden)
		return
	}
	handlers, err := p.handlers(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := handlers[page]
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}

// handlers has pprof open a profile, once.
func (p *Pages) handlers(file string) (map[string]http.Handler, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.open[file]; h != nil {
		return h, nil
	}
	var handlers map[string]http.Handler
	path := filepath.Join(p.dir, filepath.FromSlash(file))
	ui := &messages{}
	err := driver.PProf(&driver.Options{
		Flagset: &arguments{args: []string{"-http=localhost:0", "-no_browser", "-symbolize=none", path}},
		Fetch:   fetcher{path},
		UI:      ui,
		HTTPServer: func(a *driver.HTTPServerArgs) error {
			handlers = a.Handlers
			return nil
		},
	})
	if err == nil && handlers == nil {
		err = errors.New("pprof serves no pages")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w %s", file, err, strings.Join(ui.errors, " "))
	}
	p.open[file] = handlers
	return handlers, nil
}

// Serve serves pages on an address until ctx ends. ready is told where.
func (p *Pages) Serve(ctx context.Context, address string, ready func(address string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	ready(l.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err = s.Shutdown(stop)
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// fetcher hands pprof the file itself.
type fetcher struct{ path string }

func (f fetcher) Fetch(string, time.Duration, time.Duration) (*profile.Profile, string, error) {
	data, err := render.Bounded(f.path)
	if err != nil {
		return nil, "", err
	}
	p, err := profile.ParseData(data)
	return p, f.path, err
}

// messages keeps what pprof would say on a terminal.
type messages struct{ errors []string }

func (m *messages) ReadLine(string) (string, error)     { return "", io.EOF }
func (m *messages) Print(...any)                        {}
func (m *messages) PrintErr(args ...any)                { m.errors = append(m.errors, fmt.Sprint(args...)) }
func (m *messages) IsTerminal() bool                    { return false }
func (m *messages) WantBrowser() bool                   { return false }
func (m *messages) SetAutoComplete(func(string) string) {}

// arguments is a command line for pprof that is not the process's own.
type arguments struct {
	set   flagSet
	args  []string
	usage string
}
