# `make` is what CI holds every change to; see .ci/run for bare machines.

TOOL := go tool -modfile=tools/go.mod

.PHONY: all help format vet lint test tidy vulnerabilities fuzz bench bench-load quickstart
all: format vet lint test tidy ## everything that must hold

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

format: ## gofmt finds nothing to change
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }

vet: ## go vet
	go vet ./...

lint: ## staticcheck, all checks of staticcheck.conf
	$(TOOL) staticcheck ./...

test: ## all tests, with the race detector
	go test -race ./...

tidy: ## go.mod and go.sum are tidy
	go mod tidy -diff
	cd tools && go mod tidy -diff

vulnerabilities: ## govulncheck, where its database can be reached
	$(TOOL) govulncheck ./...

fuzz: ## every fuzz target of every module, a minute each, or FUZZTIME=10m make fuzz
	@.ci/fuzz

bench: ## what a request costs, beside others; writes docs/performance.md and .svg (15 min)
	benchmarks/bench.sh

bench-load: ## the same of whole servers, by wrk; writes docs/performance.md (13 min)
	cd benchmarks && go run ./cmd/load -page ../docs/performance.md

quickstart: ## the README's first command
	go run ./examples/quickstart
