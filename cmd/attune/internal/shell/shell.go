package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/engine/sqltext"
)

// Format is how results are written.
type Format string

// The formats.
const (
	Aligned Format = "aligned"
	CSV     Format = "csv"
	JSON    Format = "json"
)

// ParseFormat accepts the name of a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case Aligned, CSV, JSON:
		return f, nil
	}
	return "", fmt.Errorf("unknown format %q: aligned, csv or json", s)
}

// Config of a Shell.
type Config struct {
	// Target names the server in messages.
	Target string
	// Format of results; empty is Aligned.
	Format Format
	// Expanded draws each row as a block, Timing tells how long each statement took.
	Expanded, Timing bool
	// Out takes results, Err messages.
	Out, Err io.Writer
}

// ErrFailed is what scripts end with when a statement failed; the failure itself was written to Config.Err.
var ErrFailed = errors.New("shell: a statement failed")

// errQuit ends the shell on the user's request.
var errQuit = errors.New("quit")

// Shell runs statements and shows what they give.
type Shell struct {
	cfg     Config
	client  *client.Client
	session *client.Session
	// source is the file that runs, empty for none, and depth how many files include it.
	source string
	depth  int
}

// New returns a shell on c, which the caller closes after the shell.
func New(cfg Config, c *client.Client) *Shell {
	if cfg.Format == "" {
		cfg.Format = Aligned
	}
	return &Shell{cfg: cfg, client: c}
}

// Close ends the shell's session; an open transaction is rolled back.
func (s *Shell) Close() error {
	if s.session == nil {
		return nil
	}
	return s.session.Close()
}

// RunText runs a script that stops at the first failure, with ErrFailed.
func (s *Shell) RunText(ctx context.Context, text string) error {
	return s.script(ctx, newReaderInput(strings.NewReader(text)), "")
}

// RunFile runs a script from a file, "-" for standard input, that stops at the first failure, with ErrFailed.
func (s *Shell) RunFile(ctx context.Context, path string) error {
	if path == "-" {
		return s.script(ctx, newReaderInput(os.Stdin), "stdin")
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.script(ctx, newReaderInput(f), path)
}

func (s *Shell) script(ctx context.Context, in input, source string) error {
	outer := s.source
	s.source = source
	defer func() { s.source = outer }()
	if err := s.loop(ctx, in, false); err != nil && !errors.Is(err, errQuit) {
		return err
	}
	return nil
}

// loop reads statements and commands until the input ends. Only an interactive one goes on after a failure.
func (s *Shell) loop(ctx context.Context, in input, interactive bool) error {
	var pending assembler
	for {
		line, err := in.line(s.prompt(&pending))
		switch {
		case errors.Is(err, errInterrupt):
			pending.reset()
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		ended := err != nil
		var failed error
		switch trimmed := strings.TrimSpace(line); {
		case pending.blank() && strings.HasPrefix(trimmed, `\`):
			pending.skip(line)
			failed = s.meta(ctx, trimmed)
		case pending.blank() && interactive && isPlainCommand(trimmed):
			failed = s.meta(ctx, `\`+strings.TrimSuffix(trimmed, ";"))
		default:
			statements := pending.add(line)
			if ended {
				statements = append(statements, pending.rest()...)
			}
			failed = s.runAll(ctx, in, statements, interactive)
		}
		switch {
		case errors.Is(failed, errQuit):
			return errQuit
		case failed != nil && !interactive:
			return failed
		case ended:
			return nil
		}
	}
}

// isPlainCommand accepts the words that people type to leave or to ask for help.
func isPlainCommand(line string) bool {
	switch strings.TrimSuffix(line, ";") {
	case "quit", "exit", "help":
		return true
	}
	return false
}

func (s *Shell) prompt(pending *assembler) string {
	mark := "="
	if !pending.blank() {
		mark = "-"
	}
	if s.session != nil {
		switch s.session.TxnStatus() {
		case client.StatusOpen:
			return "attune" + mark + "*> "
		case client.StatusFailed:
			return "attune" + mark + "!> "
		}
	}
	return "attune" + mark + "> "
}

func (s *Shell) runAll(ctx context.Context, in input, statements []located, interactive bool) error {
	for _, st := range statements {
		in.remember(st.text)
		if err := s.run(ctx, in, st, interactive); err != nil {
			return err
		}
	}
	return nil
}

// run runs one statement and shows its result or failure.
func (s *Shell) run(ctx context.Context, in input, st located, interactive bool) error {
	if interactive {
		// Ctrl-C stops the statement and leaves the shell alone.
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
	}
	start := time.Now()
	var result client.Result
	var err error
	if isCopyFromStdin(st.text) {
		result, err = s.copyFrom(ctx, in, st.text)
	} else {
		result, err = s.query(ctx, st.text)
	}
	for _, n := range result.Notices {
		writeNotice(s.cfg.Err, n)
	}
	if err != nil {
		writeFailure(s.cfg.Err, s.place(st), st.text, err)
		return ErrFailed
	}
	if s.cfg.Timing {
		fmt.Fprintf(s.cfg.Err, "Time: %.3f ms\n", float64(time.Since(start))/float64(time.Millisecond))
	}
	return nil
}

func (s *Shell) place(st located) string {
	if s.source == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", s.source, st.line)
}

// open gives the session, a fresh one where there is none or the last one broke.
func (s *Shell) open(ctx context.Context) (*client.Session, error) {
	if s.session != nil {
		if broken := s.session.Err(); broken == nil {
			return s.session, nil
		}
		fmt.Fprintln(s.cfg.Err, "The connection was lost; connected again. Settings and prepared statements are gone.")
		s.session = nil
	}
	session, err := s.client.Session(ctx)
	if err != nil {
		return nil, err
	}
	s.session = session
	return session, nil
}

func (s *Shell) query(ctx context.Context, text string) (client.Result, error) {
	session, err := s.open(ctx)
	if err != nil {
		return client.Result{}, err
	}
	rows, err := session.Query(ctx, text)
	if err != nil {
		return client.Result{}, err
	}
	show := s.show(rows)
	if err := rows.Close(); err != nil {
		return rows.Result(), err
	}
	return rows.Result(), show
}

// copyFrom loads the lines of the input that follow the statement, up to a line "\.".
func (s *Shell) copyFrom(ctx context.Context, in input, text string) (client.Result, error) {
	if s.session != nil && s.session.TxnStatus() != client.StatusIdle {
		return client.Result{}, errors.New("COPY FROM STDIN runs in a transaction of its own here: end the open one first")
	}
	data := &copyData{in: in}
	result, err := s.client.CopyFrom(ctx, text, data)
	data.drain()
	if err == nil && s.cfg.Format == Aligned {
		fmt.Fprintln(s.cfg.Out, result.Tag)
	}
	return result, err
}

func isCopyFromStdin(text string) bool {
	if sqltext.FirstWord(text) != "copy" {
		return false
	}
	words := strings.Fields(strings.ToLower(text))
	for i, w := range words[:len(words)-1] {
		if w == "from" && strings.HasPrefix(words[i+1], "stdin") {
			return true
		}
	}
	return false
}
