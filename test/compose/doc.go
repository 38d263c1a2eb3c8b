// Package compose tests the cluster of deploy/compose with two of each scaled service: answers stay right while one container of
// each is killed under load, and the model goes on learning. It runs when ATTUNE_COMPOSE is set and the images are built
// (scripts/compose-test does both).
package compose
