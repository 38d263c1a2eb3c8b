//go:build !linux

package bench

func newPreciseWaiter() (waiter, error) { return goWaiter{}, nil }
