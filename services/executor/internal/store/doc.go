// Package store says what the executor asks of storage, whether it is in the same process or behind gRPC.
package store
