package stack

import "golang.org/x/sys/unix"

// machineMemory returns the size of the machine's memory in bytes, 2 GiB when it cannot be told.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 2 << 30
	}
	return int64(info.Totalram) * int64(info.Unit)
}
