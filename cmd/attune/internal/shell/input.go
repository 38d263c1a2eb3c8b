package shell

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/chzyer/readline"
)

// errInterrupt is Ctrl-C at the prompt.
var errInterrupt = errors.New("interrupt")

// input gives lines. The last one may come with io.EOF; all others keep their line end.
type input interface {
	line(prompt string) (string, error)
	// remember puts a statement into the history.
	remember(statement string)
}

// readerInput reads a script.
type readerInput struct{ r *bufio.Reader }

func newReaderInput(r io.Reader) *readerInput { return &readerInput{bufio.NewReaderSize(r, 64<<10)} }

func (i *readerInput) line(string) (string, error) { return i.r.ReadString('\n') }

func (i *readerInput) remember(string) {}

// terminalInput reads from a person.
type terminalInput struct{ rl *readline.Instance }

// newTerminalInput edits lines on the terminal; history is the file that keeps them, empty for none.
func newTerminalInput(history string) (*terminalInput, error) {
	rl, err := readline.NewEx(&readline.Config{
		HistoryFile: history, HistoryLimit: 2000, HistorySearchFold: true,
		DisableAutoSaveHistory: true, InterruptPrompt: "^C", EOFPrompt: `\q`,
	})
	if err != nil {
		return nil, err
	}
	return &terminalInput{rl}, nil
}

func (i *terminalInput) line(prompt string) (string, error) {
	i.rl.SetPrompt(prompt)
	line, err := i.rl.Readline()
	switch {
	case errors.Is(err, readline.ErrInterrupt):
		return "", errInterrupt
	case err != nil:
		return "", err
	}
	return line + "\n", nil
}

func (i *terminalInput) remember(statement string) {
	// A history that cannot be written is not worth a message after every statement.
	_ = i.rl.SaveHistory(strings.Join(strings.Fields(statement), " ") + ";")
}

func (i *terminalInput) close() error { return i.rl.Close() }

// copyData reads the lines of an input up to "\.".
type copyData struct {
	in    input
	rest  string
	ended bool
}

// Read implements io.Reader.
func (d *copyData) Read(p []byte) (int, error) {
	for d.rest == "" {
		if d.ended {
			return 0, io.EOF
		}
		line, err := d.in.line(">> ")
		if errors.Is(err, errInterrupt) {
			d.ended = true
			return 0, errors.New("interrupted")
		}
		d.ended = err != nil
		if strings.TrimRight(line, "\r\n") == `\.` {
			d.ended = true
			continue
		}
		d.rest = line
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// drain passes what the server did not want, so that it is not taken for SQL.
func (d *copyData) drain() {
	for !d.ended {
		d.rest = ""
		var one [1]byte
		_, _ = d.Read(one[:])
	}
}
