// Package storagetest holds every door of storage to the same promises: Run checks whatever implements Store, the service in
// its own process and behind gRPC alike.
package storagetest
