package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestClaimTakesTheLowestFreeSlot(t *testing.T) {
	root := t.TempDir()
	first, fd, err := claim(root)
	if err != nil {
		t.Fatal(err)
	}
	second, fd2, err := claim(root)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd2)
	if first != filepath.Join(root, "0") || second != filepath.Join(root, "1") {
		t.Fatalf("got %s and %s, want slots 0 and 1", first, second)
	}
	if err := syscall.Close(fd); err != nil {
		t.Fatal(err)
	}
	again, fd3, err := claim(root)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd3)
	if again != first {
		t.Fatalf("got %s, want the freed slot %s", again, first)
	}
}

// The lock must outlive exec: the service, not slot, is who holds it.
func TestLockIsHeldByTheExecutedCommand(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("no cat on this machine")
	}
	bin := filepath.Join(t.TempDir(), "slot")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	root := t.TempDir()
	cmd := exec.Command(bin, root, cat, "/proc/self/environ", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write([]byte("end\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line, "ATTUNE_DATA="+filepath.Join(root, "0")+"\x00") {
		t.Fatalf("the command's environment lacks its slot: %q", line)
	}
	dir, fd, err := claim(root)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if dir != filepath.Join(root, "1") {
		t.Fatalf("got %s while the command runs, want slot 1", dir)
	}
	if err := cmd.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	freed, fd2, err := claim(root)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd2)
	if freed != filepath.Join(root, "0") {
		t.Fatalf("got %s after the command was killed, want slot 0", freed)
	}
}
