package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const help = `General
  \q                     leave
  \?                     this help
  \i FILE                run a file
  \copy TABLE FROM FILE [OPTIONS]
                         load a file of this machine, such as
                         \copy points FROM 'points.csv' (FORMAT csv, HEADER)
Output
  \x [on|off]            one line for each value
  \timing [on|off]       tell how long statements take
  \format aligned|csv|json
Connection
  \conninfo              where this shell is connected

SQL worth knowing
  EXPLAIN (ANALYZE) SELECT …      the plan, estimates beside what really happened
  EXPLAIN (LEARNED) SELECT …      how the plan was chosen
  SET attune.optimizer = static   plan without what was learned
`

// maxInclude bounds files that run files.
const maxInclude = 16

// meta runs a command of the shell's own.
func (s *Shell) meta(ctx context.Context, line string) error {
	name, rest, _ := strings.Cut(strings.TrimPrefix(line, `\`), " ")
	err := s.command(ctx, name, strings.TrimSpace(rest))
	if err == nil || errors.Is(err, errQuit) || errors.Is(err, ErrFailed) {
		return err
	}
	writeFailure(s.cfg.Err, "", "", err)
	return ErrFailed
}

func (s *Shell) command(ctx context.Context, name, rest string) error {
	switch name {
	case "q", "quit", "exit":
		return errQuit
	case "?", "h", "help":
		_, err := fmt.Fprint(s.cfg.Out, help)
		return err
	case "x":
		return s.toggle(&s.cfg.Expanded, rest, "Expanded display")
	case "timing":
		return s.toggle(&s.cfg.Timing, rest, "Timing")
	case "format":
		f, err := ParseFormat(rest)
		if err == nil {
			s.cfg.Format = f
		}
		return err
	case "conninfo":
		_, err := fmt.Fprintf(s.cfg.Out, "Connected to %s over gRPC.\n", s.cfg.Target)
		return err
	case "i":
		if rest == "" {
			return errors.New(`\i needs a file`)
		}
		if s.depth >= maxInclude {
			return fmt.Errorf("files run one another more than %d deep", maxInclude)
		}
		s.depth++
		defer func() { s.depth-- }()
		return s.RunFile(ctx, unquote(rest))
	case "copy":
		return s.copyFile(ctx, rest)
	}
	return fmt.Errorf(`unknown command \%s: see \?`, name)
}

func (s *Shell) toggle(flag *bool, value, what string) error {
	switch strings.ToLower(value) {
	case "":
		*flag = !*flag
	case "on", "true":
		*flag = true
	case "off", "false":
		*flag = false
	default:
		return fmt.Errorf("%q is neither on nor off", value)
	}
	state := "off"
	if *flag {
		state = "on"
	}
	_, err := fmt.Fprintf(s.cfg.Err, "%s is %s.\n", what, state)
	return err
}

// copyFile loads a local file: what stands where COPY has STDIN is its name.
func (s *Shell) copyFile(ctx context.Context, rest string) error {
	target, path, options, ok := splitCopy(rest)
	if !ok {
		return errors.New(`write \copy TABLE [(COLUMN, …)] FROM 'FILE' [OPTIONS]`)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	result, err := s.client.CopyFrom(ctx, strings.TrimSpace("COPY "+target+" FROM STDIN "+options), f)
	if err != nil {
		return err
	}
	if s.cfg.Format == Aligned {
		fmt.Fprintln(s.cfg.Out, result.Tag)
	}
	return nil
}

// splitCopy takes "t (a, b) from 'file' (format csv)" apart.
func splitCopy(s string) (target, path, options string, ok bool) {
	at := strings.Index(strings.ToLower(s), " from ")
	if at < 0 {
		return "", "", "", false
	}
	target = strings.TrimSpace(s[:at])
	rest := strings.TrimSpace(strings.TrimSuffix(s[at+len(" from "):], ";"))
	if strings.HasPrefix(rest, "'") {
		end := strings.Index(rest[1:], "'")
		if end < 0 {
			return "", "", "", false
		}
		path, options = rest[1:1+end], rest[2+end:]
	} else {
		path, options, _ = strings.Cut(rest, " ")
	}
	return target, path, strings.TrimSpace(options), target != "" && path != ""
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	return s
}
