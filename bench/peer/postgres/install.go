package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// debianPrograms matches where Debian's packages put the server's programs, a directory for each version.
const debianPrograms = "/usr/lib/postgresql/*/bin"

// programs returns the directory of initdb and postgres: $ATTUNE_POSTGRES_BIN, Debian's newest, pg_config's, or one of PATH.
func programs() (string, error) {
	var candidates []string
	if dir := os.Getenv("ATTUNE_POSTGRES_BIN"); dir != "" {
		candidates = []string{dir}
	} else {
		candidates, _ = filepath.Glob(debianPrograms)
		slices.SortFunc(candidates, func(a, b string) int { return versionOf(b) - versionOf(a) })
		if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil { //nolint:noctx // prints and ends
			candidates = append(candidates, strings.TrimSpace(string(out)))
		}
		if path, err := exec.LookPath("initdb"); err == nil {
			candidates = append(candidates, filepath.Dir(path))
		}
	}
	for _, dir := range candidates {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("postgres: %w", ErrNotInstalled)
}

// versionOf is the version in a path of debianPrograms.
func versionOf(dir string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return v
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// runAs is the user that the server runs as, nil for the one we are.
func runAs() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("postgres: the server refuses to run as root, and there is no user postgres or nobody to run it as: run as another user")
}

// own makes dir and gives it to the user.
func own(dir string, as *syscall.Credential) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if as == nil {
		return nil
	}
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	for up := filepath.Dir(abs); up != "/"; up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && st.Uid != as.Uid && st.Gid != as.Gid && info.Mode()&0o001 == 0 {
			return fmt.Errorf("postgres: the server runs as user %d, who may not enter %s: choose a directory that others can reach", as.Uid, up)
		}
	}
	return nil
}

// initialize makes a database cluster whose superuser's password is left in a file.
func initialize(ctx context.Context, bin string, as *syscall.Credential, data, password string) error {
	if err := os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if as != nil {
		if err := os.Chown(password, int(as.Uid), int(as.Gid)); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "--pwfile", password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions")
	cmd.Dir, cmd.Env = filepath.Dir(data), environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("postgres: initdb in %s: %w:\n%s", data, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// environment is ours without what would steer PostgreSQL's programs.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
}
