// Package embedded runs one etcd member inside of the process, for the embedded shape of the system and for tests. It is real
// etcd with a data directory that survives; only its size settings are those of a single small node.
package embedded
