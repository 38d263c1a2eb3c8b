package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RunTerminal talks with a person until they leave.
func (s *Shell) RunTerminal(ctx context.Context) error {
	in, err := newTerminalInput(historyFile())
	if err != nil {
		return err
	}
	defer in.close()
	fmt.Fprintf(s.cfg.Out, "Attune at %s. A statement ends with a semicolon; \\? for help, \\q to leave.\n", s.cfg.Target)
	if err := s.loop(ctx, in, true); err != nil && !errors.Is(err, errQuit) {
		return err
	}
	return nil
}

// historyFile returns where statements are remembered: $ATTUNE_HISTORY, or a file in the user's state directory.
func historyFile() string {
	if path, ok := os.LookupEnv("ATTUNE_HISTORY"); ok {
		return path
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	if err := os.MkdirAll(filepath.Join(dir, "attune"), 0o700); err != nil {
		return ""
	}
	return filepath.Join(dir, "attune", "history")
}
