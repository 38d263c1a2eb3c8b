// Package embedded runs a NATS server with JetStream inside of the process, for the embedded shape of the system and for tests.
package embedded
