// Package e2e runs the services as separate processes against real etcd and NATS servers, takes each of them away in turn, and
// checks that what the design promises for that case happens. It runs when ATTUNE_E2E is set and ATTUNE_ETCD_BIN and
// ATTUNE_NATS_BIN name the servers (scripts/e2e builds them).
package e2e
