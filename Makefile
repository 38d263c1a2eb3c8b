# `make` lists the targets. Every target is a line or two; what is longer is a script under scripts/, which CI calls too.

# The packages whose goroutines share state: what `make test-race` runs under the race detector.
RACE_PACKAGES := \
	./client/... \
	./engine/memory/... \
	./platform/... \
	./services/costmodel/... \
	./services/executor/... \
	./services/history/... \
	./services/planner/... \
	./services/storage/... \
	./cmd/attune/...

FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 6
PKG      ?= ./engine/...
SCALE    ?=

export PATH := $(CURDIR)/.tools/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help tools generate generate-check breaking modsync modsync-check modules lint test test-race test-invariants fuzz bench \
	build third-party peers images up down purge e2e compose-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

tools: ## install the pinned tools into .tools/bin, those that are absent
	@scripts/install-tools

generate: ## generate proto/gen from proto/
	@scripts/generate

generate-check: ## fail when proto/gen is stale
	@scripts/generate --check

breaking: ## fail when proto/ breaks its users, compared with the main branch
	@scripts/breaking

modsync: ## rewrite every go.mod's replace block and tidy
	@scripts/modsync

modsync-check: ## fail when modsync would change something
	@scripts/modsync --check

modules: ## build and vet every module alone, with GOWORK=off
	@scripts/check-modules

lint: ## lint protos and Go
	@scripts/lint

test: ## test every module of the workspace
	go test work

test-race: ## test the concurrent packages under the race detector
	@scripts/gotest -race -timeout 20m -- $(RACE_PACKAGES)

test-invariants: ## test every module with invariants asserted
	go test -tags invariants work

fuzz: ## run each fuzz target for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

bench: ## run the Go benchmarks BENCH of PKG, COUNT times, for benchstat
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

build: ## build static binaries into bin/
	@scripts/build-binaries

third-party: ## build etcd and nats-server into bin/ from their pinned modules
	@scripts/build-third-party

peers: ## build DuckDB into bin/, to compare with in benchmarks
	@scripts/build-peers

images: ## build the images of the local cluster, from scratch
	@scripts/build-images

up: images ## start the local cluster; SCALE="executor=2 planner=2" scales it
	@scripts/compose up -d --remove-orphans $(addprefix --scale ,$(SCALE))
	@scripts/compose-wait
	@scripts/compose ps

down: ## stop the local cluster, keep its data
	@scripts/compose down --remove-orphans

purge: ## stop the local cluster and remove its data
	@scripts/compose down --volumes --remove-orphans

e2e: ## end-to-end tests against real etcd and NATS processes
	@scripts/e2e

compose-test: ## bring a scaled cluster up, kill containers under load, compare answers
	@scripts/compose-test

clean: ## remove what was built
	rm -rf bin
